# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Follow a run: turn ansible-runner's events into updates and results. Pure: events in, values out.

A module of the collection lists the numbered steps of a procedure in its result; a task whose name is a step's title
begins that step.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._core.next_command import playbook_command
from localdev_recovery.ansible_messages import remove_colours
from localdev_recovery.events import (
    FAIL_ACTION,
    INCLUDE_ACTIONS,
    REPORT_ACTION,
    RUN_ACTION,
    VALIDATION_ACTION,
    Event,
    event_time,
    short_task_name,
    task_action,
)
from localdev_recovery.failures import decide_outcome, parse_failure, parse_unreachable
from localdev_recovery.results import Failure, HostResult, KeptCopy, Outcome, Step
from localdev_recovery.updates import ActiveTask, Note, Output, StepEnded, StepStarted, Transferred, Update
from localdev_recovery.verbs.definition import COLLECTION

if TYPE_CHECKING:
    from ansible_collections.localdev.recovery.plugins.module_utils._core.next_command import Line, NextCommand

# This role starts and ends a run; its tasks belong to no step.
_RUN_ROLE = "recovery_run"


@dataclass
class _StepList:
    """The numbered steps of a procedure, by title. begun: how many of them have begun; a step does not begin again."""

    titles: tuple[str, ...]
    begun: int = 0

    def begin_step(self, title: str) -> Step | None:
        """Return the step of this title, which begins now; None if there is none that is still to come."""
        if title not in self.titles[self.begun :]:
            return None
        self.begun = self.titles.index(title, self.begun) + 1
        return Step(self.begun, len(self.titles), title, None, "running")


@dataclass
class _HostProgress:
    """State of one host while the run goes on.

    step_lists: by the role that listed the steps, the newest last: a procedure without a run may include one with a
    run. step_has_run: a task of the open step was not skipped. failures: of tasks, in order.
    """

    name: str
    step_lists: dict[str, _StepList] = field(default_factory=dict)
    steps: list[Step] = field(default_factory=list)
    step_started_at: float = 0.0
    step_has_run: bool = False
    changed: bool = False
    report: tuple[Line, ...] = ()
    data: dict[str, Any] = field(default_factory=dict)
    notes: list[Line] = field(default_factory=list)
    record: dict[str, Any] = field(default_factory=dict)
    run_id: str | None = None
    failures: list[Failure] = field(default_factory=list)
    next: NextCommand | None = None
    aftermath: tuple[Line, ...] = ()
    unreachable: Failure | None = None
    finished: bool = False
    killed: bool = False

    @property
    def open_step(self) -> Step | None:
        return self.steps[-1] if self.steps and self.steps[-1].outcome == "running" else None

    def begin_step(self, task: str) -> Step | None:
        """Return the numbered step that a task of this name begins. After a failure there is none."""
        if self.failures:
            return None
        begun = (steps.begin_step(task) for steps in reversed(self.step_lists.values()))
        return next((step for step in begun if step), None)


class Progress:
    """A reader of one run's events. data_source: a module, and the keys of its result that become the data.

    messages: lines that ansible-playbook printed beside the events of tasks.
    """

    def __init__(self, data_source: Sequence[str] = ()) -> None:
        self._data_source = tuple(data_source)
        self._hosts: dict[str, _HostProgress] = {}
        self._now = 0.0
        self.messages: list[str] = []

    @property
    def hosts(self) -> tuple[str, ...]:
        return tuple(self._hosts)

    def process_event(self, event: Event) -> list[Update]:
        """Process the next event and return the updates that follow from it, in order."""
        if event.get("created"):
            self._now = event_time(event)
        return [*self._process_task_event(event), *self._process_output(event)]

    def _process_task_event(self, event: Event) -> list[Update]:
        kind, data = event["event"], event.get("event_data") or {}
        if kind == "playbook_on_stats":
            return [*self._end_run()]
        if not data.get("host"):
            return []
        host = self._hosts.setdefault(data["host"], _HostProgress(data["host"]))
        if kind == "runner_on_start":
            return self._on_task_started(host, data)
        if kind in ("runner_on_ok", "runner_on_skipped"):
            return self._on_task_ok(host, data, skipped=kind == "runner_on_skipped")
        if kind == "runner_on_failed" and not data.get("ignore_errors"):
            return self._on_task_failed(host, data)
        if kind == "runner_on_unreachable":
            host.unreachable = parse_unreachable(data)
            return self._end_step(host, "failed")
        return []

    def _process_output(self, event: Event) -> list[Update]:
        """Return the output of ansible-playbook as an update, or the progress that the collection prints as JSON."""
        kind, text = event["event"], event.get("stdout")
        if not text:
            return []
        if kind in ("verbose", "error", "warning"):
            plain_text = remove_colours(text)
            transferred = _parse_progress(plain_text)
            if transferred:
                return [transferred]
            self.messages += plain_text.splitlines()
        return [Output(text.replace("\r\n", "\n"), diff=kind == "runner_on_file_diff")]

    def _end_run(self) -> Iterator[Update]:
        for host in self._hosts.values():
            host.finished = True
            yield from self._end_step(host, "done")

    def _on_task_started(self, host: _HostProgress, data: Mapping[str, Any]) -> list[Update]:
        task, role, action = str(data.get("task", "")), str(data.get("role") or ""), task_action(data)
        if action == VALIDATION_ACTION:
            return []
        if role == _RUN_ROLE and not host.failures:
            return [*self._end_step(host, "done"), ActiveTask(host.name, short_task_name(task))]
        step = host.begin_step(task)
        if step is not None:
            return self._start_step(host, step)
        if host.failures and host.open_step is None and action != FAIL_ACTION:
            return self._start_step(host, Step(None, None, short_task_name(task), None, "running"))
        return [ActiveTask(host.name, short_task_name(task))]

    def _on_task_ok(self, host: _HostProgress, data: Mapping[str, Any], *, skipped: bool) -> list[Update]:
        action = task_action(data)
        if skipped or action in INCLUDE_ACTIONS or action == VALIDATION_ACTION:
            return []
        host.step_has_run = True
        result = data.get("res") or {}
        host.changed = host.changed or bool(result.get("changed"))
        if action == REPORT_ACTION:
            return self._take_report(host, result)
        if action.startswith(f"{COLLECTION}.") and "steps" in result:
            role = str(data.get("role") or "")
            host.step_lists.pop(role, None)
            host.step_lists[role] = _StepList(tuple(step["title"] for step in result["steps"]))
        if action == RUN_ACTION:
            host.run_id = result.get("run_id") or host.run_id
            host.record = result.get("record") or host.record
        elif self._data_source and action == f"{COLLECTION}.{self._data_source[0]}":
            host.data = {key: result[key] for key in self._data_source[1:] if key in result}
        return []

    def _take_report(self, host: _HostProgress, result: Mapping[str, Any]) -> list[Update]:
        lines = tuple(result["lines"])
        if not result["note"]:
            host.report = lines
            return []
        host.notes += lines
        return [Note(host.name, line) for line in lines]

    def _on_task_failed(self, host: _HostProgress, data: Mapping[str, Any]) -> list[Update]:
        failure, next_command = parse_failure(data)
        host.next = next_command or host.next
        aftermath = (data.get("res") or {}).get("aftermath")
        if aftermath is not None:
            host.aftermath = tuple(aftermath)
            if host.failures:
                # This task only repeats the cause, and adds the state of the stack after it.
                return self._end_step(host, "done")
        host.failures.append(failure)
        host.step_has_run = True
        return self._end_step(host, "failed")

    def _start_step(self, host: _HostProgress, step: Step) -> list[Update]:
        ended = self._end_step(host, "done")
        host.steps.append(step)
        host.step_started_at, host.step_has_run = self._now, False
        return [*ended, StepStarted(host.name, step)]

    def _end_step(self, host: _HostProgress, outcome: str) -> list[Update]:
        step = host.open_step
        if step is None:
            return []
        if outcome == "done" and not host.step_has_run:
            outcome = "skipped"
        host.steps[-1] = replace(step, seconds=round(self._now - host.step_started_at, 2), outcome=outcome)
        return [StepEnded(host.name, host.steps[-1])]

    def end_open_steps(self, *, interrupted: bool) -> list[Update]:
        """End the steps that are still open after the last event."""
        updates: list[Update] = []
        for host in self._hosts.values():
            updates += self._end_step(host, "interrupted" if interrupted else "failed")
        return updates

    def build_host_results(self, *, check: bool, interrupted: bool, killed: bool = False) -> dict[str, HostResult]:
        """Return the results after the last event. killed: whether a signal ended ansible-playbook at once."""
        if killed and not interrupted:
            self._record_kill()
        return {
            name: _build_host_result(host, check=check, interrupted=interrupted and not host.finished)
            for name, host in self._hosts.items()
        }

    def _record_kill(self) -> None:
        """Make the kill the failure of each host that was at work; a failed task before it is the cause there."""
        for host in self._hosts.values():
            if host.finished or host.unreachable is not None:
                continue
            host.killed = True
            if not host.failures:
                host.failures.append(Failure(FailureId.RUN_KILLED.id, "ansible-playbook was killed"))


def _parse_progress(text: str) -> Transferred | None:
    """Return the progress of a line ``{"progress": {"host": ...}}``; None for another line."""
    try:
        return Transferred(**json.loads(text)["progress"])
    except (ValueError, KeyError, TypeError):
        return None


def _build_host_result(host: _HostProgress, *, check: bool, interrupted: bool) -> HostResult:
    outcome = decide_outcome(host.failures, unreachable=host.unreachable is not None, interrupted=interrupted)
    error, aftermath, next_command = None, host.aftermath, host.next
    if interrupted or host.killed:
        error = Failure(FailureId.RUN_INTERRUPTED.id, "Interrupted") if interrupted else host.failures[0]
        aftermath, next_command = _describe_interruption(host, check=check)
    elif host.failures:
        error = host.failures[0]
        if next_command is None and not error.hint and outcome in (Outcome.FAILED, Outcome.UNVERIFIED):
            next_command = playbook_command("status")
    elif host.unreachable is not None:
        error = host.unreachable
    return HostResult(
        host=host.name,
        outcome=outcome,
        changed=host.changed and not check,
        steps=tuple(host.steps),
        report=host.report,
        data=host.data,
        notes=tuple(host.notes),
        run_id=None if check else host.run_id,
        set_aside=tuple(
            KeptCopy(kind=a["kind"], name=a["name"], aside=a["aside"], bytes=a.get("bytes"), state=a["state"])
            for a in host.record.get("asides", [])
        ),
        error=error,
        aftermath=aftermath,
        next=next_command or host.record.get("next") or None,
    )


def _describe_interruption(host: _HostProgress, *, check: bool) -> tuple[tuple[Line, ...], NextCommand | None]:
    """Return the state of the stack after an interruption, and the next command."""
    if check or host.run_id is None:
        return ("Nothing has been changed.",), None
    return (
        (
            f"Run {host.run_id} is unfinished, and nothing is lost: its kept copies are complete. Undoing brings the "
            "state before the run back; so does the next run of any procedure, before it begins.",
        ),
        playbook_command("undo", undo_run_id=host.run_id),
    )
