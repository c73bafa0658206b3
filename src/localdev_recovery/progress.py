# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Turn ansible-runner's events into steps, notes, reports and outcomes. Pure: events in, values out.

Only the procedures declare the steps, in their task names: ``Step 2 of 7 | Set the old data aside``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from localdev_recovery.procedures import COLLECTION
from localdev_recovery.results import Failure, HostResult, KeptCopy, Outcome, Step

Event = Mapping[str, Any]

_STEP_TASK = re.compile(r"Step (?P<n>\d+) of (?P<of>\d+) \| (?P<title>.+)", re.DOTALL)
_NEXT_LINE = re.compile(r"^Next: (?P<command>.+)$", re.MULTILINE)
# The collection's action plugins print these lines while they transfer data.
_TRANSFER_LINE = re.compile(r"progress: \[(?P<host>[^\]]+)\] (?P<text>.+)")
# Ansible puts the name of the filter before the error of a filter.
_FILTER_ERROR = re.compile(rf".*The filter plugin '{re.escape(COLLECTION)}\.\w+' failed: (?P<error>.+)", re.DOTALL)
_COLOUR_CODE = re.compile(r"\x1b\[[0-9;]*m")
# This role starts and ends a run; its tasks belong to no step.
_RUN_ROLE = "recovery_run"
_REPORT_TASK = "Report"
_REPORT_ACTIONS = ("debug", f"{COLLECTION}.report")
_VALIDATION_ACTION = "validate_argument_spec"
_STATUS_COMMAND = "ansible-playbook localdev.recovery.status"


# --- updates for a listener --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class StepStarted:
    host: str
    step: Step


@dataclass(frozen=True)
class StepEnded:
    host: str
    step: Step


@dataclass(frozen=True)
class ActiveTask:
    """A task that a host runs now, inside a step or between steps."""

    host: str
    text: str


@dataclass(frozen=True)
class Transferred:
    """Progress of a transfer in a step: bytes done, of how many, and the rate."""

    host: str
    text: str


@dataclass(frozen=True)
class Note:
    host: str
    text: str


@dataclass(frozen=True)
class Output:
    """Output of ansible-playbook itself. diff: the text is a difference, as --diff prints it."""

    text: str
    diff: bool = False


Update = StepStarted | StepEnded | ActiveTask | Transferred | Note | Output


# --- reading one event -------------------------------------------------------------------------------------------


def _task_action(data: Mapping[str, Any]) -> str:
    return str(data.get("task_action", "")).removeprefix("ansible.builtin.")


def _event_time(event: Event) -> float:
    return datetime.fromisoformat(event["created"]).timestamp()


def _short_task_name(task: str) -> str:
    """Return the name of a task without the name of its file."""
    return task.rpartition(" | ")[2]


def _message_lines(message: Any) -> tuple[str, ...]:
    return tuple(str(line) for line in message) if isinstance(message, list) else (str(message),)


def _split_next_command(text: str) -> tuple[str, str | None]:
    """Return the text without its lines ``Next: ...``, and the last command of those lines."""
    commands = _NEXT_LINE.findall(text)
    return _NEXT_LINE.sub("", text).replace("\n\n", "\n").strip(), commands[-1].strip() if commands else None


def parse_failure(data: Mapping[str, Any]) -> tuple[Failure, str | None]:
    """Return the error of a failed task, and the next command that it names. data: of the task's event."""
    result = data.get("res") or {}
    failed_items = [item for item in result.get("results", []) if isinstance(item, dict) and item.get("failed")]
    if failed_items:
        result = {**failed_items[0], "failure": failed_items[0].get("failure", result.get("failure"))}
    task, role = str(data.get("task", "")), str(data.get("role") or "")
    filter_error = _FILTER_ERROR.fullmatch(str(result.get("msg")))
    if filter_error:
        result = {**result, "msg": filter_error["error"], "failure": "failed"}
    kind = str(result.get("failure") or ("usage" if _task_action(data) == _VALIDATION_ACTION else "failed"))
    if kind == "failed" and role == "verify":
        kind = "verification"
    text, next_command = _split_next_command(_format_error(_task_action(data), _short_task_name(task), result))
    message, _newline, details = text.partition("\n")
    return Failure(message=message, details=details.strip(), task=task, role=role, kind=kind), next_command


def _format_error(action: str, task: str, result: Mapping[str, Any]) -> str:
    """Return the message of a failed task for readers who do not know Ansible."""
    if "msg" not in result and "censored" in result:
        return (
            f"{task} failed, and its answer may hold secrets, so it is hidden\n"
            "-e stack_no_log=false shows it. Not in a shared log."
        )
    text = str(result.get("msg") or "no message").removeprefix("Task failed: ")
    crash = str(result.get("module_stderr") or result.get("module_stdout") or "").strip()
    if text.startswith("MODULE FAILURE") and crash:
        return f"{task}: {action} crashed: {crash.splitlines()[-1]}\n-v shows the whole of it."
    if action == _VALIDATION_ACTION and not result.get("failure"):
        return text.partition("\n")[2] or text
    # Messages from outside this collection do not name the object of the task.
    return text if result.get("failure") or action in ("fail", "assert") else f"{task}: {text}"


_OUTCOME_OF_KIND = {
    "locked": Outcome.LOCKED,
    "unsafe": Outcome.UNSAFE,
    "usage": Outcome.USAGE,
}


def decide_outcome(failures: Sequence[Failure], *, unreachable: bool, interrupted: bool) -> Outcome:
    """Return the outcome of a host. failures: of its tasks, in order; the first one is the cause.

    A second failure means that the roll back failed too: then the state before is not back.
    """
    if interrupted:
        return Outcome.INTERRUPTED
    if failures:
        if failures[0].kind == "verification" and len(failures) == 1:
            return Outcome.UNVERIFIED
        return _OUTCOME_OF_KIND.get(failures[0].kind, Outcome.FAILED)
    return Outcome.UNREACHABLE if unreachable else Outcome.DONE


# --- following a run ---------------------------------------------------------------------------------------------


@dataclass
class _HostProgress:
    """State of one host while the run goes on.

    step_has_run: a task of the open step was not skipped. first_error: the message of the first failed task, which the
    message that closes the run repeats. closing_message: the rest of that message.
    """

    name: str
    steps: list[Step] = field(default_factory=list)
    step_started_at: float = 0.0
    step_has_run: bool = False
    changed: bool = False
    report: tuple[str, ...] = ()
    data: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    record: dict[str, Any] = field(default_factory=dict)
    run_id: str | None = None
    failures: list[Failure] = field(default_factory=list)
    first_error: str = ""
    next: str | None = None
    closing_message: str = ""
    unreachable_reason: str = ""
    finished: bool = False

    @property
    def open_step(self) -> Step | None:
        return self.steps[-1] if self.steps and self.steps[-1].outcome == "running" else None


class Progress:
    """A reader of one run's events. data_source: a module, and the keys of its result that become the data."""

    def __init__(self, data_source: Sequence[str] = ()) -> None:
        self._data_source = tuple(data_source)
        self._hosts: dict[str, _HostProgress] = {}
        self._now = 0.0
        self._ansible_messages: list[str] = []

    @property
    def hosts(self) -> tuple[str, ...]:
        return tuple(self._hosts)

    def process_event(self, event: Event) -> list[Update]:
        """Process the next event and return the updates that follow from it, in order."""
        updates: list[Update] = []
        kind, data = event["event"], event.get("event_data") or {}
        if event.get("created"):
            self._now = _event_time(event)
        host = self._hosts.setdefault(data["host"], _HostProgress(data["host"])) if data.get("host") else None
        if host is not None and kind == "runner_on_start":
            updates += self._on_task_started(host, data)
        elif host is not None and kind in ("runner_on_ok", "runner_on_skipped"):
            updates += self._on_task_ok(host, data, skipped=kind == "runner_on_skipped")
        elif host is not None and kind == "runner_on_failed" and not data.get("ignore_errors"):
            updates += self._on_task_failed(host, data)
        elif host is not None and kind == "runner_on_unreachable":
            message = str((data.get("res") or {}).get("msg") or "no answer")
            host.unreachable_reason = message.removeprefix("Task failed: ").strip()
            updates += self._end_step(host, "failed")
        elif kind == "playbook_on_stats":
            for known_host in self._hosts.values():
                known_host.finished = True
                updates += self._end_step(known_host, "done")
        transfer = (
            _TRANSFER_LINE.fullmatch(_COLOUR_CODE.sub("", event.get("stdout") or "").strip())
            if kind == "verbose"
            else None
        )
        if transfer:
            updates.append(Transferred(transfer["host"], transfer["text"]))
        elif kind in ("verbose", "error", "warning"):
            self._ansible_messages += _COLOUR_CODE.sub("", event.get("stdout") or "").splitlines()
        if event.get("stdout"):
            updates.append(Output(event["stdout"].replace("\r\n", "\n"), diff=kind == "runner_on_file_diff"))
        return updates

    def _on_task_started(self, host: _HostProgress, data: Mapping[str, Any]) -> list[Update]:
        task, role = str(data.get("task", "")), str(data.get("role") or "")
        if _task_action(data) == _VALIDATION_ACTION:
            return []
        step_task = _STEP_TASK.fullmatch(task)
        if step_task:
            n, of, title = int(step_task["n"]), int(step_task["of"]), step_task["title"].strip()
            current = host.open_step
            if current is not None and current.n == n:
                return [ActiveTask(host.name, title)]
            return self._start_step(host, Step(n, of, title, None, "running"))
        if host.failures and host.open_step is None and _task_action(data) != "fail":
            return self._start_step(host, Step(None, None, _short_task_name(task), None, "running"))
        ended = self._end_step(host, "done") if role == _RUN_ROLE and not host.failures else []
        return [*ended, ActiveTask(host.name, _short_task_name(task))]

    def _on_task_ok(self, host: _HostProgress, data: Mapping[str, Any], *, skipped: bool) -> list[Update]:
        if skipped or _task_action(data) in ("include_tasks", "include_role", _VALIDATION_ACTION):
            return []
        host.step_has_run = True
        result = data.get("res") or {}
        host.changed = host.changed or bool(result.get("changed"))
        if _task_action(data) in _REPORT_ACTIONS and "msg" in result:
            lines = _message_lines(result["msg"])
            if data.get("task") == _REPORT_TASK:
                host.report = lines
                return []
            host.notes += lines
            return [Note(host.name, line) for line in lines]
        if _task_action(data) == f"{COLLECTION}.recovery_run":
            host.run_id = result.get("run_id") or host.run_id
            host.record = result.get("record") or host.record
        elif self._data_source and _task_action(data) == f"{COLLECTION}.{self._data_source[0]}":
            host.data = {key: result[key] for key in self._data_source[1:] if key in result}
        return []

    def _on_task_failed(self, host: _HostProgress, data: Mapping[str, Any]) -> list[Update]:
        failure, next_command = parse_failure(data)
        if _task_action(data) == "fail" and host.failures:
            # The message of this task describes the state after the failure before it.
            text = str((data.get("res") or {}).get("msg") or "")
            if host.first_error in text:
                text = text.partition(host.first_error)[2]
            host.closing_message, next_command = _split_next_command(text)
            host.next = next_command or host.next
            return self._end_step(host, "done")
        if not host.failures:
            host.first_error = str((data.get("res") or {}).get("msg") or "no message")
        host.failures.append(failure)
        host.next = next_command or host.next
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

    def build_host_results(self, *, check: bool, interrupted: bool) -> dict[str, HostResult]:
        return {
            name: _build_host_result(host, check=check, interrupted=interrupted and not host.finished)
            for name, host in self._hosts.items()
        }

    def find_ansible_error(self) -> tuple[str, str]:
        """Return the error of Ansible itself in one line, else its last line, and its warnings."""
        errors: list[str] = []
        warnings: list[str] = []
        target: list[str] | None = None
        for line in self._ansible_messages:
            if line.startswith(("[ERROR]: ", "ERROR! ")):
                target = errors
                target.append(line.partition(" ")[2].strip())
            elif line.startswith("[WARNING]: "):
                target = warnings
                target.append(line.partition(" ")[2].strip())
            elif not line.strip() or line.startswith(("[", "<")):
                target = None
            elif target is not None:
                # Ansible breaks lines at the width of its terminal.
                target[-1] += " " + line.strip()
        last_line = next((line.strip() for line in reversed(self._ansible_messages) if line.strip()), "")
        return (errors[0] if errors else last_line), "\n".join(warnings)


def _build_host_result(host: _HostProgress, *, check: bool, interrupted: bool) -> HostResult:
    outcome = decide_outcome(host.failures, unreachable=bool(host.unreachable_reason), interrupted=interrupted)
    error, aftermath, next_command = None, host.closing_message, host.next
    if interrupted:
        error = Failure(message="Interrupted", kind="interrupted")
        aftermath, next_command = _describe_interruption(host, check=check)
    elif host.failures:
        error = host.failures[0]
        if next_command is None and outcome in (Outcome.FAILED, Outcome.UNVERIFIED):
            next_command = _STATUS_COMMAND
    elif host.unreachable_reason:
        error = Failure(message=f"{host.name}: {host.unreachable_reason}", kind="unreachable")
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


def _describe_interruption(host: _HostProgress, *, check: bool) -> tuple[str, str | None]:
    """Return the state of the stack after an interruption, and the next command."""
    if check or host.run_id is None:
        return "Nothing has been changed.", None
    return (
        f"Run {host.run_id} is unfinished, and nothing is lost: what it has set aside is whole. Undoing brings the "
        "state before the run back; so does the next run of any procedure, before it begins.",
        "ansible-playbook localdev.recovery.undo",
    )
