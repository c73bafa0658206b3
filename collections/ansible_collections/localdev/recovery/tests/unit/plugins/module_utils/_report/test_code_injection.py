# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible_collections.localdev.recovery.plugins.module_utils._report.code_injection import (
    format_code_injection_report,
    format_injection_lines,
)

STACK = {"project": {"name": "shop", "dir": "/srv/shop", "files": [], "env_files": [], "profiles": []}}


def item(action: str, container: str = "shop-api-1") -> dict[str, str]:
    return {"service": "api", "container": container, "source": "/s/x.py", "path": "/app/x.py", "action": action}


def test_a_lost_injection_is_shown_with_run_and_age() -> None:
    injection = {
        "service": "api",
        "container": "shop-api-1",
        "path": "/app/x.py",
        "run_id": "1",
        "time": "2026-01-31T10:00:00Z",
        "state": "lost",
    }
    [lost] = format_injection_lines([injection], now=1769854200 + 7200 - 600)
    assert lost.startswith("api: /app/x.py was injected, is lost: container recreated (run 1, ")
    assert format_injection_lines([]) == []


def test_report_of_an_injection() -> None:
    done = {"files": [item("new"), item("same"), item("removed")], "live": [], "notes": ["a note"]}
    lines = format_code_injection_report(done, STACK, "R", False)
    assert lines[:2] == ["shop-api-1:/app/x.py added", "shop-api-1:/app/x.py removed"]
    assert "a note" in lines
    assert lines[-1].endswith("undo_run_id=R")
    planned = format_code_injection_report(done, STACK, "R", True)
    assert planned[0] == "shop-api-1:/app/x.py would be added"
    assert "undo" not in planned[-1]


def test_report_of_what_is_live_already() -> None:
    lines = format_code_injection_report({"files": [item("live", "")], "live": ["api"], "notes": []}, STACK, "", False)
    assert lines == [
        "api sees the files through a bind mount: already live, restarting is enough: "
        "cd /srv/shop && docker compose --project-name shop restart api"
    ]
