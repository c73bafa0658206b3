# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Throw-away Compose projects."""

from __future__ import annotations

import typing as t
from pathlib import Path

from tests.harness.engine import docker, run_command
from tests.harness.state_folders import remove_state, state_folder

REMOVE_OPTIONS = {"container": ["--force", "--volumes"], "image": ["--force"], "network": [], "volume": ["--force"]}


class ComposeProject:
    """A Compose project in a folder of its own."""

    def __init__(self, folder: Path, name: str = "") -> None:
        """Take the folder that holds the Compose file. name: of the project, by default the folder's name."""
        self.dir = folder
        self.name = name or folder.name

    @property
    def state_folder(self) -> Path:
        """Return the folder of the records of runs on the project. It exists once a run has begun."""
        return state_folder(self.name)

    def compose_options(self) -> list[str]:
        """Return the options of ``docker compose`` that select the project."""
        return ["--project-name", self.name]

    def compose(self, *arguments: str, check: bool = True, **options: t.Any) -> str:
        """Run ``docker compose`` on the project and return its standard output."""
        return docker("compose", *self.compose_options(), *arguments, check=check, cwd=self.dir, **options)

    def remove(self) -> None:
        """Remove the project's containers, networks, volumes, built images and run records."""
        self.compose("down", "--volumes", "--remove-orphans", "--timeout", "1", "--rmi", "local", check=False)
        remove_objects(list_project_objects(self.name))
        remove_state(self.name)


def list_project_objects(project: str) -> list[str]:
    """Return the containers, volumes and networks of a project, each as kind and id or name."""
    label = f"label=com.docker.compose.project={project}"
    lists = {
        "container": ("ps", "--all", "--quiet", "--filter", label),
        "volume": ("volume", "ls", "--quiet", "--filter", f"name={project}_"),
        "network": ("network", "ls", "--quiet", "--filter", label),
    }
    return [f"{kind} {name}" for kind, command in lists.items() for name in docker(*command).split()]


def remove_objects(objects: t.Iterable[str]) -> None:
    """Remove containers, volumes, networks and images, each given as kind and name. Ignore those that are in use."""
    for entry in objects:
        kind, name = entry.split()
        run_command("docker", kind, "rm", *REMOVE_OPTIONS[kind], name, check=False)
