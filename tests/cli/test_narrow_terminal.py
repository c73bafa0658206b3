# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A terminal of 60 columns shows every value and command whole, and colour adds nothing to the words."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from click.testing import CliRunner
from rich.console import Console

from ansible_collections.localdev.recovery.plugins.module_utils._core.next_command import Line
from ansible_collections.localdev.recovery.tests.unit.golden import GOLDEN
from localdev_recovery.cli import main
from localdev_recovery.display import LiveDisplay, fit_line, show_result
from localdev_recovery.line_wrap import wrap_line
from localdev_recovery.results import HostResult, Outcome, Result
from localdev_recovery.updates import Note, StepStarted, Transferred
from localdev_recovery.verbs.catalog import NOUNS, PROCEDURES
from tests.cli.commands import ANSI
from tests.cli.test_display import RESULTS, RUNNING, TARGET, UNDO, FakeTerminal

WIDTH = 60
UNDO_TEXT = "localdev undo -C '/srv/my shop' 20260131T100000Z-1f2e"
REPORTS = sorted(path for folder in ("report", "status") for path in (GOLDEN / folder).glob("*.txt"))


@pytest.fixture(autouse=True)
def narrow_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(WIDTH))
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)


def show(result: Result, stream_class: type[io.StringIO]) -> str:
    out, err = stream_class(), stream_class()
    show_result(result, TARGET, out=out, err=err)
    return out.getvalue() + err.getvalue()


@pytest.mark.parametrize(
    ("line", "wrapped"),
    [
        ("short", "short"),
        ("a b", "a b"),
        (f"{'word ' * 12}end", f"{('word ' * 12).strip()}\n  end"),
        (["To undo this: ", UNDO], f"To undo this:\n  {UNDO_TEXT}"),
        (["Then run ", UNDO, ", and then wait"], f"Then run\n  {UNDO_TEXT}, and\n  then wait"),
        (f"backup      {'x' * 40} and more", f"backup      {'x' * 40} and\n            more"),
        (f"See /{'p' * 80} there", f"See\n/{'p' * 80}\n  there"),
        (["one", "\n", "two"], "one\ntwo"),
    ],
)
def test_a_line_is_wrapped_at_words(line: Line, wrapped: str) -> None:
    assert wrap_line(line, WIDTH, TARGET) == wrapped


def test_a_pipe_gets_whole_lines() -> None:
    line: Line = ["word " * 30, UNDO]
    assert wrap_line(line, None, TARGET) == "word " * 30 + UNDO_TEXT
    host = HostResult("a", Outcome.DONE, report=(line,))
    assert show(Result("status", Outcome.DONE, hosts={"a": host}), io.StringIO).splitlines()[0].endswith(UNDO_TEXT)


@pytest.mark.parametrize("path", REPORTS, ids=lambda path: path.stem)
def test_a_report_keeps_its_words(path: Path) -> None:
    for line in path.read_text().splitlines():
        wrapped = wrap_line(line, WIDTH)
        assert wrapped.split() == line.split()
        assert all(len(part) <= WIDTH or " " not in part.strip() for part in wrapped.splitlines()), wrapped


@pytest.mark.parametrize("name", RESULTS)
def test_a_result_says_the_same_on_a_terminal_and_in_a_pipe(name: str) -> None:
    """Check that the words alone carry the meaning: colour is only an addition."""
    on_terminal = show(RESULTS[name], FakeTerminal)
    assert ANSI.sub("", on_terminal).split() == show(RESULTS[name], io.StringIO).split()
    assert ANSI.search(show(RESULTS[name], io.StringIO)) is None


@pytest.mark.parametrize("name", [name for name in RESULTS if UNDO_TEXT in show(RESULTS[name], io.StringIO)])
def test_a_command_is_never_broken(name: str) -> None:
    assert UNDO_TEXT in ANSI.sub("", show(RESULTS[name], FakeTerminal))


def test_a_note_in_the_live_display_keeps_its_command_whole() -> None:
    stream = FakeTerminal()
    with LiveDisplay(Console(file=stream, force_terminal=True, width=WIDTH), target_options=TARGET) as display:
        display(StepStarted("a", RUNNING))
        display(Note("a", ["Took over the lock of a run that died; to finish it: ", UNDO]))
    assert UNDO_TEXT in ANSI.sub("", stream.getvalue())


def test_a_transfer_keeps_its_numbers() -> None:
    console = Console(file=FakeTerminal(), force_terminal=True, width=WIDTH, color_system=None)
    with LiveDisplay(console) as display:
        display(StepStarted("a", RUNNING))
        display(Transferred("a", "loading", 120 * 2**20, 750 * 2**20, True, 40.0 * 2**20))
        with console.capture() as capture:
            console.print(display)
    line = capture.get().splitlines()[0]
    assert "loading 120.0 MiB of about 750.0 MiB, 40.0 MiB/s" in line
    assert len(line) <= WIDTH


@pytest.mark.parametrize("width", [20, 30, 60])
def test_a_line_without_room_for_its_title_has_only_its_ending(width: int) -> None:
    assert fit_line("[4/7] Load", "x" * (width - 3), width) == "x" * (width - 3)


@pytest.mark.parametrize("verb", ["", *NOUNS, *(procedure.verb for procedure in PROCEDURES)])
def test_the_help_fits(verb: str) -> None:
    lines = CliRunner().invoke(main, [*verb.split(), "--help"], terminal_width=WIDTH).output.splitlines()
    assert max(map(len, lines)) <= WIDTH
