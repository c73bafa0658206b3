# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""What Compose says of a project whose env file is incomplete: asked with placeholders for what is missing."""

from __future__ import annotations

import contextlib
import os
import typing as t
from dataclasses import dataclass, replace

from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils._docker.cli import Docker, Project
from ansible_collections.localdev.recovery.plugins.module_utils._env_file.requirements import (
    RequiredVariables,
    find_interpolated_variables,
    make_placeholders,
    parse_missing_variable,
    strip_comment_lines,
)
from ansible_collections.localdev.recovery.plugins.module_utils._stack.compose_config import read_compose_config
from ansible_collections.localdev.recovery.plugins.module_utils._stack.compose_files import list_compose_files
from ansible_collections.localdev.recovery.plugins.module_utils._stack.database_data import find_database_data
from ansible_collections.localdev.recovery.plugins.module_utils._stack.facts import Json
from ansible_collections.localdev.recovery.plugins.module_utils._stack.gather import gather_stack

# A project that still lacks a variable after so many has another problem.
MAX_MISSING_VARIABLES = 100
# Beyond the placeholders that were given in the beginning.
FIRST_LATE_PLACEHOLDER = 62001


@dataclass
class ConfigResult:
    """config: None where Compose cannot read the project even so, and why."""

    config: Json | None
    why: str = ""


class EnvProject:
    """One project, and the env file whose variables may be missing."""

    def __init__(self, project: Project, env_file: str) -> None:
        """env_file: the one to fill in, absolute."""
        self.src = project.src
        self.others = [
            path
            for path in (os.path.normpath(os.path.join(project.src, item)) for item in project.env_files)
            if path != env_file
        ]
        self.env_file = env_file
        # An env file that is named and missing would be all that Compose speaks of.
        readable = [path for path in [*self.others, env_file] if os.path.isfile(path)]
        self.project = replace(project, env_files=tuple(readable) if project.env_files else ())
        self.docker = Docker(self.project)

    def needs(self) -> RequiredVariables:
        """Variables that the Compose files interpolate."""
        needs = RequiredVariables()
        for need in find_interpolated_variables(self._compose_text()):
            needs.add(need)
        return needs

    def _compose_text(self) -> str:
        with contextlib.suppress(RecoveryError):
            done = self.docker.compose("--profile", "*", "config", "--no-interpolate", check=False)
            if done.returncode == 0:
                return done.stdout
        # Compose cannot read it, or is not there: the files alone, without what they extend.
        text = []
        for path in list_compose_files(self.project):
            with contextlib.suppress(OSError, UnicodeDecodeError), open(path, encoding="utf-8") as handle:
                text.append(strip_comment_lines(handle.read()))
        return "\n".join(text)

    def ask(self, needs: RequiredVariables, given: dict[str, str]) -> ConfigResult:
        """The configuration with GIVEN, to which Compose's complaints add placeholders, and NEEDS what they name."""
        for number in range(MAX_MISSING_VARIABLES):
            try:
                with override_environment(given):
                    return ConfigResult(read_compose_config(self.docker))
            except RecoveryError as exc:
                need = parse_missing_variable(str(exc))
                if need is None or need.name in given:
                    return ConfigResult(None, exc.message)
                needs.add(need)
                given |= make_placeholders([need.name], first=FIRST_LATE_PLACEHOLDER + number)
        return ConfigResult(None, "too many variables are missing")

    def data(self, given: t.Mapping[str, str]) -> list[str]:
        """Volumes and folders that hold data of the project's database already."""
        with override_environment(given):
            return find_database_data(self.docker, gather_stack(self.docker))

    def refusal(self, path: str) -> str:
        """What Compose would miss with the env file at PATH; empty when nothing."""
        proved = replace(self.project, env_files=(*self.others, path))
        done = Docker(proved).compose("config", "--quiet", check=False)
        need = parse_missing_variable(done.stderr) if done.returncode != 0 else None
        return f"{need.name} has no value: {need.message}" if need else ""


@contextlib.contextmanager
def override_environment(given: t.Mapping[str, str]) -> t.Iterator[None]:
    """Variables in this process's environment, which Compose prefers to those of env files. Never secrets."""
    before = dict(os.environ)
    os.environ.update(given)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
