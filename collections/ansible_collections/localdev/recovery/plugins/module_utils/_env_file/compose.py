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
from ansible_collections.localdev.recovery.plugins.module_utils._docker.compose_values import environment_of
from ansible_collections.localdev.recovery.plugins.module_utils._env_file.requirements import (
    Needs,
    complaint,
    interpolated,
    placeholders,
    without_comments,
)
from ansible_collections.localdev.recovery.plugins.module_utils._stack import gather as stack

Json = dict[str, t.Any]
# A project that still lacks a variable after so many has another problem.
MOST_VARIABLES = 100
# Beyond the placeholders that were given in the beginning.
FIRST_COMPLAINT = 62001


@dataclass
class Answer:
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

    def needs(self) -> Needs:
        """Variables that the Compose files interpolate."""
        needs = Needs()
        for need in interpolated(self._compose_text()):
            needs.add(need)
        return needs

    def _compose_text(self) -> str:
        with contextlib.suppress(RecoveryError):
            done = self.docker.compose("--profile", "*", "config", "--no-interpolate", check=False)
            if done.returncode == 0:
                return done.stdout
        # Compose cannot read it, or is not there: the files alone, without what they extend.
        text = []
        for path in stack.compose_files(self.project):
            with contextlib.suppress(OSError, UnicodeDecodeError), open(path, encoding="utf-8") as handle:
                text.append(without_comments(handle.read()))
        return "\n".join(text)

    def ask(self, needs: Needs, given: dict[str, str]) -> Answer:
        """The configuration with GIVEN, to which Compose's complaints add placeholders, and NEEDS what they name."""
        for number in range(MOST_VARIABLES):
            try:
                with in_environment(given):
                    return Answer(stack.compose_config(self.docker))
            except RecoveryError as exc:
                need = complaint(str(exc))
                if need is None or need.name in given:
                    return Answer(None, exc.message)
                needs.add(need)
                given |= placeholders([need.name], first=FIRST_COMPLAINT + number)
        return Answer(None, "too many variables are missing")

    def data(self, given: t.Mapping[str, str]) -> list[str]:
        """Volumes and folders that hold data of the project's database already."""
        with in_environment(given):
            return data_of(self.docker, stack.gather(self.docker))

    def refusal(self, path: str) -> str:
        """What Compose would miss with the env file at PATH; empty when nothing."""
        proved = replace(self.project, env_files=(*self.others, path))
        done = Docker(proved).compose("config", "--quiet", check=False)
        need = complaint(done.stderr) if done.returncode != 0 else None
        return f"{need.name} has no value: {need.message}" if need else ""


def data_of(docker: Docker, described: t.Mapping[str, t.Any]) -> list[str]:
    """Volumes and folders that hold data of the database of a stack which stack_info has described."""
    existing = {item["name"] for item in described["volumes"].values() if item["exists"]}
    found = {
        mount["source"]
        for mount in (described["database"] or {}).get("data_mounts", [])
        if mount["source"] in existing or _holds_something(mount["source"])
    }
    return sorted(found | _data_of_containers(docker))


def _data_of_containers(docker: Docker) -> set[str]:
    """Data of database containers made from this folder: the project's name may have stood in the env file."""
    src = docker.project.src if docker.project else ""
    label = f"label=com.docker.compose.project.working_dir={src}"
    ids = docker.run("ps", "--all", "--quiet", "--no-trunc", "--filter", label).stdout.split()
    return {
        str(mount.get("Name") or mount["Source"])
        for item in docker.inspect("container", ids)
        if "PGDATA" in environment_of(item["Config"]["Env"])
        for mount in item["Mounts"]
        if mount.get("RW")
    }


def _holds_something(path: str) -> bool:
    if not os.path.isabs(path) or not os.path.isdir(path):
        return False
    try:
        return bool(os.listdir(path))
    except PermissionError:
        # PostgreSQL lets nobody else look into its folder.
        return True


@contextlib.contextmanager
def in_environment(given: t.Mapping[str, str]) -> t.Iterator[None]:
    """Variables in this process's environment, which Compose prefers to those of env files. Never secrets."""
    before = dict(os.environ)
    os.environ.update(given)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
