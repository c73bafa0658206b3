# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import io
import time

import pytest
from rich.console import Console

from ansible_collections.localdev.recovery.plugins.module_utils._core.next_command import (
    playbook_command,
    program_command,
)
from localdev_recovery import display as display_module
from localdev_recovery.display import (
    MAX_SILENCE_S,
    LiveDisplay,
    PlainDisplay,
    choose_display,
    fit_line,
    format_duration,
    format_step_label,
    show_result,
)
from localdev_recovery.results import Failure, HostResult, Outcome, Result, Step
from localdev_recovery.updates import ActiveTask, Note, Output, StepEnded, StepStarted, Transferred, Update
from tests.cli.commands import ANSI
from tests.cli.golden_text import assert_text
from tests.harness.engine import wait_until


class FakeTerminal(io.StringIO):
    def isatty(self) -> bool:
        return True


RUNNING = Step(1, 2, "Stop the services", None, "running")
DONE = Step(1, 2, "Stop the services", 2.13, "done")
FAILED = Step(2, 2, "Migrate", 61.0, "failed")
LOADING = Transferred("a", "loading", 120 * 2**20, 750 * 2**20, True, 40.0 * 2**20)
UNDO = playbook_command("undo", undo_run_id="20260131T100000Z-1f2e")
TARGET = ("-C", "/srv/my shop")


def print_plain(*updates: Update, raw: bool = False) -> str:
    stream = io.StringIO()
    with PlainDisplay(stream, raw=raw, target_options=TARGET) as display:
        for update in updates:
            display(update)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.04, "0.0 s"), (2.13, "2.1 s"), (34.4, "34 s"), (125, "2 min 05 s"), (59.7, "1 min 00 s")]
)
def test_duration(seconds: float, words: str) -> None:
    assert format_duration(seconds) == words


@pytest.mark.parametrize("raw", [False, True])
def test_a_pipe_names_what_a_silent_run_waits_for(raw: bool) -> None:
    stream = io.StringIO()
    display = PlainDisplay(stream, raw=raw)
    display(StepStarted("a", RUNNING))
    display(ActiveTask("a", "Wait until it is ready"))
    now = time.monotonic()
    display.break_silence(now + MAX_SILENCE_S - 1)
    assert "Wait" not in stream.getvalue()
    display.break_silence(now + 65)
    assert stream.getvalue().splitlines()[-1].split(": ")[1] == "Wait until it is ready, 1 min 05 s"
    lines = len(stream.getvalue().splitlines())
    display.break_silence(now + 70)
    display(StepEnded("a", DONE))
    display.break_silence(now + 200)
    assert len(stream.getvalue().splitlines()) == lines + (not raw)


def test_the_line_comes_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(display_module, "MAX_SILENCE_S", 0.0)
    stream = io.StringIO()
    with PlainDisplay(stream) as display:
        display(ActiveTask("a", "Wait"))
        wait_until(lambda: "waiting for: Wait" in stream.getvalue(), "the line")


def test_plain_lines_of_one_host() -> None:
    ended = [StepStarted("a", RUNNING), ActiveTask("a", "Stop"), StepEnded("a", DONE)]
    assert_text("plain_steps", print_plain(*ended, StepEnded("a", FAILED)))


def test_a_note_does_not_break_into_a_line() -> None:
    note = Note("a", ["Took over the lock; to finish: ", UNDO])
    assert_text("plain_note", print_plain(StepStarted("a", RUNNING), note, StepEnded("a", DONE)))


def test_progress_of_a_long_step() -> None:
    assert_text("plain_transfer", print_plain(StepStarted("a", RUNNING), LOADING, StepEnded("a", DONE)))


def test_plain_lines_of_several_hosts_are_whole_and_named() -> None:
    both = [ActiveTask("a", "x"), ActiveTask("b", "x"), StepStarted("a", RUNNING), StepStarted("b", RUNNING)]
    shown = print_plain(*both, LOADING, Note("b", "Took over the lock"), StepEnded("b", DONE), StepEnded("a", DONE))
    assert_text("plain_several_hosts", shown)


def test_ansible_output_shows_only_when_asked_for() -> None:
    output, difference = Output("\x1b[32mok: [a]\x1b[0m\n"), Output("--- before\n+++ after\n", diff=True)
    assert print_plain(output) == ""
    assert print_plain(difference) == "--- before\n+++ after\n"
    assert print_plain(output, StepStarted("a", RUNNING), StepEnded("a", DONE), raw=True) == "ok: [a]\n"


def test_progress_is_readable_beside_the_output_of_ansible() -> None:
    shown = print_plain(Output("TASK [Load]\n"), StepStarted("a", RUNNING), LOADING, StepEnded("a", DONE), raw=True)
    assert_text("raw_transfer", shown)


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
        display(Transferred("a", "loading", 1, 2, False, 1.0))
        with console.capture() as capture:
            console.print(display)
        assert "loading 1 B of 2 B, 1 B/s, 0.0 s" in capture.get()
        display(StepEnded("a", DONE))
    assert "[1/2] Stop the services ... 2.1 s" in stream.getvalue()


def print_result(result: Result) -> str:
    """Return what is printed: stdout first, then stderr, each with a heading."""
    out, err = io.StringIO(), io.StringIO()
    show_result(result, TARGET, out=out, err=err)
    return f"stdout:\n{out.getvalue()}stderr:\n{err.getvalue()}"


RESULTS = {
    "success": Result(
        "full_rebuild",
        Outcome.DONE,
        seconds=31.2,
        hosts={
            "a": HostResult("a", Outcome.DONE, steps=(DONE,), report=("Rebuilt x", ["To undo this: ", UNDO])),
        },
    ),
    "check": Result(
        "undo", Outcome.DONE, check=True, seconds=2.04, hosts={"a": HostResult("a", Outcome.DONE, steps=(DONE,))}
    ),
    "failure": Result(
        "full_rebuild",
        Outcome.FAILED,
        hosts={
            "a": HostResult(
                "a",
                Outcome.FAILED,
                steps=(DONE, FAILED),
                error=Failure(
                    "migration.failed",
                    "The migration 1f0c failed",
                    details=("--- last log lines of backend", "boom [red]x[/red]"),
                    hint=["Correct it, or undo: ", UNDO],
                ),
                aftermath=("The state before the run is back (run X).",),
                next=program_command("docker", "compose", "logs", "backend", cwd="/srv/my shop"),
            )
        },
    ),
    "interrupted_step": Result(
        "full_rebuild",
        Outcome.INTERRUPTED,
        hosts={
            "a": HostResult(
                "a",
                Outcome.INTERRUPTED,
                steps=(DONE, Step(2, 2, "Migrate", 61.0, "interrupted")),
                error=Failure("run.interrupted", "Interrupted"),
                aftermath=("Run X is unfinished.",),
                next=UNDO,
            )
        },
    ),
    "interrupted_before_a_step": Result(
        "full_rebuild",
        Outcome.INTERRUPTED,
        hosts={
            "a": HostResult(
                "a",
                Outcome.INTERRUPTED,
                error=Failure("run.interrupted", "Interrupted"),
                aftermath=("Nothing has been changed.",),
            )
        },
    ),
    "interrupted_before_a_host": Result(
        "full_rebuild",
        Outcome.INTERRUPTED,
        error=Failure("run.interrupted", "Interrupted before anything was done"),
    ),
    "no_host": Result(
        "full_rebuild",
        Outcome.USAGE,
        error=Failure("limit.no_host", "No host of the inventory matches --limit nix", details=("a.yml: bad",)),
        next=program_command("ansible-inventory", "-i", "a.yml", "--graph"),
    ),
    "locked": Result(
        "undo",
        Outcome.LOCKED,
        hosts={"a": HostResult("a", Outcome.LOCKED, error=Failure("lock.held", "Another run works on the stack"))},
    ),
    "refused": Result(
        "undo",
        Outcome.UNSAFE,
        hosts={"a": HostResult("a", Outcome.UNSAFE, error=Failure("run.none", "No run left anything to put back"))},
    ),
    "several_hosts": Result(
        "status",
        Outcome.UNREACHABLE,
        hosts={
            "a": HostResult("a", Outcome.DONE, report=("fine",)),
            "b": HostResult(
                "b",
                Outcome.UNREACHABLE,
                error=Failure("host.unreachable", "Cannot reach the host b", details=("no route",)),
            ),
        },
    ),
    "several_hosts_with_steps": Result(
        "full_rebuild",
        Outcome.FAILED,
        hosts={
            "alice": HostResult("alice", Outcome.DONE, changed=True, steps=(DONE, Step(2, 2, "Migrate", 3.0, "done"))),
            "bob": HostResult(
                "bob",
                Outcome.FAILED,
                steps=(DONE, FAILED),
                error=Failure("migration.failed", "The migration 1f0c failed"),
            ),
        },
    ),
}


@pytest.mark.parametrize("name", RESULTS)
def test_a_result_for_people(name: str) -> None:
    assert_text(f"result_{name}", print_result(RESULTS[name]))


def test_a_terminal_breaks_sentences_but_no_log_line_and_no_command() -> None:
    sentence, log_line = "a sentence " * 9, "log line " * 9
    error = Failure("task.failed", sentence, details=(log_line,), hint=sentence)
    host = HostResult("a", Outcome.FAILED, error=error, aftermath=(sentence,), next=program_command(*log_line.split()))
    stream = FakeTerminal()
    show_result(Result("status", Outcome.FAILED, hosts={"a": host}), out=io.StringIO(), err=stream)
    lines = [ANSI.sub("", line) for line in stream.getvalue().splitlines()]
    assert [line for line in lines if line.startswith(("log line", "Next: "))] == [
        log_line,
        f"Next: {log_line.strip()}",
    ]
    assert sum("sentence" in line for line in lines) > 3
