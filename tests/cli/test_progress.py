# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from localdev_recovery.progress import (
    ActiveTask,
    Note,
    Output,
    Progress,
    StepEnded,
    StepStarted,
    Transferred,
    Update,
    decide_outcome,
)
from localdev_recovery.results import EXIT_CODES, Failure, HostResult, Outcome, Step, combine_outcomes

Event = dict[str, Any]
LoadEvents = Callable[[str], list[Event]]

TITLES = [
    "Stop the services",
    "Set the old data aside",
    "Start the database and the cache",
    "Wait until PostgreSQL answers, and create the other containers meanwhile",
    "Migrate to the heads",
    "Seed",
    "Verify",
]


def process_events(events: list[Event]) -> tuple[Progress, list[Update]]:
    progress = Progress()
    return progress, [update for event in events for update in progress.process_event(event)]


def build_result(events: list[Event], *, check: bool = False, interrupted: bool = False) -> HostResult:
    progress, _updates = process_events(events)
    progress.end_open_steps(interrupted=interrupted)
    return progress.build_host_results(check=check, interrupted=interrupted)["localhost"]


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


def test_reports_are_printed_by_an_action_of_the_collection_too(load_events: LoadEvents) -> None:
    """The recorded runs print them by debug."""
    events = load_events("rebuild")
    expected = build_result(events).report
    reports = [event for event in events if event.get("event_data", {}).get("task") == "Report"]
    assert reports
    for event in reports:
        event["event_data"]["task_action"] = "localdev.recovery.report"
    assert build_result(events).report == expected


def test_a_success_shows_what_changed_what_was_set_aside_and_what_undoes_it(load_events: LoadEvents) -> None:
    result = build_result(load_events("rebuild"))
    assert result.outcome is Outcome.DONE
    assert result.changed
    assert result.error is None
    assert result.run_id is not None
    assert result.report[0].startswith("Rebuilt ")
    assert result.report[-1].endswith(f"ansible-playbook localdev.recovery.undo -e undo_run_id={result.run_id}")
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
    assert not any(isinstance(update, ActiveTask) and "rg spec" in update.text for update in updates)


def test_check_mode_claims_no_change_and_no_run(load_events: LoadEvents) -> None:
    result = build_result(load_events("rebuild"), check=True)
    assert not result.changed
    assert result.run_id is None


def test_a_verb_without_steps_has_a_report(load_events: LoadEvents) -> None:
    result = build_result(load_events("status"))
    assert (result.outcome, result.steps) == (Outcome.DONE, ())
    assert any("backend" in line for line in result.report)


def test_other_messages_than_the_report_are_notes(load_events: LoadEvents) -> None:
    events = copy.deepcopy(load_events("status"))
    for event in events:
        if event["event_data"].get("task") == "Report":
            event["event_data"]["task"] = "Tell what an earlier run has left"
    progress, updates = process_events(events)
    result = progress.build_host_results(check=False, interrupted=False)["localhost"]
    assert result.report == ()
    assert [update.text for update in updates if isinstance(update, Note)] == list(result.notes) != []


def test_a_step_all_of_whose_tasks_are_skipped_is_skipped(load_events: LoadEvents) -> None:
    events = copy.deepcopy(load_events("rebuild"))
    for event in events:
        if event["event"] == "runner_on_ok" and event["event_data"]["task"].startswith("Seed | "):
            event["event"] = "runner_on_skipped"
    assert [step.outcome for step in build_result(events).steps] == [*["done"] * 5, "skipped", "done"]


# --- failures ----------------------------------------------------------------------------------------------------


def test_a_failed_verification_that_was_taken_back(load_events: LoadEvents) -> None:
    result = build_result(load_events("unverified"))
    assert result.outcome is Outcome.UNVERIFIED
    assert result.error is not None
    assert result.error.message.startswith("Verification failed: table rotation_templates has 32 rows")
    assert result.aftermath.startswith("The state before the run is back (run ")
    assert result.steps[-2].outcome == "failed"
    assert result.steps[-1].title == "Bring the old state back"
    assert (result.steps[-1].n, result.steps[-1].outcome) == (None, "done")
    assert result.next == "ansible-playbook localdev.recovery.status"


def test_a_failure_carries_the_log_lines_of_what_failed(load_events: LoadEvents) -> None:
    result = build_result(load_events("seed_failed"))
    assert result.outcome is Outcome.FAILED
    assert result.error is not None
    assert result.error.message == "The seed command people failed in service backend with exit code 1"
    assert result.error.details == "28 requests\nno such table: people"
    assert "seed command" not in result.aftermath


def add_failing_rollback(events: list[Event]) -> list[Event]:
    """Return a run whose roll back failed too, with the role's message."""
    events = copy.deepcopy(events)
    place = next(
        n
        for n, event in enumerate(events)
        if event["event"] == "runner_on_ok" and event["event_data"]["task"] == "Put back what was set aside"
    )
    failed, closing, end = events[place], copy.deepcopy(events[-2]), events[-1]
    failed["event"] = "runner_on_failed"
    failed["event_data"]["res"] = {
        "msg": "The disk of the Docker engine is full\nNext: docker system df",
        "failure": "failed",
    }
    cause = next(event["event_data"] for event in events if event["event"] == "runner_on_failed")["res"]["msg"]
    closing["event_data"]["res"]["msg"] = (
        f"Judge the answers: {cause}\n"
        "Bringing the state before back failed too: The disk of the Docker engine is full\n"
        "Next: docker system df\nNothing is lost: run X still holds it under its set-aside names.\n"
        "Next: remove the cause, then ansible-playbook localdev.recovery.undo"
    )
    return [*events[: place + 1], closing, end]


def test_a_verification_that_could_not_be_taken_back_is_a_plain_failure(load_events: LoadEvents) -> None:
    result = build_result(add_failing_rollback(load_events("unverified")))
    assert result.outcome is Outcome.FAILED
    assert result.error is not None
    assert result.error.message.startswith("Verification failed")
    assert result.aftermath.splitlines() == [
        "Bringing the state before back failed too: The disk of the Docker engine is full",
        "Nothing is lost: run X still holds it under its set-aside names.",
    ]
    assert result.next == "remove the cause, then ansible-playbook localdev.recovery.undo"
    assert result.steps[-1].outcome == "failed"


def test_a_refusal(load_events: LoadEvents) -> None:
    result = build_result(load_events("unsafe"))
    assert result.outcome is Outcome.UNSAFE
    assert result.next is None


def test_a_wrong_variable_is_wrong_usage(load_events: LoadEvents) -> None:
    result = build_result(load_events("wrong_type"))
    assert result.outcome is Outcome.USAGE
    assert result.error is not None
    assert result.error.message.startswith("argument 'cleanup_keep'")


def test_a_host_that_does_not_answer_leaves_the_other_alone(load_events: LoadEvents) -> None:
    progress, _updates = process_events(load_events("unreachable"))
    hosts = progress.build_host_results(check=False, interrupted=False)
    assert {name: host.outcome for name, host in hosts.items()} == {
        "alpha": Outcome.DONE,
        "beta": Outcome.UNREACHABLE,
    }
    assert hosts["beta"].error is not None
    assert "Connection refused" in hosts["beta"].error.message


def test_what_ansible_complains_of_before_any_host(load_events: LoadEvents) -> None:
    progress, _updates = process_events(load_events("wrong_limit"))
    assert progress.hosts == ()
    assert progress.find_ansible_error()[0] == "Could not match supplied host pattern, ignoring: nix"


def test_complaints_that_ansible_has_wrapped_are_joined() -> None:
    text = "[WARNING]: a.yml: bad\r\n[ERROR]: Specified inventory leaves us with\r\nno hosts to target.\r\n"
    progress, _updates = process_events([{"event": "verbose", "stdout": text}])
    assert progress.find_ansible_error() == ("Specified inventory leaves us with no hosts to target.", "a.yml: bad")


def test_without_an_error_of_its_own_ansibles_last_words_count() -> None:
    words = "The command was not found or was not executable: ansible-playbook."
    progress, _updates = process_events([{"event": "verbose", "stdout": words + "\r\n"}])
    assert progress.find_ansible_error() == (words, "")


def test_how_far_a_long_step_is_is_no_complaint() -> None:
    line = "progress: [my host] loading 1.0 MiB of about 2.0 MiB, 1.0 MiB/s\r\n"
    progress, updates = process_events([{"event": "verbose", "stdout": line}])
    assert updates == [
        Transferred("my host", "loading 1.0 MiB of about 2.0 MiB, 1.0 MiB/s"),
        Output(line.replace("\r", "")),
    ]
    assert progress.find_ansible_error() == ("", "")


def fail_task(result: dict[str, Any], **data: Any) -> HostResult:
    data = {"host": "localhost", "task": "Seed | Register", "task_action": "ansible.builtin.uri", "res": result, **data}
    return build_result([{"event": "runner_on_failed", "event_data": data}])


def test_a_hidden_answer_says_how_to_see_it() -> None:
    error = fail_task({"censored": "hidden"}).error
    assert error is not None
    assert "may hold secrets" in error.message
    assert "stack_no_log=false" in error.details


def test_a_crash_is_its_last_line_not_its_traceback() -> None:
    crash = {"msg": "MODULE FAILURE\nSee stdout", "module_stderr": "Traceback\n  File\nKeyError: 'stack'\n"}
    error = fail_task(crash, task_action="localdev.recovery.stack_info").error
    assert error is not None
    assert error.message == "Register: localdev.recovery.stack_info crashed: KeyError: 'stack'"


@pytest.mark.parametrize("action", ["ansible.builtin.validate_argument_spec", "ansible.builtin.debug"])
def test_what_a_filter_refuses_is_no_wrong_usage_and_says_why(action: str) -> None:
    text = "Task failed: The filter plugin 'localdev.recovery.volume_places' failed: No service x\nNext: choose from y"
    result = fail_task({"msg": text}, task_action=action)
    assert result.error is not None
    assert (result.error.message, result.next, result.outcome) == ("No service x", "choose from y", Outcome.FAILED)


def test_a_loop_fails_with_its_first_failing_item() -> None:
    items = [{"msg": "fine"}, {"failed": True, "msg": "The volume x is gone", "failure": "unsafe"}]
    result = fail_task({"msg": "One or more items failed", "results": items})
    assert result.error is not None
    assert (result.error.message, result.outcome) == ("The volume x is gone", Outcome.UNSAFE)


def test_an_ignored_failure_is_none() -> None:
    assert fail_task({"msg": "no"}, ignore_errors=True).outcome is Outcome.DONE


# --- interruptions -----------------------------------------------------------------------------------------------


def test_an_interruption_within_a_run_says_what_undoes_it(load_events: LoadEvents) -> None:
    result = build_result(
        events_until(load_events("rebuild"), "Step 2 of 7 | Set the old data aside"), interrupted=True
    )
    assert result.outcome is Outcome.INTERRUPTED
    assert result.steps[-1].title == "Set the old data aside"
    assert result.steps[-1].outcome == "interrupted"
    assert f"Run {result.run_id} is unfinished" in result.aftermath
    assert result.next == "ansible-playbook localdev.recovery.undo"


def test_an_interruption_before_the_run_has_changed_nothing(load_events: LoadEvents) -> None:
    result = build_result(events_until(load_events("rebuild"), "Look at the stack"), interrupted=True)
    assert (result.outcome, result.aftermath, result.next) == (
        Outcome.INTERRUPTED,
        "Nothing has been changed.",
        None,
    )


def test_an_interruption_after_the_end_changes_nothing(load_events: LoadEvents) -> None:
    assert build_result(load_events("rebuild"), interrupted=True).outcome is Outcome.DONE


# --- outcomes ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kinds", "unreachable", "interrupted", "expected"),
    [
        ([], False, False, Outcome.DONE),
        (["failed"], False, False, Outcome.FAILED),
        (["anything else"], False, False, Outcome.FAILED),
        (["verification"], False, False, Outcome.UNVERIFIED),
        (["verification", "failed"], False, False, Outcome.FAILED),
        (["failed", "verification"], False, False, Outcome.FAILED),
        (["locked"], False, False, Outcome.LOCKED),
        (["unsafe", "failed"], False, False, Outcome.UNSAFE),
        (["usage"], False, False, Outcome.USAGE),
        ([], True, False, Outcome.UNREACHABLE),
        (["failed"], True, False, Outcome.FAILED),
        (["failed"], False, True, Outcome.INTERRUPTED),
    ],
)
def test_outcome(kinds: list[str], unreachable: bool, interrupted: bool, expected: Outcome) -> None:
    failures = [Failure("no", kind=kind) for kind in kinds]
    assert decide_outcome(failures, unreachable=unreachable, interrupted=interrupted) is expected


@pytest.mark.parametrize(
    ("outcomes", "expected"),
    [
        ([], Outcome.DONE),
        ([Outcome.DONE, Outcome.DONE], Outcome.DONE),
        ([Outcome.DONE, Outcome.UNREACHABLE], Outcome.UNREACHABLE),
        ([Outcome.LOCKED, Outcome.LOCKED], Outcome.LOCKED),
        ([Outcome.LOCKED, Outcome.UNREACHABLE], Outcome.FAILED),
    ],
)
def test_overall_outcome(outcomes: list[Outcome], expected: Outcome) -> None:
    assert combine_outcomes(outcomes) is expected


def test_every_outcome_has_its_own_exit_code() -> None:
    assert set(EXIT_CODES) == set(Outcome)
    assert sorted(EXIT_CODES.values()) == [0, 1, 2, 4, 5, 6, 7, 130]


def test_ansible_output_is_passed_on_as_it_is() -> None:
    event = {"event": "runner_on_file_diff", "stdout": "--- before\r\n+++ after", "event_data": {"host": "h"}}
    assert Progress().process_event(event) == [Output("--- before\n+++ after", diff=True)]


def test_a_step_left_open_without_interruption_has_failed() -> None:
    began = {"host": "h", "task": "Step 1 of 2 | Look", "task_action": "x"}
    progress, _updates = process_events([{"event": "runner_on_start", "event_data": began}])
    assert progress.end_open_steps(interrupted=False) == [StepEnded("h", Step(1, 2, "Look", 0.0, "failed"))]


def test_the_answer_of_the_module_that_looks_is_the_data() -> None:
    answer = {"changed": False, "runs": [{"run_id": "x"}], "locked": "", "deletable": []}
    data = {"host": "localhost", "task": "Look", "task_action": "localdev.recovery.recovery_run_info", "res": answer}
    progress = Progress(("recovery_run_info", "runs", "locked"))
    progress.process_event({"event": "runner_on_ok", "event_data": data})
    result = progress.build_host_results(check=False, interrupted=False)["localhost"]
    assert result.data == {"runs": [{"run_id": "x"}], "locked": ""}
