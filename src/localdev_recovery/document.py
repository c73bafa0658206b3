# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Build the document that ``--json`` prints: a result with its lines as text. Pure."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from localdev_recovery.commands import format_command, format_line
from localdev_recovery.results import Failure, HostResult, Result

if TYPE_CHECKING:
    from ansible_collections.localdev.recovery.plugins.module_utils._core.next_command import Line, NextCommand


def build_document(verb: str, result: Result, target_options: Sequence[str] = ()) -> dict[str, Any]:
    """Return the document; result.schema.json describes it. target_options: see format_command."""

    def build_command(command: NextCommand | None) -> dict[str, Any] | None:
        return {**command, "command": format_command(command, target_options)} if command else None

    def build_lines(lines: Sequence[Line]) -> list[str]:
        return [format_line(line, target_options) for line in lines]

    def build_failure(failure: Failure | None) -> dict[str, Any] | None:
        if failure is None:
            return None
        lines = {"details": build_lines(failure.details), "hint": format_line(failure.hint, target_options)}
        return {**dataclasses.asdict(failure), **lines}

    def build_host(host: HostResult) -> dict[str, Any]:
        return {
            **dataclasses.asdict(host),
            "report": build_lines(host.report),
            "notes": build_lines(host.notes),
            "error": build_failure(host.error),
            "aftermath": build_lines(host.aftermath),
            "next": build_command(host.next),
        }

    return {
        "verb": verb,
        **dataclasses.asdict(result),
        "hosts": {name: build_host(host) for name, host in result.hosts.items()},
        "error": build_failure(result.error),
        "next": build_command(result.next),
        "exit_code": result.exit_code,
    }
