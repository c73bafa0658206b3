# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

from ansible_collections.localdev.recovery.plugins.module_utils._core.next_command import (
    playbook_command,
    program_command,
)
from ansible_collections.localdev.recovery.plugins.module_utils._report.code_injection import (
    format_code_injection_report,
    format_injection_lines,
)
from ansible_collections.localdev.recovery.tests.unit.golden import assert_golden

STACK = {"project": {"name": "shop", "dir": "/srv/shop", "files": [], "env_files": [], "profiles": []}}
INJECTION = {
    "service": "api",
    "container": "shop-api-1",
    "path": "/app/x.py",
    "run_id": "1",
    "time": "2026-01-31T10:00:00Z",
}


def item(action: str, container: str = "shop-api-1") -> dict[str, str]:
    return {"service": "api", "container": container, "source": "/s/x.py", "path": "/app/x.py", "action": action}


DONE: dict[str, t.Any] = {"files": [item("new"), item("same"), item("removed")], "live": [], "notes": ["a note"]}


def test_injections_are_shown_with_state_run_and_age() -> None:
    found = [{**INJECTION, "state": state} for state in ("injected", "changed", "lost")]
    assert_golden("report/injections", format_injection_lines(found, now=1769854200 + 7200 - 600))
    assert format_injection_lines([]) == []


def test_report_of_an_injection() -> None:
    lines = format_code_injection_report(DONE, STACK, "R", False)
    assert_golden("report/code_injection", lines)
    assert lines[-1][-1] == playbook_command("undo", undo_run_id="R")


def test_report_of_an_injection_in_check_mode() -> None:
    lines = format_code_injection_report(DONE, STACK, "R", True)
    assert_golden("report/code_injection_planned", lines)
    assert all(isinstance(line, str) for line in lines)


def test_report_of_what_is_live_already() -> None:
    lines = format_code_injection_report({"files": [item("live", "")], "live": ["api"], "notes": []}, STACK, "", False)
    assert_golden("report/code_injection_live", lines)
    restart = program_command("docker", "compose", "--project-name", "shop", "restart", "api", cwd="/srv/shop")
    assert lines[0][-1] == restart
