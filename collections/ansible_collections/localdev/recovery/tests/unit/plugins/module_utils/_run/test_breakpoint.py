# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._run.active import ActiveRun
from ansible_collections.localdev.recovery.plugins.module_utils._run.breakpoint import (
    BREAKPOINT_VARIABLE,
    wait_at_breakpoint,
)
from ansible_collections.localdev.recovery.plugins.module_utils._run.store import RunStore


@pytest.fixture
def run(store: RunStore) -> ActiveRun:
    store.make_folder()
    return ActiveRun(store, "", record={})


def test_a_run_waits_at_the_named_point_until_the_file_is_deleted(
    run: ActiveRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(BREAKPOINT_VARIABLE, "copying")
    waiting = threading.Thread(target=wait_at_breakpoint, args=(run, "copying"), daemon=True)
    waiting.start()
    path = tmp_path / "shop" / "breakpoint"
    deadline = time.monotonic() + 10
    while not path.exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert path.read_text() == "copying\n"
    assert waiting.is_alive()
    path.unlink()
    waiting.join(10)
    assert not waiting.is_alive()


@pytest.mark.parametrize("value", [None, "", "packed"])
def test_a_run_passes_other_points(
    run: ActiveRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: str | None
) -> None:
    if value is None:
        monkeypatch.delenv(BREAKPOINT_VARIABLE, raising=False)
    else:
        monkeypatch.setenv(BREAKPOINT_VARIABLE, value)
    wait_at_breakpoint(run, "copying")
    assert not (tmp_path / "shop" / "breakpoint").exists()


def test_outside_a_run_there_are_no_breakpoints(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(BREAKPOINT_VARIABLE, "copying")
    wait_at_breakpoint(None, "copying")
