# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Show a run to people: progress and errors on stderr, the report on stdout.

On a terminal, a live line per host names its active task. Elsewhere, and in CI, every step is one plain line.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, TextIO

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from ansible_collections.localdev.recovery.plugins.module_utils._run.progress_line import format_progress
from localdev_recovery.ansible_messages import remove_colours
from localdev_recovery.commands import format_command, format_line
from localdev_recovery.line_wrap import wrap_line
from localdev_recovery.results import Failure, HostResult, Outcome, Result, Step
from localdev_recovery.updates import ActiveTask, Note, Output, StepEnded, StepStarted, Transferred, Update

if TYPE_CHECKING:
    from ansible_collections.localdev.recovery.plugins.module_utils._core.next_command import Line, NextCommand

# Seconds. Without a line for longer, people take a run for a hung one.
MAX_SILENCE_S = 30.0
_SPINNER = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
_OUTCOME_STYLES = {"done": "", "skipped": "dim", "failed": "bold red", "interrupted": "bold yellow"}
# A narrower title is not readable. The shortest one is the number of a step: [4/7].
_READABLE_TITLE_WIDTH = 12
_MIN_TITLE_WIDTH = 5


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


def format_transfer(update: Transferred) -> str:
    """Return ``loading 120.0 MiB of about 750.0 MiB, 40.0 MiB/s``."""
    return format_progress(
        {
            "doing": update.doing,
            "done": update.done,
            "total": update.total,
            "about": update.about,
            "rate": update.rate,
        }
    )


def fit_line(label: str, ending: str, width: int | None) -> str:
    """Return ``LABEL ... ENDING`` in one line. A narrow width cuts the label or leaves it out, but not the ending."""
    line = f"{label} ... {ending}".rstrip()
    if width is None or len(line) <= width:
        return line
    label_width = width - len(f"… {ending}")
    return f"{label[:label_width].rstrip()}… {ending}".rstrip() if label_width >= _MIN_TITLE_WIDTH else ending


class PlainDisplay:
    """A display with a line for each step, for files, pipes and CI. The line of a single host begins with its step.

    While nothing else comes, a line every MAX_SILENCE_S names what each host waits for. raw: show Ansible's own output
    instead. target_options: see format_command.
    """

    def __init__(self, stream: TextIO, *, raw: bool = False, target_options: Sequence[str] = ()) -> None:
        self._stream = stream
        self._raw = raw
        self._target_options = target_options
        self._open_line = ""
        self._hosts: set[str] = set()
        # By host: what it is busy with, and since when.
        self._active: dict[str, tuple[str, float]] = {}
        self._written_at = time.monotonic()
        self._lock = threading.RLock()
        self._ended = threading.Event()
        self._watcher = threading.Thread(target=self._watch_silence, daemon=True)

    def __enter__(self) -> PlainDisplay:
        self._watcher.start()
        return self

    def __exit__(self, *details: object) -> None:
        self._ended.set()
        self._watcher.join()
        self._end_open_line()

    def __call__(self, update: Update) -> None:
        with self._lock:
            self._note_activity(update)
            self._show(update)

    def _watch_silence(self) -> None:
        while not self._ended.wait(1):
            # A closed pipe does not stop the run.
            with contextlib.suppress(OSError):
                self.break_silence(time.monotonic())

    def break_silence(self, now: float) -> None:
        """Write what each host waits for if nothing was written for long. now: of the monotonic clock."""
        with self._lock:
            if now - self._written_at < MAX_SILENCE_S:
                return
            for host, (text, since) in sorted(self._active.items()):
                line = f"waiting for: {text}, {format_duration(now - since)}"
                self._write_line(f"{host}: {line}" if len(self._hosts) > 1 else f"      {line}")
            self._written_at = now

    def _note_activity(self, update: Update) -> None:
        """Keep what a host is busy with, and since when."""
        if isinstance(update, StepStarted):
            self._active[update.host] = (update.step.title, time.monotonic())
        elif isinstance(update, ActiveTask):
            self._active[update.host] = (update.text, time.monotonic())
        elif isinstance(update, StepEnded):
            self._active.pop(update.host, None)

    def _show(self, update: Update) -> None:
        if isinstance(update, Output):
            if self._raw or update.diff:
                self._write_line(remove_colours(update.text).rstrip("\n"))
            return
        self._hosts.add(update.host)
        if isinstance(update, Transferred):
            text = format_transfer(update)
            self._write_line(f"{update.host}: {text}" if len(self._hosts) > 1 else f"      {text}")
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
        elif isinstance(update, Note):
            text = format_line(update.line, self._target_options)
            self._write_line(f"{update.host}: {text}" if len(self._hosts) > 1 else text)

    def _write_text(self, text: str) -> None:
        self._written_at = time.monotonic()
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

    def __init__(self, console: Console, *, target_options: Sequence[str] = ()) -> None:
        self._console = console
        self._target_options = target_options
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
            self._transfers[update.host] = format_transfer(update)
        else:
            parts = [update.line] if isinstance(update.line, str) else update.line
            text = wrap_line([self._prefix_host(update.host, ""), *parts], self._width, self._target_options)
            self._console.print(Text(text, style="yellow"), soft_wrap=True)

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
                transfer = self._transfers[host]
                ending = f"{transfer}, {ending}"
                if self._width - len(ending) < _READABLE_TITLE_WIDTH:
                    ending = f"{transfer} {frame}"
            lines.append(
                Text(fit_line(self._prefix_host(host, label), ending, self._width), style="cyan", no_wrap=True)
            )
        return Group(*lines)


def choose_display(stream: TextIO, *, verbosity: int, target_options: Sequence[str] = ()) -> PlainDisplay | LiveDisplay:
    """Return the live display for a terminal that can show it, else the plain one."""
    console = Console(file=stream, highlight=False)
    if verbosity or os.environ.get("CI") or not console.is_terminal or console.is_dumb_terminal:
        return PlainDisplay(stream, raw=verbosity > 0, target_options=target_options)
    return LiveDisplay(console, target_options=target_options)


# --- the result --------------------------------------------------------------------------------------------------


def get_terminal_width(stream: TextIO) -> int | None:
    """Return the columns of the stream's terminal; None for a file or a pipe, whose lines stay whole."""
    return Console(file=stream).width if stream.isatty() else None


def show_result(
    result: Result, target_options: Sequence[str] = (), *, out: TextIO | None = None, err: TextIO | None = None
) -> None:
    """Print the report of a success to stdout, the error of a failure to stderr. target_options: see format_command."""
    out, errors = out or sys.stdout, Console(file=err or sys.stderr, highlight=False)
    width, error_width = get_terminal_width(out), get_terminal_width(err or sys.stderr)
    several_hosts = len(result.hosts) > 1
    has_steps = any(host.steps for host in result.hosts.values())
    if has_steps:
        errors.print()
    for host in result.hosts.values():
        if several_hosts and (host.report or host.error):
            print(f"\n{host.host}", file=errors.file if host.error else out, flush=True)
        for line in host.report:
            print(wrap_line(line, width, target_options), file=out)
        out.flush()
        if host.error is not None:
            headline = _host_headline(host, host.error)
            _show_failure(errors, error_width, headline, host.error, host.aftermath, host.next, target_options)
    if several_hosts:
        for table_line in format_host_table(result):
            errors.print(Text(wrap_line(table_line, error_width)), soft_wrap=True)
    if result.error is not None:
        headline = ("" if result.outcome is Outcome.INTERRUPTED else "Error", result.error.message)
        _show_failure(errors, error_width, headline, result.error, (), result.next, target_options)
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


_OUTCOME_WORDS = {
    Outcome.LOCKED: "Locked",
    Outcome.UNSAFE: "Refused",
    Outcome.UNREACHABLE: "Unreachable",
    Outcome.USAGE: "Error",
}


def _host_headline(host: HostResult, error: Failure) -> tuple[str, str]:
    """Return ``Failed at step 5 of 7, Migrate to the heads`` and ``The migration failed``."""
    step = next((step for step in host.steps if step.outcome in ("failed", "interrupted")), None)
    place = "" if step is None or step.n is None else f" at step {step.n} of {step.of}, {step.title}"
    if host.outcome is Outcome.INTERRUPTED:
        return f"{error.message}{place}", ""
    return f"{_OUTCOME_WORDS.get(host.outcome, 'Failed')}{place}", error.message


def _show_failure(
    console: Console,
    width: int | None,
    headline: tuple[str, str],
    error: Failure,
    aftermath: Sequence[Line],
    next_command: NextCommand | None,
    target_options: Sequence[str],
) -> None:
    """Show a failure: sentences wrapped at the width, log lines and commands as they are, for copying."""
    outcome, message = headline
    beginning = f"{outcome}: " if outcome and message else outcome
    text = Text(wrap_line(beginning + message, width, hanging=0))
    text.stylize("bold red", 0, len(beginning))
    console.print(text, soft_wrap=True)
    for line in error.details:
        console.print(Text(format_line(line, target_options)), soft_wrap=True)
    for line in (*([error.hint] if error.hint else []), *aftermath):
        console.print(Text(wrap_line(line, width, target_options, hanging=0)), soft_wrap=True)
    if next_command:
        command = format_command(next_command, target_options)
        console.print(Text("Next: ", style="bold").append(command), soft_wrap=True)
