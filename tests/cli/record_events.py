# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs localdev and writes the events of the run down, cut to what the command line reads of them.

python tests/cli/record_events.py tests/cli/fixtures/NAME.jsonl rebuild -C FOLDER; record_fixtures.py records them all.
"""

from __future__ import annotations

import json
import os
import socket
import sys
from typing import Any

from localdev_recovery import progress
from localdev_recovery.cli import main
from localdev_recovery.updates import Update

_FAILURE = ("failure", "message", "details", "hint", "next", "aftermath", "argument_errors")
_RESULT = (
    "msg",
    "changed",
    "lines",
    "note",
    "steps",
    "run_id",
    "censored",
    "module_stderr",
    "module_stdout",
    *_FAILURE,
)
_DATA = ("host", "task", "role", "task_action", "ignore_errors")


def shorten_event(event: dict[str, Any]) -> dict[str, Any]:
    """Remove a machine's facts, and secrets that a module may have been given, from an event."""
    data = event.get("event_data") or {}
    short: dict[str, Any] = {"event": event["event"], "created": event.get("created")}
    short["event_data"] = {name: data[name] for name in _DATA if data.get(name) is not None}
    if data.get("res"):
        short["event_data"]["res"] = {name: data["res"][name] for name in _RESULT if name in data["res"]}
        record = data["res"].get("record")
        if record:
            short["event_data"]["res"]["record"] = {name: record.get(name) for name in ("asides", "next", "outcome")}
    if event["event"] in ("verbose", "error", "warning"):
        short["stdout"] = event["stdout"]
    return short


def record(path: str) -> None:
    process_event = progress.Progress.process_event
    folder = os.getcwd()
    with open(path, "w", encoding="utf-8") as handle:

        def write(self: progress.Progress, event: dict[str, Any]) -> list[Update]:
            line = json.dumps(shorten_event(event)).replace(folder, "/srv/shop").replace(socket.gethostname(), "laptop")
            handle.write(line + "\n")
            handle.flush()
            return process_event(self, event)

        progress.Progress.process_event = write  # type: ignore[method-assign, assignment]
        main()


if __name__ == "__main__":
    output = sys.argv.pop(1)
    record(output)
