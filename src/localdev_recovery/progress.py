# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From ansible-runner's events to steps, notes, reports and outcomes. Pure: events in, values out.

The steps are declared by the procedures alone, in their task names: ``Step 2 of 7 | Set the old data aside``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from localdev_recovery.procedures import COLLECTION
from localdev_recovery.results import Aside, Failure, HostResult, Outcome, Step

Event = Mapping[str, Any]

_STEP = re.compile(r"Step (?P<n>\d+) of (?P<of>\d+) \| (?P<title>.+)", re.DOTALL)
_NEXT = re.compile(r"^Next: (?P<command>.+)$", re.MULTILINE)
# What the collection's action plugins show meanwhile.
_MOVED = re.compile(r"progress: \[(?P<host>[^\]]+)\] (?P<text>.+)")
# What a filter of the collection refuses is an error like that of a module, but Ansible says where it came from first.
_FILTER = re.compile(rf".*The filter plugin '{re.escape(COLLECTION)}\.\w+' failed: (?P<error>.+)", re.DOTALL)
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
# Beginning and ending a run is the frame around the steps.
_FRAME_ROLE = "recovery_run"
_REPORT = "Report"
_VALIDATION = "validate_argument_spec"
_LOOK = "ansible-playbook localdev.recovery.status"


# --- what a listener is told -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class StepBegan:
    host: str
    step: Step


@dataclass(frozen=True)
class StepEnded:
    host: str
    step: Step


@dataclass(frozen=True)
class Doing:
    """What a host is busy with now, inside a step or between steps."""

    host: str
    text: str


@dataclass(frozen=True)
class Moved:
    """How far a long step of a host is: bytes done, of how many, and the rate."""

    host: str
    text: str


@dataclass(frozen=True)
class Note:
    host: str
    text: str


@dataclass(frozen=True)
class Output:
    """What ansible-playbook itself would print. diff: whether it is a difference that --diff asked for."""

    text: str
    diff: bool = False


Update = StepBegan | StepEnded | Doing | Moved | Note | Output


# --- reading one event -------------------------------------------------------------------------------------------


def _action(data: Mapping[str, Any]) -> str:
    return str(data.get("task_action", "")).removeprefix("ansible.builtin.")


def _moment(event: Event) -> float:
    return datetime.fromisoformat(event["created"]).timestamp()


def _plain(task: str) -> str:
    """A task name as one says it while it runs: without the file that it stands in."""
    return task.rpartition(" | ")[2]


def _lines(message: Any) -> tuple[str, ...]:
    return tuple(str(line) for line in message) if isinstance(message, list) else (str(message),)


def _split_next(text: str) -> tuple[str, str | None]:
    """The text without its lines ``Next: ...``, and the last command that they name."""
    commands = _NEXT.findall(text)
    return _NEXT.sub("", text).replace("\n\n", "\n").strip(), commands[-1].strip() if commands else None


def failure_of(data: Mapping[str, Any]) -> tuple[Failure, str | None]:
    """The error that a failed task's event data tells of, and the next command that it names."""
    result = data.get("res") or {}
    loop = [item for item in result.get("results", []) if isinstance(item, dict) and item.get("failed")]
    if loop:
        result = {**loop[0], "failure": loop[0].get("failure", result.get("failure"))}
    task, role = str(data.get("task", "")), str(data.get("role") or "")
    refused = _FILTER.fullmatch(str(result.get("msg")))
    if refused:
        result = {**result, "msg": refused["error"], "failure": "failed"}
    kind = str(result.get("failure") or ("usage" if _action(data) == _VALIDATION else "failed"))
    if kind == "failed" and role == "verify":
        kind = "verification"
    text, command = _split_next(_error_text(_action(data), _plain(task), result))
    message, _newline, details = text.partition("\n")
    return Failure(message=message, details=details.strip(), task=task, role=role, kind=kind), command


def _error_text(action: str, task: str, result: Mapping[str, Any]) -> str:
    """The message of a failed task, such that a person who knows nothing of Ansible understands it."""
    if "msg" not in result and "censored" in result:
        return (
            f"{task} failed, and its answer may hold secrets, so it is hidden\n"
            "-e stack_no_log=false shows it. Not in a shared log."
        )
    text = str(result.get("msg") or "no message").removeprefix("Task failed: ")
    crash = str(result.get("module_stderr") or result.get("module_stdout") or "").strip()
    if text.startswith("MODULE FAILURE") and crash:
        return f"{task}: {action} crashed: {crash.splitlines()[-1]}\n-v shows the whole of it."
    if action == _VALIDATION and not result.get("failure"):
        return text.partition("\n")[2] or text
    # Only what this collection says by itself names the object of the task.
    return text if result.get("failure") or action in ("fail", "assert") else f"{task}: {text}"


_KINDS = {
    "locked": Outcome.LOCKED,
    "unsafe": Outcome.UNSAFE,
    "usage": Outcome.USAGE,
}


def outcome_of(failures: Sequence[Failure], *, unreachable: bool, interrupted: bool) -> Outcome:
    """What a host's failures mean. failures: of tasks that did something, in order; the first one is the cause.

    A second one means that bringing the old state back failed too: then nothing was undone. Pure.
    """
    if interrupted:
        return Outcome.INTERRUPTED
    if failures:
        if failures[0].kind == "verification" and len(failures) == 1:
            return Outcome.UNVERIFIED
        return _KINDS.get(failures[0].kind, Outcome.FAILED)
    return Outcome.UNREACHABLE if unreachable else Outcome.DONE


# --- following a run ---------------------------------------------------------------------------------------------


@dataclass
class _Host:
    """What is known of one host so far.

    busy: whether any task of the open step did something. cause: the first failure as Ansible words it, which closing
    messages repeat.
    """

    name: str
    steps: list[Step] = field(default_factory=list)
    began: float = 0.0
    busy: bool = False
    changed: bool = False
    report: tuple[str, ...] = ()
    data: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    record: dict[str, Any] = field(default_factory=dict)
    run_id: str | None = None
    failures: list[Failure] = field(default_factory=list)
    cause: str = ""
    next: str | None = None
    closing_words: str = ""
    unreachable: str = ""
    finished: bool = False

    @property
    def open_step(self) -> Step | None:
        return self.steps[-1] if self.steps and self.steps[-1].outcome == "running" else None


class Progress:
    """Follows the events of one run. data: a module, and the keys of its answer that make up the result's data."""

    def __init__(self, data: Sequence[str] = ()) -> None:
        self._data = tuple(data)
        self._hosts: dict[str, _Host] = {}
        self._now = 0.0
        self._complaints: list[str] = []

    @property
    def hosts(self) -> tuple[str, ...]:
        return tuple(self._hosts)

    def feed(self, event: Event) -> list[Update]:
        """Take the next event in. Returns what there is to tell, in order."""
        updates: list[Update] = []
        kind, data = event["event"], event.get("event_data") or {}
        if event.get("created"):
            self._now = _moment(event)
        host = self._hosts.setdefault(data["host"], _Host(data["host"])) if data.get("host") else None
        if host is not None and kind == "runner_on_start":
            updates += self._task_began(host, data)
        elif host is not None and kind in ("runner_on_ok", "runner_on_skipped"):
            updates += self._task_went_well(host, data, skipped=kind == "runner_on_skipped")
        elif host is not None and kind == "runner_on_failed" and not data.get("ignore_errors"):
            updates += self._task_failed(host, data)
        elif host is not None and kind == "runner_on_unreachable":
            message = str((data.get("res") or {}).get("msg") or "no answer")
            host.unreachable = message.removeprefix("Task failed: ").strip()
            updates += self._end_step(host, "failed")
        elif kind == "playbook_on_stats":
            for each in self._hosts.values():
                each.finished = True
                updates += self._end_step(each, "done")
        moved = _MOVED.fullmatch(_COLOUR.sub("", event.get("stdout") or "").strip()) if kind == "verbose" else None
        if moved:
            updates.append(Moved(moved["host"], moved["text"]))
        elif kind in ("verbose", "error", "warning"):
            self._complaints += _COLOUR.sub("", event.get("stdout") or "").splitlines()
        if event.get("stdout"):
            updates.append(Output(event["stdout"].replace("\r\n", "\n"), diff=kind == "runner_on_file_diff"))
        return updates

    def _task_began(self, host: _Host, data: Mapping[str, Any]) -> list[Update]:
        task, role = str(data.get("task", "")), str(data.get("role") or "")
        if _action(data) == _VALIDATION:
            return []
        declared = _STEP.fullmatch(task)
        if declared:
            n, of, title = int(declared["n"]), int(declared["of"]), declared["title"].strip()
            current = host.open_step
            if current is not None and current.n == n:
                return [Doing(host.name, title)]
            return self._begin_step(host, Step(n, of, title, None, "running"))
        if host.failures and host.open_step is None and _action(data) != "fail":
            return self._begin_step(host, Step(None, None, _plain(task), None, "running"))
        ended = self._end_step(host, "done") if role == _FRAME_ROLE and not host.failures else []
        return [*ended, Doing(host.name, _plain(task))]

    def _task_went_well(self, host: _Host, data: Mapping[str, Any], *, skipped: bool) -> list[Update]:
        if skipped or _action(data) in ("include_tasks", "include_role", _VALIDATION):
            return []
        host.busy = True
        result = data.get("res") or {}
        host.changed = host.changed or bool(result.get("changed"))
        if _action(data) == "debug" and "msg" in result:
            lines = _lines(result["msg"])
            if data.get("task") == _REPORT:
                host.report = lines
                return []
            host.notes += lines
            return [Note(host.name, line) for line in lines]
        if _action(data) == f"{COLLECTION}.recovery_run":
            host.run_id = result.get("run_id") or host.run_id
            host.record = result.get("record") or host.record
        elif self._data and _action(data) == f"{COLLECTION}.{self._data[0]}":
            host.data = {key: result[key] for key in self._data[1:] if key in result}
        return []

    def _task_failed(self, host: _Host, data: Mapping[str, Any]) -> list[Update]:
        failure, command = failure_of(data)
        if _action(data) == "fail" and host.failures:
            # Only says how things stand after the failure before it.
            text = str((data.get("res") or {}).get("msg") or "")
            words, last = _split_next(text.partition(host.cause)[2] if host.cause in text else text)
            host.closing_words, host.next = words, last or host.next
            return self._end_step(host, "done")
        if not host.failures:
            host.cause = str((data.get("res") or {}).get("msg") or "no message")
        host.failures.append(failure)
        host.next = command or host.next
        host.busy = True
        return self._end_step(host, "failed")

    def _begin_step(self, host: _Host, step: Step) -> list[Update]:
        ended = self._end_step(host, "done")
        host.steps.append(step)
        host.began, host.busy = self._now, False
        return [*ended, StepBegan(host.name, step)]

    def _end_step(self, host: _Host, outcome: str) -> list[Update]:
        step = host.open_step
        if step is None:
            return []
        if outcome == "done" and not host.busy:
            outcome = "skipped"
        host.steps[-1] = replace(step, seconds=round(self._now - host.began, 2), outcome=outcome)
        return [StepEnded(host.name, host.steps[-1])]

    # the end

    def close(self, *, interrupted: bool) -> list[Update]:
        """No more events will come: end what is still open."""
        updates: list[Update] = []
        for host in self._hosts.values():
            updates += self._end_step(host, "interrupted" if interrupted else "failed")
        return updates

    def results(self, *, check: bool, interrupted: bool) -> dict[str, HostResult]:
        return {
            name: _result(host, check=check, interrupted=interrupted and not host.finished)
            for name, host in self._hosts.items()
        }

    def complaint(self) -> tuple[str, str]:
        """What Ansible itself complained of: the error in one line, else its last words, and its warnings."""
        errors: list[str] = []
        warnings: list[str] = []
        target: list[str] | None = None
        for line in self._complaints:
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
        last_words = next((line.strip() for line in reversed(self._complaints) if line.strip()), "")
        return (errors[0] if errors else last_words), "\n".join(warnings)


def _result(host: _Host, *, check: bool, interrupted: bool) -> HostResult:
    outcome = outcome_of(host.failures, unreachable=bool(host.unreachable), interrupted=interrupted)
    error, aftermath, command = None, host.closing_words, host.next
    if interrupted:
        error = Failure(message="Interrupted", kind="interrupted")
        aftermath, command = _after_interruption(host, check=check)
    elif host.failures:
        error = host.failures[0]
        if command is None and outcome in (Outcome.FAILED, Outcome.UNVERIFIED):
            command = _LOOK
    elif host.unreachable:
        error = Failure(message=f"{host.name}: {host.unreachable}", kind="unreachable")
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
            Aside(kind=a["kind"], name=a["name"], aside=a["aside"], bytes=a.get("bytes"), state=a["state"])
            for a in host.record.get("asides", [])
        ),
        error=error,
        aftermath=aftermath,
        next=command or host.record.get("next") or None,
    )


def _after_interruption(host: _Host, *, check: bool) -> tuple[str, str | None]:
    if check or host.run_id is None:
        return "Nothing has been changed.", None
    return (
        f"Run {host.run_id} is unfinished, and nothing is lost: what it has set aside is whole. Undoing brings the "
        "state before the run back; so does the next run of any procedure, before it begins.",
        "ansible-playbook localdev.recovery.undo",
    )
