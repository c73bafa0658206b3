# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import os
import time
import types
import typing as t
from pathlib import Path

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._core.measure import ByteCounter
from ansible_collections.localdev.recovery.plugins.module_utils._run import progress
from ansible_collections.localdev.recovery.plugins.module_utils._run.progress import (
    report_progress,
    report_progress_of_parts,
)
from ansible_collections.localdev.recovery.plugins.module_utils._run.progress_line import parse_progress
from ansible_collections.localdev.recovery.plugins.module_utils._run.store import RunStore

RUN_ID = "20260101-000000-abcd"


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> t.Any:
    monkeypatch.setattr(progress, "FIRST_REPORT_S", 0.02)
    monkeypatch.setattr(progress, "REPORT_INTERVAL_S", 0.02)
    runs = RunStore(str(tmp_path / "shop"))
    runs.make_folder()
    return types.SimpleNamespace(record={"run_id": RUN_ID}, runs=runs)


class FailingMeasure:
    """Bytes that cannot be measured. asked: how often they were."""

    asked = 0

    @property
    def bytes(self) -> int:
        self.asked += 1
        raise RuntimeError("the server restarts")


def wait_for(path: Path) -> str:
    deadline = time.monotonic() + 10
    while not path.exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return path.read_text()


def test_progress_of_long_work_is_reported_and_leaves_no_file(run: t.Any, tmp_path: Path) -> None:
    path = tmp_path / "shop" / "progress.json"
    loaded = ByteCounter()
    loaded.add(512)
    with report_progress(run, "loading", loaded, 1024):
        found = parse_progress(wait_for(path), RUN_ID)
        assert path.stat().st_mode & 0o777 == 0o600
    assert found is not None
    assert found["rate"] > 0
    assert {**found, "rate": 0} == {"doing": "loading", "done": 512, "total": 1024, "about": False, "rate": 0}
    assert os.listdir(path.parent) == []


def test_a_part_that_begins_has_no_rate_below_nothing(run: t.Any, tmp_path: Path) -> None:
    states = iter([None, ("copying", 2000), ("comparing", 1000)])
    reports: list[dict[str, t.Any]] = []

    def state() -> dict[str, t.Any] | None:
        path = tmp_path / "shop" / "progress.json"
        reports.append(json.loads(path.read_text()) if path.exists() else {})
        found = next(states, ("comparing", 1000))
        return found and {"doing": found[0], "done": found[1], "total": 2000, "about": False}

    with report_progress_of_parts(run, state):
        while len(reports) < 4:
            time.sleep(0.01)
    assert reports[:2] == [{}, {}]
    assert [line["doing"] for line in reports[2:4]] == ["copying", "comparing"]
    assert reports[3]["rate"] > 0


def test_short_work_is_not_measured(run: t.Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "FIRST_REPORT_S", 60)
    measure = FailingMeasure()
    with report_progress(run, "loading", measure, None):
        pass
    assert measure.asked == 0


def test_without_a_run_nothing_is_measured() -> None:
    measure = FailingMeasure()
    with report_progress(None, "loading", measure, None):
        time.sleep(0.1)
    assert measure.asked == 0


def test_what_cannot_be_measured_or_written_disturbs_nothing(run: t.Any, tmp_path: Path) -> None:
    measure = FailingMeasure()
    with report_progress(run, "loading", measure, None):
        while measure.asked < 2:
            time.sleep(0.01)
    (tmp_path / "shop").rmdir()
    with report_progress(run, "loading", ByteCounter(), None):
        time.sleep(0.1)


def test_the_error_of_the_work_is_kept(run: t.Any) -> None:
    with pytest.raises(KeyError, match="work"), report_progress(run, "loading", ByteCounter(), None):
        raise KeyError("work")
