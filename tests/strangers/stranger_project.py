# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A throw-away project of other people's shape, that modules describe and change."""

from __future__ import annotations

import typing as t

from tests.harness.module_run import run_module
from tests.harness.project import ComposeProject

# The data need not outlive the test.
SERVER_COMMAND = ("postgres", "-c", "fsync=off", "-c", "shared_buffers=16MB")


class StrangerProject(ComposeProject):
    """A project with several databases or applications. A test chooses one of them."""

    def start(self) -> None:
        """Write the Compose file, and start the services."""
        raise NotImplementedError

    def describe(self, **options: t.Any) -> dict[str, t.Any]:
        """Return the description of the stack. options: of stack_info."""
        options = {"project_src": str(self.dir), "project_name": self.name, **options}
        return t.cast("dict[str, t.Any]", run_module("stack_info", options)["stack"])


Project = t.TypeVar("Project", bound=StrangerProject)


def run_project(project: Project) -> t.Iterator[Project]:
    """Start a project, and remove it in the end; also what an interrupted test has left of it."""
    project.remove()
    try:
        project.start()
        yield project
    finally:
        project.remove()
