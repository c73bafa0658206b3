# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Playbooks that run from the checkout, and the breakpoints at which a test stops them."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import time
import typing as t
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from tests.harness.checkout import ROOT
from tests.harness.engine import HANG_TIMEOUT_S, wait_until
from tests.harness.processes import TOKEN_VARIABLE, find_processes_with_token, kill_processes

# A run whose environment names a breakpoint writes the breakpoint's name into the file of the stack's state folder when
# it gets there, and waits until the file is deleted.
BREAKPOINT_VARIABLE = "LOCALDEV_RECOVERY_BREAKPOINT"
BREAKPOINT_FILE = "breakpoint"
# A callback plugin writes the results of a run to the file that this variable names.
RESULTS_VARIABLE = "LOCALDEV_TEST_RESULTS"
CALLBACK_FOLDER = ROOT / "tests" / "harness" / "callback"
SHOWING_ACTIONS = ("localdev.recovery.report", "ansible.builtin.debug")


@dataclass(frozen=True)
class Report:
    """A report or a note of the collection. procedure, data: what it is made from, empty for lines alone.

    lines: text and commands, as the action returns them.
    """

    procedure: str
    data: dict[str, t.Any]
    lines: list[t.Any]


@dataclass(frozen=True)
class PlaybookResult:
    """Result of a playbook run. events: what the callback plugin of the harness has written, in order."""

    rc: int
    output: str
    seconds: float
    events: list[dict[str, t.Any]]

    @property
    def failures(self) -> list[dict[str, t.Any]]:
        """Return the results of the failed tasks, in order, each with its host and task.

        They have the keys of a failure of the collection, such as ``failure``. Other failures are ``task.failed``.
        """
        return [
            {**EMPTY_FAILURE, "host": event["host"], "task": event["task"], **result}
            for event in self.events
            if event["event"] == "failed"
            for result in _list_failed_items(event["result"])
        ]

    @property
    def reports(self) -> list[Report]:
        """Return the reports and notes that the run has printed, in order."""
        return [
            Report(
                event["options"].get("procedure") or "", event["options"].get("data") or {}, event["result"]["lines"]
            )
            for event in self.events
            if event["event"] == "ok" and "options" in event
        ]

    def report(self, procedure: str) -> Report:
        """Return the only report of a procedure. Raise AssertionError if there is another number of them."""
        found = [report for report in self.reports if report.procedure == procedure]
        assert len(found) == 1, f"{len(found)} reports of {procedure}:\n{self.output[-3000:]}"
        return found[0]

    @property
    def shown_text(self) -> str:
        """Return the text of all reports and notes, as the run has printed it."""
        messages = [e["result"]["msg"] for e in self.events if e["event"] == "ok" and e["action"] in SHOWING_ACTIONS]
        return "\n".join(line for message in messages for line in ([message] if isinstance(message, str) else message))

    def results(self, module: str) -> list[dict[str, t.Any]]:
        """Return the results of the tasks of a module of the collection that did not fail, in order."""
        action = f"localdev.recovery.{module}"
        return [event["result"] for event in self.events if event["event"] == "ok" and event["action"] == action]

    @property
    def changed_tasks(self) -> int:
        """Return how many tasks have changed something, on all hosts."""
        [stats] = [event["hosts"] for event in self.events if event["event"] == "stats"]
        return sum(host["changed"] for host in stats.values())


EMPTY_FAILURE: dict[str, t.Any] = {
    "failure": FailureId.TASK_FAILED.id,
    "message": "",
    "details": [],
    "hint": "",
    "next": None,
    "aftermath": None,
    "msg": "",
}


def _list_failed_items(result: dict[str, t.Any]) -> list[dict[str, t.Any]]:
    """Return the results of the items of a loop that failed, or the result of a task without a loop."""
    items = [item for item in result.get("results", []) if isinstance(item, dict) and item.get("failed")]
    return items or [result]


def read_events(file: Path) -> list[dict[str, t.Any]]:
    """Return what the callback plugin has written. A run that ends before its first task writes nothing."""
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


class PlaybookRun:
    """A playbook that runs on the stack in a folder, or waits at a breakpoint."""

    def __init__(self, process: subprocess.Popen[bytes], token: str, log: Path, state_folder: Path) -> None:
        self.process = process
        self.token = token
        self.log = log
        self.results_file = results_file(log)
        self.breakpoint_file = state_folder / BREAKPOINT_FILE
        self.started_at = time.monotonic()

    def read_output(self) -> str:
        return self.log.read_text(errors="replace")

    def wait(self) -> PlaybookResult:
        """Return the result once the run has ended."""
        try:
            rc = self.process.wait(HANG_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self.kill()
            output = self.read_output()
            raise AssertionError(f"the playbook did not end within {HANG_TIMEOUT_S:g} s:\n{output}") from None
        events = read_events(self.results_file)
        return PlaybookResult(rc, self.read_output(), time.monotonic() - self.started_at, events)

    def wait_for_breakpoint(self, point: str) -> None:
        """Return when the run waits at the breakpoint. Raise AssertionError if the run ends first."""

        def is_reached() -> bool:
            if self.process.poll() is not None:
                raise AssertionError(f"the run ended before it reached {point}:\n{self.read_output()}")
            return self.breakpoint_file.is_file() and self.breakpoint_file.read_text().strip() == point

        wait_until(is_reached, f"reaching {point}")

    def resume(self) -> None:
        """Let a run that waits at a breakpoint continue."""
        self.breakpoint_file.unlink()

    def kill(self) -> None:
        """Send SIGKILL to the controller and to everything that it has started on this machine."""
        deadline = time.monotonic() + HANG_TIMEOUT_S
        while left := find_processes_with_token(self.token):
            assert time.monotonic() < deadline, f"processes {left} do not die"
            kill_processes(left)
            self.process.poll()
        self.process.wait()

    def kill_controller_alone(self) -> None:
        """Send SIGKILL to ansible-playbook itself. Its worker and module live on."""
        self.process.kill()
        self.process.wait()


def results_file(log: Path) -> Path:
    """Return the file for the results of the run that has this log."""
    return log.with_suffix(".results")


def start_playbook_process(
    name: str,
    inventory: Path,
    log: Path,
    *options: str,
    token: str,
    variables: t.Mapping[str, t.Any],
    environment: t.Mapping[str, str],
) -> subprocess.Popen[bytes]:
    """Start ``ansible-playbook`` on a playbook of the checkout, with its output in the log, its results beside it."""
    command = [str(Path(sys.executable).parent / "ansible-playbook"), "--inventory", str(inventory)]
    command += [*options, str(ROOT / "playbooks" / f"{name}.yml")]
    if variables:
        command += ["--extra-vars", json.dumps(variables)]
    settings = {
        TOKEN_VARIABLE: token,
        RESULTS_VARIABLE: str(results_file(log)),
        "ANSIBLE_CALLBACK_PLUGINS": str(CALLBACK_FOLDER),
        "ANSIBLE_CALLBACKS_ENABLED": "result_recorder",
        "ANSIBLE_COLLECTIONS_PATH": str(ROOT / "collections"),
        "COLUMNS": "200",
    }
    with log.open("wb") as stream:
        return subprocess.Popen(
            command,
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT,
            env={**os.environ, **settings, **environment},
            start_new_session=True,
        )


def new_token() -> str:
    return secrets.token_hex(8)
