# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._run.lock import RunLock
from ansible_collections.localdev.recovery.plugins.module_utils._run.record import RunRecord, build_run_record
from ansible_collections.localdev.recovery.plugins.module_utils._run.store import RunStore


@pytest.fixture
def store(tmp_path: Path) -> RunStore:
    """Return the runs of the stack shop, whose project folder is tmp_path/project."""
    return RunStore(str(tmp_path / "shop"), str(tmp_path / "project"))


@pytest.fixture
def lock(store: RunStore) -> RunLock:
    return RunLock(store)


@pytest.fixture
def make_record() -> t.Callable[..., RunRecord]:
    """Return a function: ``make_record("restore", run_id, outcome="failed")`` is a record with some values replaced."""

    def make(procedure: str = "full_rebuild", run_id: str = "", **more: t.Any) -> RunRecord:
        made = build_run_record(procedure, project="shop", user="me", controller_host="here", parameters={})
        return {**made, "run_id": run_id or made["run_id"], **more}

    return make
