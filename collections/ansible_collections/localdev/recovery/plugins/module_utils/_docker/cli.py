# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Run the Docker CLI. Only this file and ``interactive`` start it.

The CLI, not the API: it uses the user's contexts, DOCKER_HOST and credential helpers, and needs no Python package on
the stack's host.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import typing as t
from dataclasses import dataclass, field

from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._core.next_command import (
    ProgramCommand,
    playbook_command,
    program_command,
)
from ansible_collections.localdev.recovery.plugins.module_utils._docker.errors import DockerError
from ansible_collections.localdev.recovery.plugins.module_utils._docker.inspect import get_compose_label

# An attestation holds the time: with containerd's image store, every build would give another image.
REPRODUCIBLE_BUILD_ENVIRONMENT = {"BUILDX_NO_DEFAULT_ATTESTATIONS": "1"}


class _ProjectDescription(t.TypedDict):
    name: str
    dir: str
    files: list[str]
    env_files: list[str]
    profiles: list[str]


class _ProjectStack(t.TypedDict):
    """A stack description, as far as this package needs it."""

    project: _ProjectDescription


@dataclass(frozen=True)
class Project:
    """A Compose project and how to address it; empty values leave the choice to Compose."""

    src: str
    files: tuple[str, ...] = ()
    env_files: tuple[str, ...] = ()
    profiles: tuple[str, ...] = ()
    name: str = ""

    @classmethod
    def from_params(cls, params: t.Mapping[str, t.Any]) -> Project:
        """Return the project that a module's options name."""
        return cls(
            src=os.path.abspath(os.path.expanduser(params["project_src"])),
            files=tuple(params.get("files") or ()),
            env_files=tuple(params.get("env_files") or ()),
            profiles=tuple(params.get("profiles") or ()),
            name=params.get("project_name") or "",
        )

    @classmethod
    def from_stack(cls, stack: _ProjectStack) -> Project:
        """Return the project of a stack description."""
        project = stack["project"]
        return cls(
            src=project["dir"],
            files=tuple(project["files"]),
            env_files=tuple(project["env_files"]),
            profiles=tuple(project["profiles"]),
            name=project["name"],
        )

    def arguments(self) -> list[str]:
        """Return the options of ``docker compose`` that select the project."""
        folder = ["--project-directory", self.src] if self.files else []
        return [*folder, *self._list_options(self.files, self.env_files)]

    def compose_command(self, *arguments: str) -> ProgramCommand:
        """Return the command that runs ``docker compose`` on this project, for a person: ``logs web``.

        It runs in the project folder, so it is short: it leaves out what Compose takes from there by itself.
        """
        files, env_files = map(self._shorten_paths, (self.files, self.env_files))
        # Otherwise Compose takes the folder of the first file.
        folder = ["--project-directory", "."] if files and os.path.dirname(files[0]) else []
        options = self._list_options(files, () if env_files == (".env",) else env_files)
        return program_command("docker", "compose", *folder, *options, *arguments, cwd=self.src)

    def _list_options(self, files: t.Iterable[str], env_files: t.Iterable[str]) -> list[str]:
        args = []
        for option, values in (("--file", files), ("--env-file", env_files), ("--profile", self.profiles)):
            for value in values:
                args += [option, value]
        return [*args, "--project-name", self.name] if self.name else args

    def _shorten_paths(self, paths: t.Iterable[str]) -> tuple[str, ...]:
        """Return the paths, those in the project folder relative to it."""
        root = os.path.join(self.src, "")
        return tuple(path[len(root) :] if path.startswith(root) else path for path in paths)


@dataclass(frozen=True)
class CompletedCommand:
    """Result of a command that has ended."""

    args: tuple[str, ...]
    returncode: int
    stdout: str
    stderr: str = field(default="")

    @property
    def output(self) -> str:
        """Return both streams, for people."""
        return "\n".join(part for part in (self.stdout.strip(), self.stderr.strip()) if part)


class Docker:
    """A runner of ``docker`` and ``docker compose`` that turns their errors into DockerError."""

    def __init__(self, project: Project | None = None, binary: str = "docker") -> None:
        self.project = project
        self.binary = binary

    def run(
        self,
        *args: str,
        check: bool = True,
        stdin: str | bytes | None = None,
        environment: t.Mapping[str, str] | None = None,
        timeout: float | None = None,
    ) -> CompletedCommand:
        """Run ``docker ARGS``. environment: added to that of this process; secrets go there, never into args."""
        result, _output = self.run_binary(*args, stdin=stdin, environment=environment, timeout=timeout)
        if check and result.returncode != 0:
            raise self.build_error(result)
        return result

    def run_binary(
        self,
        *args: str,
        stdin: str | bytes | None = None,
        environment: t.Mapping[str, str] | None = None,
        timeout: float | None = None,
    ) -> tuple[CompletedCommand, bytes]:
        """Run ``docker ARGS`` and return its output as bytes too. The caller checks the return code."""
        src = self.project.src if self.project else ""
        if src and not os.path.isdir(src):
            raise RecoveryError(
                FailureId.PROJECT_FOLDER_MISSING,
                f"The project folder {src} does not exist",
                hint="Set stack_dir to the folder of the Compose project.",
            )
        data = stdin.encode() if isinstance(stdin, str) else stdin
        try:
            done = subprocess.run(  # pylint: disable=ansible-bad-function
                [self.binary, *args],
                input=data,
                stdin=subprocess.DEVNULL if data is None else None,
                capture_output=True,
                cwd=src or None,
                env={**os.environ, **REPRODUCIBLE_BUILD_ENVIRONMENT, **(environment or {})},
                timeout=timeout,
                check=False,
            )
        except FileNotFoundError as exc:
            raise RecoveryError(
                FailureId.DOCKER_NOT_INSTALLED,
                f"The command {self.binary} is not installed on this host",
                next_command=playbook_command("docker_engine"),
            ) from exc
        except subprocess.TimeoutExpired as exc:
            raise RecoveryError(
                FailureId.DOCKER_TIMEOUT, f"docker {args[0]} did not finish within {timeout:g} s"
            ) from exc
        result = CompletedCommand(
            args, done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")
        )
        return result, done.stdout

    def build_error(self, result: CompletedCommand) -> DockerError:
        """Return the error for a failed command: its known cause and next command, or its own message."""
        # Import lazily: each imported module is compiled again on the host for every task.
        from ansible_collections.localdev.recovery.plugins.module_utils._core.users import get_user_name
        from ansible_collections.localdev.recovery.plugins.module_utils._docker.cli_errors import build_docker_error

        src = self.project.src if self.project else ""
        return build_docker_error(
            result.args, result.returncode, result.stderr, src=src, user=get_user_name(os.geteuid())
        )

    def json(self, *args: str) -> t.Any:
        """Run ``docker ARGS`` and parse its JSON: one document, or one per line as some versions print lists."""
        text = self.run(*args).stdout.strip()
        if not text:
            return []
        try:
            return json.loads(text)
        except ValueError:
            return [json.loads(line) for line in text.splitlines() if line.strip()]

    def compose(self, *args: str, **kwargs: t.Any) -> CompletedCommand:
        """Run ``docker compose ARGS`` for the project."""
        if self.project is None:
            raise ValueError("no project")
        return self.run("compose", *self.project.arguments(), *args, **kwargs)

    def compose_json(self, *args: str) -> t.Any:
        """Run ``docker compose ARGS`` for the project and parse its JSON."""
        if self.project is None:
            raise ValueError("no project")
        return self.json("compose", *self.project.arguments(), *args)

    def containers(self, project_name: str) -> list[dict[str, t.Any]]:
        """Return ``docker inspect`` of every container of the project, without one-off containers."""
        ids = self.run(
            "ps", "--all", "--quiet", "--no-trunc", "--filter", f"label=com.docker.compose.project={project_name}"
        ).stdout.split()
        found = self.inspect("container", ids)
        return [item for item in found if get_compose_label(item, "oneoff").lower() != "true"]

    def inspect(self, kind: str, names: t.Sequence[str]) -> list[dict[str, t.Any]]:
        """Return ``docker KIND inspect`` of the names that exist."""
        if not names:
            return []
        done = self.run(kind, "inspect", *names, check=False)
        if done.returncode != 0 and not re.search(r"no such", done.stderr, re.I):
            raise self.build_error(done)
        return t.cast("list[dict[str, t.Any]]", json.loads(done.stdout or "[]"))

    def logs(self, container: str, lines: int = 15) -> str:
        """Return the last log lines of a container, both streams."""
        return self.run("logs", "--tail", str(lines), container, check=False).output
