# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._core.next_command import (
    playbook_command,
    program_command,
)
from localdev_recovery.progress import Progress
from localdev_recovery.results import (
    HostResult,
    Outcome,
    Step,
)
from localdev_recovery.updates import ActiveTask, Note, Output, StepEnded, StepStarted, Transferred, Update

Event = dict[str, Any]
C = "localdev.recovery"
LoadEvents = Callable[[str], list[Event]]

TITLES = [
    "Stop the services",
    "Set the old data aside",
    "Start the database and the cache",
    "Migrate the database to the heads",
    "Start the application and wait until it answers",
    "Seed the database",
    "Verify the new stack",
]
DISK_FULL = RecoveryError(
    FailureId.DISK_FULL,
    "The disk of the Docker engine is full",
    hint="Delete what is not needed",
    next_command=program_command("docker", "system", "df"),
).as_result()


def process_events(events: list[Event]) -> tuple[Progress, list[Update]]:
    progress = Progress()
    return progress, [update for event in events for update in progress.process_event(event)]


def build_result(
    events: list[Event], *, check: bool = False, interrupted: bool = False, killed: bool = False
) -> HostResult:
    progress, _updates = process_events(events)
    progress.end_open_steps(interrupted=interrupted)
    return progress.build_host_results(check=check, interrupted=interrupted, killed=killed)["localhost"]


def events_until(events: list[Event], task: str) -> list[Event]:
    """Return the events up to the start of a task, as an interruption leaves them."""
    place = next(n for n, e in enumerate(events) if e["event"] == "runner_on_start" and e["event_data"]["task"] == task)
    return events[: place + 1]


# --- a run that succeeds -----------------------------------------------------------------------------------------


def test_steps_are_those_that_the_procedure_declares(load_events: LoadEvents) -> None:
    result = build_result(load_events("rebuild"))
    assert [(step.n, step.of, step.title, step.outcome) for step in result.steps] == [
        (n, 7, title, "done") for n, title in enumerate(TITLES, 1)
    ]
    assert all(step.seconds is not None and step.seconds > 0 for step in result.steps)


def test_a_step_that_is_left_out_is_not_counted(load_events: LoadEvents) -> None:
    events = load_events("rebuild")
    for event in events:
        result = event["event_data"].get("res", {})
        if "steps" in result:
            result["steps"] = [step for step in result["steps"] if step["name"] not in ("seed", "verify")]
    steps = build_result(events).steps
    assert [(step.n, step.of, step.title) for step in steps] == [(n, 5, TITLES[n - 1]) for n in range(1, 6)]


def list_steps(role: str, *titles: str) -> Event:
    """Return the event of a task that lists the steps of a procedure."""
    result = {"steps": [{"name": title.lower(), "title": title} for title in titles]}
    data = {"host": "h", "task": "List", "role": role, "task_action": f"{C}.recovery_steps", "res": result}
    return {"event": "runner_on_ok", "event_data": data}


def start_task(task: str, role: str = "r") -> Event:
    return {"event": "runner_on_start", "event_data": {"host": "h", "task": task, "role": role, "task_action": "x"}}


def test_a_task_of_the_run_or_of_an_earlier_step_begins_no_step() -> None:
    events = [
        list_steps("r", "Look", "Act"),
        start_task("Act", "recovery_run"),
        *map(start_task, ["Look", "Look", "Act", "Look"]),
    ]
    _progress, updates = process_events(events)
    assert [update.step.title for update in updates if isinstance(update, StepStarted)] == ["Look", "Act"]
    assert [update.text for update in updates if isinstance(update, ActiveTask)] == ["Act", "Look", "Look"]


def test_a_procedure_may_include_one_that_has_a_run() -> None:
    events = [
        list_steps("provision", "Check out", "Create the data", "Log in"),
        *map(start_task, ["Check out", "Create the data"]),
        list_steps("recovery_run", "Stop", "Start"),
        *map(start_task, ["Stop", "Start", "Log in", "Stop"]),
    ]
    _progress, updates = process_events(events)
    begun = [update.step for update in updates if isinstance(update, StepStarted)]
    assert [(step.n, step.of, step.title) for step in begun] == [
        (1, 3, "Check out"),
        (2, 3, "Create the data"),
        (1, 2, "Stop"),
        (2, 2, "Start"),
        (3, 3, "Log in"),
    ]


def test_a_procedure_may_list_its_steps_again() -> None:
    events = [
        list_steps("provision", "Check out", "Build", "Log in"),
        start_task("Check out"),
        list_steps("provision", "Check out", "Log in"),
        *map(start_task, ["Build", "Log in"]),
    ]
    _progress, updates = process_events(events)
    begun = [update.step for update in updates if isinstance(update, StepStarted)]
    assert [(step.n, step.of, step.title) for step in begun] == [(1, 3, "Check out"), (2, 2, "Log in")]


def test_a_success_shows_what_changed_what_was_set_aside_and_what_undoes_it(load_events: LoadEvents) -> None:
    result = build_result(load_events("rebuild"))
    assert result.outcome is Outcome.DONE
    assert result.changed
    assert result.error is None
    assert result.run_id is not None
    assert result.next == playbook_command("undo", undo_run_id=result.run_id)
    assert result.report[-1][-1] == result.next
    (aside,) = result.set_aside
    assert (aside.kind, aside.state) == ("volume", "live")
    assert result.run_id in aside.aside
    assert aside.bytes is not None
    assert aside.bytes > 1_000_000


def test_updates_come_in_order_and_only_the_report_is_no_note(load_events: LoadEvents) -> None:
    _progress, updates = process_events(load_events("rebuild"))
    steps = [update for update in updates if isinstance(update, (StepStarted, StepEnded))]
    assert [(type(update), update.step.n) for update in steps] == [
        (kind, n) for n in range(1, 8) for kind in (StepStarted, StepEnded)
    ]
    assert not any(isinstance(update, Note) for update in updates)
    assert ActiveTask("localhost", "Look at the stack") in updates
    assert not any(isinstance(update, ActiveTask) and "arg spec" in update.text for update in updates)


def test_check_mode_claims_no_change_and_no_run(load_events: LoadEvents) -> None:
    result = build_result(load_events("rebuild"), check=True)
    assert not result.changed
    assert result.run_id is None


def test_a_verb_without_steps_has_a_report(load_events: LoadEvents) -> None:
    result = build_result(load_events("status"))
    assert (result.outcome, result.steps) == (Outcome.DONE, ())
    assert any("backend" in line for line in result.report)


def test_a_report_in_the_middle_is_a_note(load_events: LoadEvents) -> None:
    events = copy.deepcopy(load_events("status"))
    for event in events:
        if event["event_data"].get("task") == "Report" and "res" in event["event_data"]:
            event["event_data"]["res"]["note"] = True
    progress, updates = process_events(events)
    result = progress.build_host_results(check=False, interrupted=False)["localhost"]
    assert result.report == ()
    assert [update.line for update in updates if isinstance(update, Note)] == list(result.notes) != []


def test_a_step_all_of_whose_tasks_are_skipped_is_skipped(load_events: LoadEvents) -> None:
    events = copy.deepcopy(load_events("rebuild"))
    for event in events:
        data = event["event_data"]
        seeds = data.get("task", "").startswith("Seed | ") or data.get("role") == "admin_account"
        if event["event"] == "runner_on_ok" and seeds:
            event["event"] = "runner_on_skipped"
    assert [step.outcome for step in build_result(events).steps] == [*["done"] * 5, "skipped", "done"]


# --- failures ----------------------------------------------------------------------------------------------------


def test_a_failed_verification_that_was_taken_back(load_events: LoadEvents) -> None:
    result = build_result(load_events("unverified"))
    assert result.outcome is Outcome.UNVERIFIED
    assert result.error is not None
    assert (result.error.id, result.error.role) == ("verify.failed", "verify")
    (problem,) = result.error.details
    assert {"rotation_templates", "32", "33"} <= set(re.findall(r"\w+", str(problem)))
    (aftermath,) = result.aftermath
    assert str(result.run_id) in aftermath
    assert result.steps[-2].outcome == "failed"
    assert result.steps[-1].title == "Bring the old state back"
    assert (result.steps[-1].n, result.steps[-1].outcome) == (None, "done")
    assert result.next == playbook_command("status")


def test_a_failure_carries_the_log_lines_of_what_failed(load_events: LoadEvents) -> None:
    result = build_result(load_events("seed_failed"))
    assert result.outcome is Outcome.FAILED
    assert result.error is not None
    assert (result.error.id, result.error.task) == ("seed_command.failed", "Seed | Run the seed commands")
    assert result.error.details == ("28 requests", "no such table: people")
    assert len(result.aftermath) == 1


def add_failing_rollback(events: list[Event]) -> list[Event]:
    """Return a run whose roll back failed too, with the role's message."""
    events = copy.deepcopy(events)
    place = next(
        n
        for n, event in enumerate(events)
        if event["event"] == "runner_on_ok" and event["event_data"]["task"] == "Restore what was set aside"
    )
    failed, closing, end = events[place], events[-2], events[-1]
    failed["event"] = "runner_on_failed"
    failed["event_data"]["res"] = DISK_FULL
    closing["event_data"]["res"] |= {
        "aftermath": ["Restoring the state failed too.", ["See ", playbook_command("run_explain", run_explain_id="X")]],
        "next": playbook_command("undo", undo_run_id="X"),
    }
    return [*events[: place + 1], closing, end]


def test_a_verification_that_could_not_be_taken_back_is_a_plain_failure(load_events: LoadEvents) -> None:
    result = build_result(add_failing_rollback(load_events("unverified")))
    assert result.outcome is Outcome.FAILED
    assert result.error is not None
    assert result.error.id == "verify.failed"
    assert result.aftermath == (
        "Restoring the state failed too.",
        ["See ", playbook_command("run_explain", run_explain_id="X")],
    )
    assert result.next == playbook_command("undo", undo_run_id="X")
    assert result.steps[-1].outcome == "failed"


def test_a_failure_without_a_task_before_it_may_have_an_aftermath(load_events: LoadEvents) -> None:
    events = [event for event in load_events("unverified") if event["event_data"].get("role") != "verify"]
    result = build_result(events)
    assert (result.outcome, len(result.aftermath)) == (Outcome.UNVERIFIED, 1)


@pytest.mark.parametrize(("hint", "expected"), [("", playbook_command("status")), ("Delete what is not needed.", None)])
def test_a_failure_that_advises_nothing_has_the_status_as_the_next_command(hint: str, expected: Any) -> None:
    failure = RecoveryError(FailureId.DISK_FULL, "The disk is full", hint=hint).as_result()
    data = {"host": "localhost", "task": "Copy", "task_action": "x", "res": failure}
    assert build_result([{"event": "runner_on_failed", "event_data": data}]).next == expected


def test_a_refusal(load_events: LoadEvents) -> None:
    result = build_result(load_events("unsafe"))
    assert result.outcome is Outcome.UNSAFE
    assert result.error is not None
    assert result.error.id == "run.none"
    assert result.next is None


def test_a_wrong_variable_is_wrong_usage(load_events: LoadEvents) -> None:
    result = build_result(load_events("wrong_type"))
    assert result.outcome is Outcome.USAGE
    assert result.error is not None
    assert result.error.id == "option.invalid"
    assert "cleanup_keep" in result.error.message


def test_a_host_that_does_not_answer_leaves_the_other_alone(load_events: LoadEvents) -> None:
    progress, _updates = process_events(load_events("unreachable"))
    hosts = progress.build_host_results(check=False, interrupted=False)
    assert {name: host.outcome for name, host in hosts.items()} == {
        "alpha": Outcome.DONE,
        "beta": Outcome.UNREACHABLE,
    }
    assert hosts["beta"].error is not None
    assert hosts["beta"].error.id == "host.unreachable"
    assert "beta" in hosts["beta"].error.message
    assert "Connection refused" in str(hosts["beta"].error.details)


def test_an_error_of_ansible_before_any_host(load_events: LoadEvents) -> None:
    progress, _updates = process_events(load_events("wrong_limit"))
    assert progress.hosts == ()
    assert progress.messages == ["[ERROR]: Could not match supplied host pattern, ignoring: nix"]


@pytest.mark.parametrize("total", [2048, None])
def test_progress_of_a_long_step_is_data_and_no_message(total: int | None) -> None:
    data = {"host": "my host", "doing": "loading", "done": 1024, "total": total, "about": True, "rate": 512.0}
    line = f"\x1b[0;32m{json.dumps({'progress': data})}\x1b[0m\r\n"
    progress, updates = process_events([{"event": "verbose", "stdout": line}])
    assert updates == [Transferred("my host", "loading", 1024, total, True, 512.0)]
    assert progress.messages == []


@pytest.mark.parametrize("text", ['{"progress": {}}', '{"a": 1}', "{", "5", "null", '["progress"]'])
def test_other_lines_are_no_progress(text: str) -> None:
    progress, updates = process_events([{"event": "verbose", "stdout": text}])
    assert updates == [Output(text)]
    assert progress.messages == [text]


def test_an_ignored_failure_is_none() -> None:
    data = {"host": "localhost", "task": "Look", "task_action": "x", "ignore_errors": True, "res": {"msg": "no"}}
    assert build_result([{"event": "runner_on_failed", "event_data": data}]).outcome is Outcome.DONE


# --- interruptions -----------------------------------------------------------------------------------------------


def test_an_interruption_within_a_run_says_what_undoes_it(load_events: LoadEvents) -> None:
    result = build_result(events_until(load_events("rebuild"), "Set the old data aside"), interrupted=True)
    assert result.outcome is Outcome.INTERRUPTED
    assert result.steps[-1].title == "Set the old data aside"
    assert result.steps[-1].outcome == "interrupted"
    assert result.error is not None
    assert result.error.id == "run.interrupted"
    assert str(result.run_id) in str(result.aftermath)
    assert result.next == playbook_command("undo", undo_run_id=result.run_id)


def test_an_interruption_before_the_run_has_changed_nothing(load_events: LoadEvents) -> None:
    result = build_result(events_until(load_events("rebuild"), "Look at the stack"), interrupted=True)
    assert (result.outcome, len(result.aftermath), result.next) == (Outcome.INTERRUPTED, 1, None)
    assert result.steps == ()


@pytest.mark.parametrize("interrupted", [False, True])
def test_a_killed_playbook_names_the_run_and_what_undoes_it(load_events: LoadEvents, interrupted: bool) -> None:
    events = events_until(load_events("rebuild"), "Set the old data aside")
    result = build_result(events, killed=True, interrupted=interrupted)
    assert result.error is not None
    assert result.error.id == ("run.interrupted" if interrupted else "run.killed")
    assert result.outcome is (Outcome.INTERRUPTED if interrupted else Outcome.FAILED)
    assert result.run_id
    assert result.run_id in str(result.aftermath)
    assert result.next == playbook_command("undo", undo_run_id=result.run_id)
    before = build_result(events_until(load_events("rebuild"), "Look at the stack"), killed=True)
    assert before.error is not None
    assert (before.error.id, len(before.aftermath), before.next) == ("run.killed", 1, None)
    assert build_result(load_events("rebuild"), killed=True).outcome is Outcome.DONE


def test_an_interruption_after_the_end_changes_nothing(load_events: LoadEvents) -> None:
    assert build_result(load_events("rebuild"), interrupted=True).outcome is Outcome.DONE


# --- other output ------------------------------------------------------------------------------------------------


def test_ansible_output_is_passed_on_as_it_is() -> None:
    event = {"event": "runner_on_file_diff", "stdout": "--- before\r\n+++ after", "event_data": {"host": "h"}}
    assert Progress().process_event(event) == [Output("--- before\n+++ after", diff=True)]


def test_a_step_left_open_without_interruption_has_failed() -> None:
    progress, _updates = process_events([list_steps("r", "Look", "Act"), start_task("Look")])
    assert progress.end_open_steps(interrupted=False) == [StepEnded("h", Step(1, 2, "Look", 0.0, "failed"))]


def test_the_answer_of_the_module_that_looks_is_the_data() -> None:
    answer = {"changed": False, "runs": [{"run_id": "x"}], "locked": "", "deletable": []}
    data = {"host": "localhost", "task": "Look", "task_action": "localdev.recovery.recovery_run_info", "res": answer}
    progress = Progress(("recovery_run_info", "runs", "locked"))
    progress.process_event({"event": "runner_on_ok", "event_data": data})
    result = progress.build_host_results(check=False, interrupted=False)["localhost"]
    assert result.data == {"runs": [{"run_id": "x"}], "locked": ""}
