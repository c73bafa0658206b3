# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Showing a run to people: progress and errors on stderr, the report on stdout.

On a terminal a live line per host says what it is busy with; elsewhere, and in CI, every step is one plain line.
"""

from __future__ import annotations

import os
import re
import sys
import time
from typing import TextIO

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from localdev_recovery.progress import Doing, Moved, Note, Output, StepBegan, StepEnded, Update
from localdev_recovery.results import HostResult, Outcome, Result, Step

_SPINNER = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_STYLES = {"done": "", "skipped": "dim", "failed": "bold red", "interrupted": "bold yellow"}
# Less than this is no width at which a title could be read.
_LEAST_TITLE = 12


def duration(seconds: float) -> str:
    """``2.1 s``, ``34 s``, ``2 min 05 s``."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"


def step_label(step: Step) -> str:
    """``[3/7] Start the database``; what belongs to no step is indented as far as a title."""
    return f"[{step.n}/{step.of}] {step.title}" if step.n is not None else f"      {step.title}"


def step_ending(step: Step) -> str:
    took = "" if step.seconds is None else duration(step.seconds)
    if step.outcome == "done":
        return took
    return "skipped" if step.outcome == "skipped" else f"{step.outcome} after {took}"


def fitted(label: str, ending: str, width: int | None) -> str:
    """``LABEL ... ENDING`` in one line; where the width does not suffice the label is cut, not the ending. Pure."""
    line = f"{label} ... {ending}".rstrip()
    if width is None or len(line) <= width:
        return line
    room = max(width - len(f"… {ending}"), _LEAST_TITLE)
    return f"{label[:room].rstrip()}… {ending}".rstrip()


class Plain:
    """A line for each step, for files, pipes and CI. A lone host's line begins when the step does."""

    def __init__(self, stream: TextIO, *, raw: bool = False) -> None:
        self._stream = stream
        self._raw = raw
        self._open = ""
        self._hosts: set[str] = set()

    def __enter__(self) -> Plain:
        return self

    def __exit__(self, *details: object) -> None:
        self._break()

    def __call__(self, update: Update) -> None:
        if isinstance(update, Output):
            if self._raw or update.diff:
                self._line(_COLOUR.sub("", update.text).rstrip("\n"))
            return
        self._hosts.add(update.host)
        if self._raw:
            return
        if isinstance(update, StepBegan) and len(self._hosts) == 1:
            self._break()
            self._open = f"{step_label(update.step)} ... "
            self._write(self._open)
        elif isinstance(update, StepEnded):
            whole = f"{step_label(update.step)} ... {step_ending(update.step)}"
            if self._open and whole.startswith(self._open) and len(self._hosts) == 1:
                self._write(whole.removeprefix(self._open) + "\n")
                self._open = ""
            else:
                self._line(f"{update.host}: {whole}" if len(self._hosts) > 1 else whole)
        elif isinstance(update, Moved):
            self._line(f"{update.host}: {update.text}" if len(self._hosts) > 1 else f"      {update.text}")
        elif isinstance(update, Note):
            self._line(f"{update.host}: {update.text}" if len(self._hosts) > 1 else update.text)

    def _write(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()

    def _break(self) -> None:
        if self._open:
            self._write("\n")
            self._open = ""

    def _line(self, text: str) -> None:
        self._break()
        self._write(text + "\n")


class Terminal:
    """Finished steps above, and below them one live line per host with what it is busy with and for how long."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live = Live(self, console=console, refresh_per_second=10, transient=True)
        self._steps: dict[str, Step] = {}
        self._doing: dict[str, tuple[str, float]] = {}
        self._moved: dict[str, str] = {}
        self._hosts: list[str] = []

    def __enter__(self) -> Terminal:
        self._live.start()
        return self

    def __exit__(self, *details: object) -> None:
        self._doing.clear()
        self._live.stop()

    def __call__(self, update: Update) -> None:
        if isinstance(update, Output):
            if update.diff:
                self._console.print(Text.from_ansi(update.text.strip("\n")))
            return
        if update.host not in self._hosts:
            self._hosts.append(update.host)
        if isinstance(update, StepBegan):
            self._steps[update.host] = update.step
            self._doing[update.host] = ("", time.monotonic())
            self._moved.pop(update.host, None)
        elif isinstance(update, StepEnded):
            self._steps.pop(update.host, None)
            self._doing.pop(update.host, None)
            line = fitted(self._named(update.host, step_label(update.step)), step_ending(update.step), self._width)
            self._console.print(Text(line, style=_STYLES[update.step.outcome]), soft_wrap=True)
        elif isinstance(update, Doing):
            since = self._doing[update.host][1] if update.host in self._steps else time.monotonic()
            self._doing[update.host] = (update.text, since)
            self._moved.pop(update.host, None)
        elif isinstance(update, Moved):
            self._moved[update.host] = update.text
        else:
            self._console.print(Text(self._named(update.host, update.text), style="yellow"))

    @property
    def _width(self) -> int:
        return self._console.width

    def _named(self, host: str, text: str) -> str:
        return f"{host}: {text}" if len(self._hosts) > 1 else text

    def __rich__(self) -> Group:
        """Called by the live display at every refresh, from its own thread."""
        frame = _SPINNER[int(time.monotonic() * 10) % len(_SPINNER)]
        lines = []
        for host, (text, since) in list(self._doing.items()):
            step = self._steps.get(host)
            label = step_label(step) if step else text
            if step and text and text != step.title:
                label += f": {text}"
            ending = f"{duration(time.monotonic() - since)} {frame}"
            if host in self._moved:
                ending = f"{self._moved[host]}, {ending}"
            lines.append(Text(fitted(self._named(host, label), ending, self._width), style="cyan", no_wrap=True))
        return Group(*lines)


def progress_for(stream: TextIO, *, verbosity: int) -> Plain | Terminal:
    """The fitting display: live only where someone looks at a terminal that can do it."""
    console = Console(file=stream, highlight=False)
    if verbosity or os.environ.get("CI") or not console.is_terminal or console.is_dumb_terminal:
        return Plain(stream, raw=verbosity > 0)
    return Terminal(console)


# --- the end -----------------------------------------------------------------------------------------------------


def show(result: Result, *, out: TextIO | None = None, err: TextIO | None = None) -> None:
    """The report of a success on stdout, the error of a failure on stderr."""
    out, errors = out or sys.stdout, Console(file=err or sys.stderr, highlight=False)
    several = len(result.hosts) > 1
    stepped = any(host.steps for host in result.hosts.values())
    if stepped:
        errors.print()
    for host in result.hosts.values():
        if several and (host.report or host.error):
            print(f"\n{host.host}", file=errors.file if host.error else out, flush=True)
        for line in host.report:
            print(line, file=out)
        out.flush()
        if host.error is not None:
            _show_failure(errors, _headline(host), host.error.message, host.error.details, host.aftermath, host.next)
    if several:
        for line in table(result):
            errors.print(Text(line), soft_wrap=True)
    if result.error is not None:
        head = "" if result.outcome is Outcome.INTERRUPTED else "Error"
        _show_failure(errors, head, result.error.message, result.error.details, "", result.next)
    elif stepped and result.outcome is Outcome.DONE:
        took = duration(result.seconds)
        words = f"Checked in {took}; nothing was changed." if result.check else f"Done in {took}."
        errors.print(Text(words, style="green"))


def table(result: Result) -> list[str]:
    """One line per host, below a head: outcome, whether anything changed, steps and their seconds. Pure."""
    rows = [("host", "outcome", "changed", "steps")]
    for host in result.hosts.values():
        done = [step for step in host.steps if step.outcome == "done" and step.n is not None]
        ended = next((step for step in host.steps if step.outcome in ("failed", "interrupted")), None)
        parts = [f"{len(done)} done in {duration(sum(step.seconds or 0 for step in done))}"] if done else []
        parts += [f"{ended.outcome}: {ended.title}"] if ended else []
        rows.append((host.host, host.outcome.value, "yes" if host.changed else "no", ", ".join(parts) or "-"))
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    lines = [
        "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[3]]) for row in rows
    ]
    return ["", *lines]


def _headline(host: HostResult) -> str:
    """``Failed at step 5 of 7, Migrate to the heads``."""
    words = {
        Outcome.LOCKED: "Locked",
        Outcome.UNSAFE: "Refused",
        Outcome.UNREACHABLE: "Unreachable",
        Outcome.INTERRUPTED: "",
        Outcome.USAGE: "Error",
    }
    word = words.get(host.outcome, "Failed")
    step = next((step for step in host.steps if step.outcome in ("failed", "interrupted")), None)
    if step is None or step.n is None:
        return word
    return f"{word or 'Interrupted'} at step {step.n} of {step.of}, {step.title}"


def _show_failure(console: Console, head: str, message: str, details: str, aftermath: str, command: str | None) -> None:
    first = Text()
    if head.startswith("Interrupted"):
        message = ""
    first.append(head + (": " if head and message else ""), style="bold red").append(message)
    console.print(first, soft_wrap=not console.is_terminal)
    if details:
        # Log lines: whoever copies them wants them as they were.
        console.print(Text(details), soft_wrap=True)
    if aftermath:
        console.print(Text(aftermath), soft_wrap=not console.is_terminal)
    if command:
        console.print(Text("Next: ", style="bold").append(command), soft_wrap=True)
