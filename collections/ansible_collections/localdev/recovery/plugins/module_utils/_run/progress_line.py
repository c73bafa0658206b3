# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Read a progress file and format it, for people and for localdev. Pure."""

from __future__ import annotations

import json
import typing as t

from ansible_collections.localdev.recovery.plugins.module_utils._core.text import format_size

# localdev sets this environment variable of ansible-playbook to JSON_FORMAT, to get each progress as an object.
FORMAT_VARIABLE = "LOCALDEV_PROGRESS"
JSON_FORMAT = "json"


class Progress(t.TypedDict):
    """A progress report of a step. doing: a verb such as ``loading``. done, total: bytes; rate: bytes in a second.

    total: None if unknown. about: whether total is an estimate.
    """

    doing: str
    done: int
    total: int | None
    about: bool
    rate: float


def parse_progress(text: str, run_id: str) -> Progress | None:
    """Return the content of a progress file; None if it is of another run or incomplete."""
    try:
        now = json.loads(text)
        if now["run_id"] != run_id:
            return None
        return {
            "doing": str(now["doing"]),
            "done": int(now["done"]),
            "total": None if now["total"] is None else int(now["total"]),
            "about": bool(now["about"]),
            "rate": float(now["rate"]),
        }
    except (ValueError, KeyError, TypeError):
        return None


def format_progress(progress: Progress) -> str:
    """Return a line for people: ``loading 120.0 MiB of about 750.0 MiB, 40.0 MiB/s``."""
    done, total = progress["done"], progress["total"]
    share = f" of {'about ' if progress['about'] else ''}{format_size(total)}" if total and done <= total else ""
    return f"{progress['doing']} {format_size(done)}{share}, {format_size(progress['rate'])}/s"


def format_progress_line(host: str, progress: Progress, output_format: str) -> str:
    """Return what an action prints: an object for localdev, else ``progress: [web1] loading 120.0 MiB, 40.0 MiB/s``."""
    if output_format == JSON_FORMAT:
        return json.dumps({"progress": {"host": host, **progress}})
    return f"progress: [{host}] {format_progress(progress)}"
