# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Read a project whose env file is incomplete, with placeholders for the missing variables."""

from __future__ import annotations

import contextlib
import os
import typing as t
from dataclasses import dataclass, replace

from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils._docker.cli import Docker, Project
from ansible_collections.localdev.recovery.plugins.module_utils._docker.errors import DockerError
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

# A project that still misses a variable after so many has another problem.
MAX_MISSING_VARIABLES = 100
# Above the placeholders of make_placeholders' default range.
FIRST_LATE_PLACEHOLDER = 62001


@dataclass
class ConfigResult:
    """The configuration. config: None where Compose cannot read the project even with placeholders; error: why."""

    config: Json | None
    error: RecoveryError | None = None


class EnvProject:
    """A project, and the env file whose variables may be missing."""

    def __init__(self, project: Project, env_file: str) -> None:
        """Take a project. env_file: the file to fill in, absolute."""
        self.src = project.src
        self.other_env_files = [
            path
            for path in (os.path.normpath(os.path.join(project.src, item)) for item in project.env_files)
            if path != env_file
        ]
        self.env_file = env_file
        # Compose would report nothing but a named env file that is missing.
        readable = [path for path in [*self.other_env_files, env_file] if os.path.isfile(path)]
        self.project = replace(project, env_files=tuple(readable) if project.env_files else ())
        self.docker = Docker(self.project)

    def find_required_variables(self) -> RequiredVariables:
        """Return variables that the Compose files interpolate."""
        required = RequiredVariables()
        for variable in find_interpolated_variables(self._compose_text()):
            required.add(variable)
        return required

    def _compose_text(self) -> str:
        with contextlib.suppress(RecoveryError):
            done = self.docker.compose("--profile", "*", "config", "--no-interpolate", check=False)
            if done.returncode == 0:
                return done.stdout
        # Compose cannot read the project, or is not installed: read the files, without those that they extend.
        text = []
        for path in list_compose_files(self.project):
            with contextlib.suppress(OSError, UnicodeDecodeError), open(path, encoding="utf-8") as handle:
                text.append(strip_comment_lines(handle.read()))
        return "\n".join(text)

    def read_config(self, required: RequiredVariables, variables: dict[str, str]) -> ConfigResult:
        """Return the configuration with these variables. Add to both arguments what Compose reports as missing."""
        error: RecoveryError | None = None
        for number in range(MAX_MISSING_VARIABLES):
            try:
                with override_environment(variables):
                    return ConfigResult(read_compose_config(self.docker))
            except RecoveryError as exc:
                error = exc
                variable = parse_missing_variable(exc.stderr) if isinstance(exc, DockerError) else None
                if variable is None or variable.name in variables:
                    break
                required.add(variable)
                variables |= make_placeholders([variable.name], first=FIRST_LATE_PLACEHOLDER + number)
        return ConfigResult(None, error)

    def find_database_data(self, variables: t.Mapping[str, str]) -> list[str]:
        """Return volumes and folders that already hold data of the project's database."""
        with override_environment(variables):
            return find_database_data(self.docker, gather_stack(self.docker))

    def find_missing_variable(self, path: str) -> str:
        """Return what Compose reports as missing with the env file at path; empty when nothing is missing."""
        candidate = replace(self.project, env_files=(*self.other_env_files, path))
        done = Docker(candidate).compose("config", "--quiet", check=False)
        variable = parse_missing_variable(done.stderr) if done.returncode != 0 else None
        return f"{variable.name} has no value: {variable.message}" if variable else ""


@contextlib.contextmanager
def override_environment(variables: t.Mapping[str, str]) -> t.Iterator[None]:
    """Set variables in this process's environment, which Compose prefers to env files. Never pass secrets."""
    saved = dict(os.environ)
    os.environ.update(variables)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(saved)
