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
from ansible_collections.localdev.recovery.plugins.module_utils._stack.description import (
    AlembicSettings,
    StackDescription,
)

# Names that Alembic itself looks for in the working folder.
_DEFAULT_CONFIGS = ("alembic.ini", "pyproject.toml")
# Where the command alembic of such an interpreter is found without its folder.
_FOLDERS_ON_PATH = ("", "/bin", "/usr/bin", "/usr/local/bin")


def build_alembic_command(
    stack: StackDescription, *arguments: str, config: str = "", python: str = ""
) -> ProgramCommand | None:
    """Return the command that runs Alembic in a one-off container; None if no service has Alembic.

    config: path of Alembic's configuration in the container. Its paths are relative to its own folder. python: the
    interpreter that has Alembic there. Of several sections the command names the first.
    """
    alembic = stack["alembic"]
    if alembic is None:
        return None
    folder, name = os.path.split(config)
    python = alembic["settings"]["python"] or python
    on_path = os.path.dirname(python) in _FOLDERS_ON_PATH
    return Project.from_stack(stack).compose_command(
        "run",
        "--rm",
        "--no-deps",
        *(["--workdir", folder] if folder else []),
        alembic["service"],
        *(["alembic"] if on_path else [python, "-m", "alembic"]),
        *build_config_option(name),
        *_build_project_options(alembic["settings"]),
        *arguments,
    )


def _build_project_options(settings: AlembicSettings) -> list[str]:
    options = ["-n", settings["section"][0]] if settings["section"] else []
    return options + [word for argument in settings["x_arguments"] for word in ("-x", argument)]


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
    options = [*build_config_option(name), *_build_project_options(alembic["settings"])]
    return program_command("alembic", *options, *arguments, cwd=folder)


def build_checkout_command(folder: str, found: t.Sequence[t.Mapping[str, t.Any]]) -> ProgramCommand:
    """Return the command that checks out the first place that has a revision; that fetches all branches without one.

    found: as find_revisions returns it. git checkout takes branches, branches of a remote, tags and commits.
    """
    if not found:
        return program_command("git", "-C", folder, "fetch", "--all")
    place = found[0]["refs"][0].removeprefix("origin/") if found[0]["refs"] else found[0]["commit"][:12]
    return program_command("git", "-C", folder, "checkout", place)
