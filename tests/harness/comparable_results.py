# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Results of tasks without what differs between two runs of one play."""

from __future__ import annotations

import re
import typing as t

# Ids, checksums, times and durations that are part of a text.
VOLATILE_TEXT = re.compile(
    r"\d{8}T\d{6}Z-[0-9a-f]{4}|\d{8}-\d{6}(-[0-9a-f]{4})?|\d{4}-\d\d-\d\dT[\d:.]+(Z|\+00:00)?"
    r"|~[0-9a-f]{6}\b|\b[0-9a-f]{12,128}\b|\b\d+(\.\d+)? ?m?s\b"
)
# Keys of values that each run measures, and of a failure that names stacks of other tests. Only the types are compared.
VOLATILE_KEYS = re.compile(r".*_s|available|created_at|delta|end|free|pid|seconds|start|started|undo_refused")


def list_comparable_results(
    events: t.Iterable[dict[str, t.Any]], own_words: t.Sequence[str], action_prefix: str
) -> list[tuple[str, str, t.Any]]:
    """Return task, outcome and result of each task of some actions, in order.

    events: what the callback plugin of the harness has written. own_words: values that only this run has.
    """
    own = re.compile("|".join(map(re.escape, own_words)))

    def make_comparable(value: t.Any) -> t.Any:
        if isinstance(value, dict):
            return {
                own.sub("OWN", key): type(item).__name__ if VOLATILE_KEYS.fullmatch(key) else make_comparable(item)
                for key, item in value.items()
            }
        if isinstance(value, list):
            return [make_comparable(item) for item in value]
        if isinstance(value, str):
            return VOLATILE_TEXT.sub("VOLATILE", own.sub("OWN", value))
        # A number may be the port.
        return "OWN" if str(value) in own_words else value

    return [
        (event["task"], event["event"], make_comparable(event["result"]))
        for event in events
        if event.get("action", "").startswith(action_prefix)
    ]


def list_differences(first: t.Any, second: t.Any, path: str = "") -> list[str]:
    """Return where two values differ, and how: a line for each."""
    if isinstance(first, dict) and isinstance(second, dict) and first.keys() == second.keys():
        return [line for key in first for line in list_differences(first[key], second[key], f"{path}.{key}")]
    if isinstance(first, list | tuple) and isinstance(second, list | tuple) and len(first) == len(second):
        pairs = enumerate(zip(first, second, strict=True))
        return [line for index, pair in pairs for line in list_differences(*pair, f"{path}[{index}]")]
    return [] if first == second else [f"{path}: {first!r} and {second!r}"]
