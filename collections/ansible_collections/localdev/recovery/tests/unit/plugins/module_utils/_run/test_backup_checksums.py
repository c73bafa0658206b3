# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import typing as t
from pathlib import Path

from ansible_collections.localdev.recovery.plugins.module_utils._run.active import ActiveRun
from ansible_collections.localdev.recovery.plugins.module_utils._run.backup_checksums import (
    forget_backup_checksums,
    record_backup_checksums,
)
from ansible_collections.localdev.recovery.plugins.module_utils._run.lock import RunLock
from ansible_collections.localdev.recovery.plugins.module_utils._run.process import describe_process
from ansible_collections.localdev.recovery.plugins.module_utils._run.record import RunRecord
from ansible_collections.localdev.recovery.plugins.module_utils._run.store import RunStore

RUN_ID = "20260131T100000Z-1f2e"


def test_checksums_of_a_backup_are_kept_until_it_is_deleted(
    store: RunStore, lock: RunLock, make_record: t.Callable[..., RunRecord]
) -> None:
    lock.start(make_record("backup", RUN_ID), describe_process())
    run = ActiveRun(store, RUN_ID)
    record_backup_checksums(run, "shop_1", {"toc.dat": "ab", "1.dat": "cd"})
    path = Path(store.folder, "checksums", "shop_1.json")
    assert json.loads(path.read_text()) == {
        "backup": "shop_1",
        "run_id": RUN_ID,
        "files": {"toc.dat": "ab", "1.dat": "cd"},
    }
    forget_backup_checksums(run, "shop_1")
    forget_backup_checksums(run, "shop_1")
    assert not path.exists()


def test_outside_a_run_nothing_is_recorded(store: RunStore) -> None:
    record_backup_checksums(None, "shop_1", {})
    forget_backup_checksums(None, "shop_1")
    assert not Path(store.folder).exists()
