# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._docker.cli import CompletedCommand, Docker
from ansible_collections.localdev.recovery.plugins.module_utils._run.record import build_run_record
from ansible_collections.localdev.recovery.plugins.module_utils._run.store import RunStore
from ansible_collections.localdev.recovery.plugins.module_utils._set_aside.existence import find_existing


class Engine(Docker):
    """An engine with one volume, in which no container runs."""

    def __init__(self, *, up: bool = True) -> None:
        self.up = up

    def inspect(self, kind: str, names: t.Sequence[str]) -> list[dict[str, t.Any]]:
        if not self.up:
            raise RecoveryError(FailureId.DOCKER_NOT_RUNNING, "The Docker daemon does not answer")
        return [{"Name": "there"}] if kind == "volume" and "there" in names else []

    def run(self, *args: str, **options: t.Any) -> CompletedCommand:
        raise RecoveryError(FailureId.DOCKER_COMMAND_FAILED, "container db is not running")


def build_entry(kind: str, aside: str, state: str = "live", **more: t.Any) -> dict[str, t.Any]:
    return {"kind": kind, "name": "data", "aside": aside, "state": state, "bytes": 1, **more}


@pytest.mark.parametrize("up", [True, False])
def test_missing_copies_are_named_and_what_cannot_be_checked_counts_as_existing(tmp_path: Path, up: bool) -> None:
    (tmp_path / "file").write_text("")
    record = build_run_record("restore", project="", user="", controller_host="", parameters={})
    server = {"container": "db", "user": "postgres"}
    record["asides"] = [
        build_entry("volume", "there"),
        build_entry("volume", "gone"),
        build_entry("volume", "back", "restored"),
        build_entry("volume", "copy", "restored", copied=True),
        build_entry("volume", "not yet", "planned"),
        build_entry("folder", str(tmp_path / "gone")),
        build_entry("database", "unknown", **server),
    ]
    record["scratch"] = [
        {"kind": "path", "name": str(tmp_path / "file"), "unless": ""},
        {"kind": "path", "name": str(tmp_path / "file"), "unless": str(tmp_path)},
        {"kind": "path", "name": str(tmp_path / "gone"), "unless": ""},
        {"kind": "database", "name": "unknown", **server},
    ]
    [present], missing = find_existing(Engine(up=up), RunStore(str(tmp_path)), [record])
    if not up:
        assert (present, missing) == (record, [])
        return
    assert [copy["aside"] for copy in missing] == ["gone", "copy", str(tmp_path / "gone")]
    assert {copy["run_id"] for copy in missing} == {record["run_id"]}
    assert [entry["aside"] for entry in present["asides"]] == ["there", "back", "not yet", "unknown"]
    assert present["scratch"] == [record["scratch"][0], record["scratch"][3]]
    # The record itself stays as it is.
    assert len(record["asides"]) == 7
