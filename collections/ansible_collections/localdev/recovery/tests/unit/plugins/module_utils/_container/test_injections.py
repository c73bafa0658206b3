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
        # Content that an undo has displaced, and content that was set aside by hand.
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
