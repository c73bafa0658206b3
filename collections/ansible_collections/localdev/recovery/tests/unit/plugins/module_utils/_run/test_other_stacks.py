# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t
from pathlib import Path

from ansible_collections.localdev.recovery.plugins.module_utils._core.clock import seconds_since
from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._docker.cli import Docker
from ansible_collections.localdev.recovery.plugins.module_utils._run.other_stacks import (
    add_other_stacks,
    find_other_stacks,
)
from ansible_collections.localdev.recovery.plugins.module_utils._run.record import RunRecord
from ansible_collections.localdev.recovery.plugins.module_utils._run.store import RunStore

MakeRecord = t.Callable[..., RunRecord]
OLDER, NEWER = "20260131T100000Z-0000", "20260131T110000Z-0000"


class Volumes(Docker):
    """An engine with some volumes."""

    def __init__(self, *names: str) -> None:
        super().__init__()
        self.names = names

    def inspect(self, kind: str, names: t.Sequence[str]) -> list[dict[str, t.Any]]:
        return [{"Name": name} for name in names if name in self.names]


def test_stacks_whose_copies_exist_are_named_and_those_without_a_folder_come_first(
    tmp_path: Path, make_record: MakeRecord
) -> None:
    root = tmp_path / "state"

    def save(project: str, folder: str, *run_ids: str) -> None:
        for run_id in run_ids:
            kept = {"kind": "volume", "name": "data", "aside": f"data.aside-{run_id}", "bytes": 1, "state": "live"}
            record = make_record(run_id=run_id, asides=[kept], project_dir=folder, started="2026-01-31T10:00:00Z")
            RunStore(str(root / project)).save(record)

    save("mine", str(tmp_path), OLDER)
    save("cleaned", str(tmp_path), "20260131T120000Z-0000")
    save("alive", str(tmp_path), OLDER)
    save("orphan", "/nowhere/shop", OLDER, NEWER)
    (root / ".projects").mkdir()
    docker = Volumes(f"data.aside-{OLDER}", f"data.aside-{NEWER}")
    found = find_other_stacks(docker, RunStore(str(root / "mine")))
    assert [(stack.project, stack.run["run_id"], stack.orphaned) for stack in found] == [
        ("orphan", NEWER, True),
        ("alive", OLDER, False),
    ]
    assert [stack.run["run_id"] for stack in find_other_stacks(docker, RunStore(str(root / "mine")), [NEWER])] == [
        NEWER
    ]
    assert find_other_stacks(docker, RunStore(str(root / "mine")), ["20260131T120000Z-dead"]) == []
    error = RecoveryError(FailureId.RUN_NONE, "none")
    add_other_stacks(error, found, now=-seconds_since("2026-01-31T12:00:00Z", 0))
    assert len(error.details) == 2
    for value in ("orphan", "/nowhere/shop", NEWER, "2 h"):
        assert value in str(error.details[0])
    assert "COMPOSE_PROJECT_NAME=orphan" in str(error.hint)
    quiet = RecoveryError(FailureId.RUN_NONE, "none")
    add_other_stacks(quiet, [])
    assert (quiet.details, quiet.hint) == ([], "")


def test_there_may_be_no_place_at_all(tmp_path: Path) -> None:
    assert find_other_stacks(Volumes(), RunStore(str(tmp_path / "state" / "shop"))) == []
