# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Data that the reports of several procedures show."""

from __future__ import annotations

import typing as t

import pytest

Json = dict[str, t.Any]


@pytest.fixture
def kept() -> Json:
    """Return a set-aside entry: a volume of 1 MiB, 25 hours old."""
    return {"kind": "volume", "name": "shop_data", "aside": "shop_data.aside-1", "bytes": 1048576, "age_s": 90000}


@pytest.fixture
def backup() -> Json:
    """Return a backup as backup_info describes it."""
    return {
        "name": "shop_20260131_100000",
        "path": "/srv/b/shop_20260131_100000.dir",
        "database": "shop",
        "bytes": 2048,
        "created": "2026-01-31T10:00:00Z",
        "metadata": {"rows": {"a": 1, "b": 2}, "alembic_version": "feed", "duration_s": 0.5},
    }


@pytest.fixture
def restored() -> Json:
    """Return the result of a restore into a temporary database."""
    return {"rows": {"a": 1, "b": 2}, "revisions": ["feed"], "seconds": 1.5, "warnings_found": ["look here"]}


@pytest.fixture
def run_record() -> t.Callable[..., Json]:
    """Return a function: ``run_record(run_id, state="restored")`` is a record of a run that set one volume aside."""

    def build(run_id: str, state: str = "live", **changes: t.Any) -> Json:
        hour = run_id[9:11]
        entry = {"kind": "volume", "name": "shop_data", "aside": "shop_data.aside-1", "bytes": 2048, "state": state}
        return {
            "run_id": run_id,
            "procedure": "full_rebuild",
            "project": "shop",
            "user": "anna",
            "controller_host": "laptop",
            "parameters": {"seed": True, "only": []},
            "started": f"2026-01-31T{hour}:00:00Z",
            "finished": f"2026-01-31T{hour}:00:34Z",
            "outcome": "succeeded",
            "steps": [
                {"name": "stop", "seconds": 1.3, "outcome": "ok"},
                {"name": "seed", "seconds": None, "outcome": "x"},
            ],
            "asides": [entry],
            "notes": [],
            "error": None,
            **changes,
        }

    return build
