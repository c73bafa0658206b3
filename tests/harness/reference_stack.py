# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Copies of the reference stack: playbooks on them, resetting, removing."""

from __future__ import annotations

import contextlib
import shutil
import typing as t

from tests.harness.docker_shim import DockerShim
from tests.harness.engine import docker, require_docker_engine
from tests.harness.images import remove_stack_images
from tests.harness.playbook_run import (
    BREAKPOINT_VARIABLE,
    PlaybookResult,
    PlaybookRun,
    new_token,
    start_playbook_process,
)
from tests.harness.processes import find_processes_with_token, kill_processes
from tests.harness.project import list_project_objects, remove_objects
from tests.harness.stack_data import StackData
from tests.harness.state_folders import remove_state


class ReferenceStack(StackData):
    """One copy of the reference stack."""

    def __init__(self, *arguments: t.Any, **keywords: t.Any) -> None:
        """Make a copy, without starting it. The arguments are those of StackSettings."""
        super().__init__(*arguments, **keywords)
        self.old_data = {}
        self._tokens: list[str] = []

    def start_playbook(
        self,
        name: str,
        *options: str,
        stop_at: str = "",
        environment: t.Mapping[str, str] | None = None,
        **variables: t.Any,
    ) -> PlaybookRun:
        """Start a playbook from the checkout. stop_at: the breakpoint at which the run waits."""
        token = new_token()
        self._tokens.append(token)
        log = self.parent / f"{name}-{token}.log"
        stops = {BREAKPOINT_VARIABLE: stop_at} if stop_at else {}
        process = start_playbook_process(
            name,
            self.inventory,
            log,
            *options,
            token=token,
            variables=variables,
            environment={**stops, **(environment or {})},
        )
        return PlaybookRun(process, token, log, self.state_folder)

    def try_playbook(self, name: str, *options: str, **keywords: t.Any) -> PlaybookResult:
        """Run a playbook that may fail."""
        return self.start_playbook(name, *options, **keywords).wait()

    def run_playbook(self, name: str, *options: str, **keywords: t.Any) -> PlaybookResult:
        """Run a playbook. Raise AssertionError if it fails."""
        result = self.try_playbook(name, *options, **keywords)
        assert result.rc == 0, f"{name} failed with exit code {result.rc}:\n{result.output}"
        return result

    def kill_playbook_at(self, point: str, name: str = "full_rebuild", **keywords: t.Any) -> None:
        """Let a playbook run as far as the breakpoint and kill it there."""
        run = self.start_playbook(name, stop_at=point, **keywords)
        try:
            run.wait_for_breakpoint(point)
        finally:
            run.kill()
            run.breakpoint_file.unlink(missing_ok=True)

    def kill_playbooks(self) -> None:
        """Kill the playbooks that still run, with everything that they have started."""
        for token in self._tokens:
            kill_processes(find_processes_with_token(token))
        self._tokens = []

    def docker_shim(self, pattern: str, action: str) -> DockerShim:
        return DockerShim(self.parent, pattern, action)

    def reset(self) -> None:
        """Bring back the saved data and the services of the beginning; delete run records and kept copies."""
        self.kill_playbooks()
        if self.running_services() != self.started_services or self.fingerprint() != self.old_data:
            docker("rm", "--force", "--volumes", *self.containers(), check=False)
            if self.mounts == "bind":
                (self.dir / "data" / "postgres").mkdir(parents=True, exist_ok=True)
            self._copy_cluster(f"{self.name}-saved", self.cluster_place)
            self.up()
        for place in self.kept_copies():
            if place.startswith("/"):
                shutil.rmtree(place, ignore_errors=True)
            else:
                docker("volume", "rm", "--force", place, check=False)
        remove_state(self.name)

    def remove(self) -> None:
        """Remove everything that the copy has made, on the engine and on the disk."""
        self.kill_playbooks()
        if names := list(self.containers()):
            docker("rm", "--force", "--volumes", *names, check=False)
        remove_objects(list_project_objects(self.name))
        remove_objects(f"volume {name}" for name in self.volumes())
        remove_stack_images(self.name)
        remove_state(self.name)
        shutil.rmtree(self.parent, ignore_errors=True)


@contextlib.contextmanager
def running_stack_with_old_data(*arguments: t.Any, **keywords: t.Any) -> t.Iterator[ReferenceStack]:
    """Yield a running copy that holds planted data, saved as its ``old_data``."""
    require_docker_engine()
    stack = ReferenceStack(*arguments, **keywords)
    try:
        stack.up()
        stack.plant_data()
        stack.save_data()
        yield stack
    finally:
        stack.remove()
