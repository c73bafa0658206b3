# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._container.injections import (
    classify_injections,
    list_recorded_injections,
)
from ansible_collections.localdev.recovery.plugins.module_utils._report.code_injection import (
    format_code_injection_report,
    format_injection_lines,
)
from ansible_collections.localdev.recovery.plugins.module_utils._run.record import RunRecord

ENTRY = {
    "kind": "container_file",
    "name": "shop-api-1:/app/x.py",
    "service": "api",
    "container_id": "c1",
    "image_id": "i1",
    "sha256": "new",
    "state": "live",
}


def record(run_id: str, *entries: dict[str, t.Any]) -> RunRecord:
    return {"run_id": run_id, "started": "2026-01-31T10:00:00Z", "asides": [{**ENTRY, **entry} for entry in entries]}


def test_what_runs_have_injected() -> None:
    records = [
        record("1", {}, {"name": "shop-api-1:/app/y.py", "state": "restored"}),
        record("2", {"sha256": "newer"}),
        # What an undo has displaced, and what was put aside by hand.
        record("3", {"sha256": None}),
        record("4", {"kind": "volume", "name": "shop_data"}),
    ]
    [found] = list_recorded_injections(records)
    assert (found["run_id"], found["sha256"]) == ("2", "newer")
    assert (found["service"], found["container"], found["path"]) == ("api", "shop-api-1", "/app/x.py")


@pytest.mark.parametrize(
    ("container", "now", "state"),
    [
        ("c1", "new", "injected"),
        ("c1", None, "injected"),
        ("c1", "other", "changed"),
        ("c2", "new", ""),
        ("c2", "other", "lost"),
        ("c2", "absent", "lost"),
        ("c2", None, "lost"),
        (None, None, "lost"),
    ],
)
def test_what_has_become_of_it(container: str | None, now: str | None, state: str) -> None:
    recorded = list_recorded_injections([record("1", {})])
    containers = {"shop-api-1": container} if container else {}
    found = classify_injections(recorded, containers, {("shop-api-1", "/app/x.py"): now})
    assert [item["state"] for item in found] == ([state] if state else [])


def test_people_are_told() -> None:
    recorded = list_recorded_injections([record("1", {})])
    [lost] = format_injection_lines(classify_injections(recorded, {}, {}), now=1769854200 + 7200 - 600)
    assert lost.startswith("api: /app/x.py was injected, is lost: container recreated (run 1, ")
    assert format_injection_lines([]) == []


STACK = {"project": {"name": "shop", "dir": "/srv/shop", "files": [], "env_files": [], "profiles": []}}


def item(action: str, container: str = "shop-api-1") -> dict[str, str]:
    return {"service": "api", "container": container, "source": "/s/x.py", "path": "/app/x.py", "action": action}


def test_the_report_of_an_injection() -> None:
    done = {"files": [item("new"), item("same"), item("removed")], "live": [], "notes": ["a note"]}
    told = format_code_injection_report(done, STACK, "R", False)
    assert told[:2] == ["shop-api-1:/app/x.py added", "shop-api-1:/app/x.py removed"]
    assert "a note" in told
    assert told[-1].endswith("undo_run_id=R")
    planned = format_code_injection_report(done, STACK, "R", True)
    assert planned[0] == "shop-api-1:/app/x.py would be added"
    assert "undo" not in planned[-1]


def test_the_report_of_what_is_live_already() -> None:
    told = format_code_injection_report({"files": [item("live", "")], "live": ["api"], "notes": []}, STACK, "", False)
    assert told == [
        "api sees the files through a bind mount: already live, restarting is enough: "
        "cd /srv/shop && docker compose --project-name shop restart api"
    ]
