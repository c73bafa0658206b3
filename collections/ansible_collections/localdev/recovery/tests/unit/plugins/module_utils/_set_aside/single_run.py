# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Start, use and end a run of a stack, for tests of one keeper."""

from __future__ import annotations

from ansible_collections.localdev.recovery.plugins.module_utils._docker.cli import Docker
from ansible_collections.localdev.recovery.plugins.module_utils._run.active import ActiveRun
from ansible_collections.localdev.recovery.plugins.module_utils._run.lock import RunLock
from ansible_collections.localdev.recovery.plugins.module_utils._run.process import describe_process
from ansible_collections.localdev.recovery.plugins.module_utils._run.record import RunRecord, build_run_record
from ansible_collections.localdev.recovery.plugins.module_utils._run.store import RunStore
from ansible_collections.localdev.recovery.plugins.module_utils._set_aside.manager import SetAsideManager


def start_run(store: RunStore) -> RunRecord:
    record = build_run_record("p", project="", user="", controller_host="", parameters={})
    RunLock(store).start(record, describe_process())
    return record


def create_manager(store: RunStore, record: RunRecord, docker: Docker) -> SetAsideManager:
    return SetAsideManager(docker, ActiveRun(store, record["run_id"], record=record), "")


def end_run(store: RunStore, record: RunRecord) -> None:
    record["outcome"] = "succeeded"
    store.save(record)
    RunLock(store).release(record["run_id"])
