# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import io

import pytest
from rich.console import Console

from localdev_recovery.display import (
    LiveDisplay,
    PlainDisplay,
    choose_display,
    fit_line,
    format_duration,
    format_step_label,
    show_result,
)
from localdev_recovery.progress import ActiveTask, Note, Output, StepEnded, StepStarted, Transferred, Update
from localdev_recovery.results import Failure, HostResult, Outcome, Result, Step


class FakeTerminal(io.StringIO):
    def isatty(self) -> bool:
        return True


RUNNING = Step(1, 2, "Stop the services", None, "running")
DONE = Step(1, 2, "Stop the services", 2.13, "done")
FAILED = Step(2, 2, "Migrate", 61.0, "failed")


def print_plain(*updates: Update, raw: bool = False) -> str:
    stream = io.StringIO()
    with PlainDisplay(stream, raw=raw) as display:
        for update in updates:
            display(update)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.04, "0.0 s"), (2.13, "2.1 s"), (34.4, "34 s"), (125, "2 min 05 s"), (59.7, "1 min 00 s")]
)
def test_duration(seconds: float, words: str) -> None:
    assert format_duration(seconds) == words


def test_plain_lines_of_one_host() -> None:
    ended = [StepStarted("a", RUNNING), ActiveTask("a", "Stop"), StepEnded("a", DONE)]
    assert print_plain(*ended, StepEnded("a", FAILED)) == (
        "[1/2] Stop the services ... 2.1 s\n[2/2] Migrate ... failed after 1 min 01 s\n"
    )


def test_a_note_does_not_break_into_a_line() -> None:
    assert print_plain(
        StepStarted("a", RUNNING), Note("a", "Took over the lock"), StepEnded("a", DONE)
    ).splitlines() == [
        "[1/2] Stop the services ... ",
        "Took over the lock",
        "[1/2] Stop the services ... 2.1 s",
    ]


def test_how_far_a_long_step_is() -> None:
    assert print_plain(
        StepStarted("a", RUNNING), Transferred("a", "loading 1 B, 1 B/s"), StepEnded("a", DONE)
    ).splitlines() == [
        "[1/2] Stop the services ... ",
        "      loading 1 B, 1 B/s",
        "[1/2] Stop the services ... 2.1 s",
    ]


def test_plain_lines_of_several_hosts_are_whole_and_named() -> None:
    both = [ActiveTask("a", "x"), ActiveTask("b", "x"), StepStarted("a", RUNNING), StepStarted("b", RUNNING)]
    assert print_plain(*both, StepEnded("b", DONE), StepEnded("a", DONE)) == (
        "b: [1/2] Stop the services ... 2.1 s\na: [1/2] Stop the services ... 2.1 s\n"
    )


def test_ansible_output_shows_only_when_asked_for() -> None:
    output, difference = Output("\x1b[32mok: [a]\x1b[0m\n"), Output("--- before\n+++ after\n", diff=True)
    assert print_plain(output) == ""
    assert print_plain(difference) == "--- before\n+++ after\n"
    assert print_plain(output, StepStarted("a", RUNNING), StepEnded("a", DONE), raw=True) == "ok: [a]\n"


def test_what_belongs_to_no_step_stands_below_the_titles() -> None:
    assert (
        format_step_label(Step(None, None, "Bring the old state back", 1.0, "done")) == "      Bring the old state back"
    )


@pytest.mark.parametrize("width", [30, 40, 80, None])
def test_a_narrow_line_keeps_its_ending(width: int | None) -> None:
    line = fit_line("[4/7] Wait until PostgreSQL answers", "12 s", width)
    assert line.endswith("12 s")
    assert width is None or len(line) <= width


def test_a_terminal_gets_a_live_line_and_others_do_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    assert isinstance(choose_display(FakeTerminal(), verbosity=0), LiveDisplay)
    assert isinstance(choose_display(io.StringIO(), verbosity=0), PlainDisplay)
    assert isinstance(choose_display(FakeTerminal(), verbosity=1), PlainDisplay)
    monkeypatch.setenv("CI", "true")
    assert isinstance(choose_display(FakeTerminal(), verbosity=0), PlainDisplay)
    monkeypatch.delenv("CI")
    monkeypatch.setenv("TERM", "dumb")
    assert isinstance(choose_display(FakeTerminal(), verbosity=0), PlainDisplay)


def test_the_live_line_shows_the_step_and_what_it_does() -> None:
    stream = FakeTerminal()
    console = Console(file=stream, force_terminal=True, width=60, color_system=None)
    with LiveDisplay(console) as display:
        display(StepStarted("a", RUNNING))
        display(ActiveTask("a", "Wait"))
        with console.capture() as capture:
            console.print(display)
        assert capture.get().startswith("[1/2] Stop the services: Wait ... 0.0 s")
        display(Transferred("a", "loading 1 B of 2 B, 1 B/s"))
        with console.capture() as capture:
            console.print(display)
        assert "loading 1 B of 2 B, 1 B/s, 0.0 s" in capture.get()
        display(StepEnded("a", DONE))
    assert "[1/2] Stop the services ... 2.1 s" in stream.getvalue()


def print_result(result: Result) -> tuple[str, str]:
    out, err = io.StringIO(), io.StringIO()
    show_result(result, out=out, err=err)
    return out.getvalue(), err.getvalue()


def test_a_success_shows_its_report_on_stdout() -> None:
    host = HostResult("a", Outcome.DONE, steps=(DONE,), report=("Rebuilt x", "To take this back: localdev undo"))
    assert print_result(Result("full_rebuild", Outcome.DONE, seconds=31.2, hosts={"a": host})) == (
        "Rebuilt x\nTo take this back: localdev undo\n",
        "\nDone in 31 s.\n",
    )


def test_check_mode_says_that_nothing_was_changed() -> None:
    host = HostResult("a", Outcome.DONE, steps=(DONE,))
    assert "nothing was changed" in print_result(Result("undo", Outcome.DONE, check=True, hosts={"a": host}))[1]


def test_a_failure_shows_step_cause_logs_state_and_next_command() -> None:
    host = HostResult(
        "a",
        Outcome.FAILED,
        steps=(DONE, FAILED),
        error=Failure("The migration 1f0c failed", "--- last log lines of backend\nboom [red]x[/red]"),
        aftermath="The state before the run is back (run X).",
        next="docker compose logs backend",
    )
    assert print_result(Result("full_rebuild", Outcome.FAILED, hosts={"a": host})) == (
        "",
        "\nFailed at step 2 of 2, Migrate: The migration 1f0c failed\n"
        "--- last log lines of backend\nboom [red]x[/red]\n"
        "The state before the run is back (run X).\n"
        "Next: docker compose logs backend\n",
    )


def test_several_hosts_are_named() -> None:
    hosts = {
        "a": HostResult("a", Outcome.DONE, report=("fine",)),
        "b": HostResult("b", Outcome.UNREACHABLE, error=Failure("b: no route")),
    }
    assert print_result(Result("status", Outcome.UNREACHABLE, hosts=hosts)) == (
        "\na\nfine\n",
        "\nb\nUnreachable: b: no route\n"
        "\nhost  outcome      changed  steps\na     done         no       -\nb     unreachable  no       -\n",
    )


def test_several_hosts_end_with_a_table_of_steps_and_outcomes() -> None:
    hosts = {
        "alice": HostResult("alice", Outcome.DONE, changed=True, steps=(DONE, Step(2, 2, "Migrate", 3.0, "done"))),
        "bob": HostResult("bob", Outcome.FAILED, steps=(DONE, FAILED), error=Failure("The migration 1f0c failed")),
    }
    assert print_result(Result("full_rebuild", Outcome.FAILED, hosts=hosts))[1].splitlines()[-3:] == [
        "host   outcome  changed  steps",
        "alice  done     yes      2 done in 5.1 s",
        "bob    failed   no       1 done in 2.1 s, failed: Migrate",
    ]
