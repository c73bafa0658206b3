# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Build the commands of Alembic and git that a person runs next. Pure."""

from __future__ import annotations

import os
import typing as t

from ansible_collections.localdev.recovery.plugins.module_utils._core.next_command import (
    ProgramCommand,
    program_command,
)
from ansible_collections.localdev.recovery.plugins.module_utils._docker.cli import Project
from ansible_collections.localdev.recovery.plugins.module_utils._stack.description import StackDescription

# Names that Alembic itself looks for in the working folder.
_DEFAULT_CONFIGS = ("alembic.ini", "pyproject.toml")


def build_alembic_command(stack: StackDescription, *arguments: str, config: str = "") -> ProgramCommand | None:
    """Return the command that runs Alembic in a one-off container; None if no service has Alembic.

    config: path of Alembic's configuration in the container. Its paths are relative to its own folder.
    """
    if stack["alembic"] is None:
        return None
    folder, name = os.path.split(config)
    return Project.from_stack(stack).compose_command(
        "run",
        "--rm",
        "--no-deps",
        *(["--workdir", folder] if folder else []),
        stack["alembic"]["service"],
        "alembic",
        *build_config_option(name),
        *arguments,
    )


def build_config_option(name: str) -> list[str]:
    """Return the option that names Alembic's configuration in the working folder, where Alembic needs it."""
    return ["-c", name] if name and name not in _DEFAULT_CONFIGS else []


def build_command_in_source(stack: StackDescription, *arguments: str) -> ProgramCommand | None:
    """Return an Alembic command that writes migrations, to run in the source folder: a container loses its files.

    None if the folder is not known.
    """
    alembic = stack["alembic"]
    if alembic is None or alembic["source"] is None:
        return None
    folder, name = os.path.split(os.path.join(alembic["source"], alembic["config"] or ""))
    return program_command("alembic", *build_config_option(name), *arguments, cwd=folder)


def build_checkout_command(folder: str, found: t.Sequence[t.Mapping[str, t.Any]]) -> ProgramCommand:
    """Return the command that checks out the first place that has a revision; that fetches all branches without one.

    found: as find_revisions returns it. git checkout takes branches, branches of a remote, tags and commits.
    """
    if not found:
        return program_command("git", "-C", folder, "fetch", "--all")
    place = found[0]["refs"][0].removeprefix("origin/") if found[0]["refs"] else found[0]["commit"][:12]
    return program_command("git", "-C", folder, "checkout", place)
