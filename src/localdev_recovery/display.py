# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Show a run to people: progress and errors on stderr, the report on stdout.

On a terminal, a live line per host names its active task. Elsewhere, and in CI, every step is one plain line.
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

from localdev_recovery.progress import ActiveTask, Note, Output, StepEnded, StepStarted, Transferred, Update
from localdev_recovery.results import Failure, HostResult, Outcome, Result, Step

_SPINNER = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
_COLOUR_CODE = re.compile(r"\x1b\[[0-9;]*m")
_OUTCOME_STYLES = {"done": "", "skipped": "dim", "failed": "bold red", "interrupted": "bold yellow"}
# A narrower title is not readable.
_MIN_TITLE_WIDTH = 12


def format_duration(seconds: float) -> str:
    """Return ``2.1 s``, ``34 s``, ``2 min 05 s``."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"


def format_step_label(step: Step) -> str:
    """Return ``[3/7] Start the database``; a step without a number is indented as far as a title."""
    return f"[{step.n}/{step.of}] {step.title}" if step.n is not None else f"      {step.title}"


def format_step_ending(step: Step) -> str:
    """Return ``2.1 s``, ``skipped`` or ``failed after 2.1 s``."""
    elapsed = "" if step.seconds is None else format_duration(step.seconds)
    if step.outcome == "done":
        return elapsed
    return "skipped" if step.outcome == "skipped" else f"{step.outcome} after {elapsed}"


def fit_line(label: str, ending: str, width: int | None) -> str:
    """Return ``LABEL ... ENDING`` in one line. A narrow width cuts the label, not the ending."""
    line = f"{label} ... {ending}".rstrip()
    if width is None or len(line) <= width:
        return line
    label_width = max(width - len(f"… {ending}"), _MIN_TITLE_WIDTH)
    return f"{label[:label_width].rstrip()}… {ending}".rstrip()


class PlainDisplay:
    """A display with a line for each step, for files, pipes and CI. The line of a single host begins with its step."""

    def __init__(self, stream: TextIO, *, raw: bool = False) -> None:
        self._stream = stream
        self._raw = raw
        self._open_line = ""
        self._hosts: set[str] = set()

    def __enter__(self) -> PlainDisplay:
        return self

    def __exit__(self, *details: object) -> None:
        self._end_open_line()

    def __call__(self, update: Update) -> None:
        if isinstance(update, Output):
            if self._raw or update.diff:
                self._write_line(_COLOUR_CODE.sub("", update.text).rstrip("\n"))
            return
        self._hosts.add(update.host)
        if self._raw:
            return
        if isinstance(update, StepStarted) and len(self._hosts) == 1:
            self._end_open_line()
            self._open_line = f"{format_step_label(update.step)} ... "
            self._write_text(self._open_line)
        elif isinstance(update, StepEnded):
            full_line = f"{format_step_label(update.step)} ... {format_step_ending(update.step)}"
            if self._open_line and full_line.startswith(self._open_line) and len(self._hosts) == 1:
                self._write_text(full_line.removeprefix(self._open_line) + "\n")
                self._open_line = ""
            else:
                self._write_line(f"{update.host}: {full_line}" if len(self._hosts) > 1 else full_line)
        elif isinstance(update, Transferred):
            self._write_line(f"{update.host}: {update.text}" if len(self._hosts) > 1 else f"      {update.text}")
        elif isinstance(update, Note):
            self._write_line(f"{update.host}: {update.text}" if len(self._hosts) > 1 else update.text)

    def _write_text(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()

    def _end_open_line(self) -> None:
        if self._open_line:
            self._write_text("\n")
            self._open_line = ""

    def _write_line(self, text: str) -> None:
        self._end_open_line()
        self._write_text(text + "\n")


class LiveDisplay:
    """A display with the finished steps, and below them one live line per host: its active task and the time."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live = Live(self, console=console, refresh_per_second=10, transient=True)
        self._steps: dict[str, Step] = {}
        self._active_tasks: dict[str, tuple[str, float]] = {}
        self._transfers: dict[str, str] = {}
        self._hosts: list[str] = []

    def __enter__(self) -> LiveDisplay:
        self._live.start()
        return self

    def __exit__(self, *details: object) -> None:
        self._active_tasks.clear()
        self._live.stop()

    def __call__(self, update: Update) -> None:
        if isinstance(update, Output):
            if update.diff:
                self._console.print(Text.from_ansi(update.text.strip("\n")))
            return
        if update.host not in self._hosts:
            self._hosts.append(update.host)
        if isinstance(update, StepStarted):
            self._steps[update.host] = update.step
            self._active_tasks[update.host] = ("", time.monotonic())
            self._transfers.pop(update.host, None)
        elif isinstance(update, StepEnded):
            self._steps.pop(update.host, None)
            self._active_tasks.pop(update.host, None)
            line = fit_line(
                self._prefix_host(update.host, format_step_label(update.step)),
                format_step_ending(update.step),
                self._width,
            )
            self._console.print(Text(line, style=_OUTCOME_STYLES[update.step.outcome]), soft_wrap=True)
        elif isinstance(update, ActiveTask):
            started_at = self._active_tasks[update.host][1] if update.host in self._steps else time.monotonic()
            self._active_tasks[update.host] = (update.text, started_at)
            self._transfers.pop(update.host, None)
        elif isinstance(update, Transferred):
            self._transfers[update.host] = update.text
        else:
            self._console.print(Text(self._prefix_host(update.host, update.text), style="yellow"))

    @property
    def _width(self) -> int:
        return self._console.width

    def _prefix_host(self, host: str, text: str) -> str:
        return f"{host}: {text}" if len(self._hosts) > 1 else text

    def __rich__(self) -> Group:
        """Return the live lines. The live display calls this at every refresh, from its own thread."""
        frame = _SPINNER[int(time.monotonic() * 10) % len(_SPINNER)]
        lines = []
        for host, (text, started_at) in list(self._active_tasks.items()):
            step = self._steps.get(host)
            label = format_step_label(step) if step else text
            if step and text and text != step.title:
                label += f": {text}"
            ending = f"{format_duration(time.monotonic() - started_at)} {frame}"
            if host in self._transfers:
                ending = f"{self._transfers[host]}, {ending}"
            lines.append(
                Text(fit_line(self._prefix_host(host, label), ending, self._width), style="cyan", no_wrap=True)
            )
        return Group(*lines)


def choose_display(stream: TextIO, *, verbosity: int) -> PlainDisplay | LiveDisplay:
    """Return the live display for a terminal that can show it, else the plain one."""
    console = Console(file=stream, highlight=False)
    if verbosity or os.environ.get("CI") or not console.is_terminal or console.is_dumb_terminal:
        return PlainDisplay(stream, raw=verbosity > 0)
    return LiveDisplay(console)


# --- the result --------------------------------------------------------------------------------------------------


def show_result(result: Result, *, out: TextIO | None = None, err: TextIO | None = None) -> None:
    """Print the report of a success to stdout, the error of a failure to stderr."""
    out, errors = out or sys.stdout, Console(file=err or sys.stderr, highlight=False)
    several_hosts = len(result.hosts) > 1
    has_steps = any(host.steps for host in result.hosts.values())
    if has_steps:
        errors.print()
    for host in result.hosts.values():
        if several_hosts and (host.report or host.error):
            print(f"\n{host.host}", file=errors.file if host.error else out, flush=True)
        for line in host.report:
            print(line, file=out)
        out.flush()
        if host.error is not None:
            headline = _failure_headline(host)
            _show_failure(errors, headline, host.error, aftermath=host.aftermath, next_command=host.next)
    if several_hosts:
        for line in format_host_table(result):
            errors.print(Text(line), soft_wrap=True)
    if result.error is not None:
        headline = "" if result.outcome is Outcome.INTERRUPTED else "Error"
        _show_failure(errors, headline, result.error, next_command=result.next)
    elif has_steps and result.outcome is Outcome.DONE:
        elapsed = format_duration(result.seconds)
        summary = f"Checked in {elapsed}; nothing was changed." if result.check else f"Done in {elapsed}."
        errors.print(Text(summary, style="green"))


def format_host_table(result: Result) -> list[str]:
    """Return a table with one line per host: outcome, changed, steps and their seconds."""
    rows = [("host", "outcome", "changed", "steps")]
    for host in result.hosts.values():
        done = [step for step in host.steps if step.outcome == "done" and step.n is not None]
        ended = next((step for step in host.steps if step.outcome in ("failed", "interrupted")), None)
        parts = [f"{len(done)} done in {format_duration(sum(step.seconds or 0 for step in done))}"] if done else []
        parts += [f"{ended.outcome}: {ended.title}"] if ended else []
        rows.append((host.host, host.outcome.value, "yes" if host.changed else "no", ", ".join(parts) or "-"))
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    lines = [
        "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[3]]) for row in rows
    ]
    return ["", *lines]


def _failure_headline(host: HostResult) -> str:
    """Return ``Failed at step 5 of 7, Migrate to the heads``."""
    outcome_words = {
        Outcome.LOCKED: "Locked",
        Outcome.UNSAFE: "Refused",
        Outcome.UNREACHABLE: "Unreachable",
        Outcome.INTERRUPTED: "",
        Outcome.USAGE: "Error",
    }
    outcome_word = outcome_words.get(host.outcome, "Failed")
    step = next((step for step in host.steps if step.outcome in ("failed", "interrupted")), None)
    if step is None or step.n is None:
        return outcome_word
    return f"{outcome_word or 'Interrupted'} at step {step.n} of {step.of}, {step.title}"


def _show_failure(
    console: Console, headline: str, error: Failure, *, aftermath: str = "", next_command: str | None = None
) -> None:
    first_line = Text()
    message = "" if headline.startswith("Interrupted") else error.message
    first_line.append(headline + (": " if headline and message else ""), style="bold red").append(message)
    console.print(first_line, soft_wrap=not console.is_terminal)
    if error.details:
        # Log lines stay as they are, for copying.
        console.print(Text(error.details), soft_wrap=True)
    if aftermath:
        console.print(Text(aftermath), soft_wrap=not console.is_terminal)
    if next_command:
        console.print(Text("Next: ", style="bold").append(next_command), soft_wrap=True)
