# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import types
import typing as t
from pathlib import Path

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._docker.cli import CompletedCommand, Docker
from ansible_collections.localdev.recovery.plugins.module_utils._run.kept_names import derive_kept_name
from ansible_collections.localdev.recovery.plugins.module_utils._run.lock import RunLock
from ansible_collections.localdev.recovery.plugins.module_utils._run.process import describe_process
from ansible_collections.localdev.recovery.plugins.module_utils._run.record import build_run_record
from ansible_collections.localdev.recovery.plugins.module_utils._run.store import RunStore
from ansible_collections.localdev.recovery.plugins.modules import set_aside
from ansible_collections.localdev.recovery.tests.unit.failure_assertions import assert_lines_name, raises_failure

ENTRY = {"kind": "volume", "name": "shop_data", "aside": "shop_data.aside-1", "bytes": 1048576, "state": "kept"}


def test_the_result_of_keeping() -> None:
    result = set_aside.build_result([ENTRY, {**ENTRY, "bytes": None}])
    assert (result["changed"], result["bytes"]) == (True, 1048576)
    assert result["diff"]["before"] == "volume shop_data (1.0 MiB)\nvolume shop_data (0 B)\n"
    assert result["diff"]["after"] == "volume shop_data.aside-1\n" * 2


def test_the_result_of_putting_back_is_the_other_way_round() -> None:
    kept, restored = set_aside.build_result([ENTRY])["diff"], set_aside.build_result([ENTRY], undoing=True)["diff"]
    assert (kept["before"], kept["after"]) == (restored["after"], restored["before"])


def test_nothing_done_is_no_change() -> None:
    assert set_aside.build_result([]) == {
        "changed": False,
        "asides": [],
        "bytes": 0,
        "diff": {"before": "", "after": ""},
    }


@pytest.mark.parametrize(("state", "asides"), [("restored", ["c", "b"]), ("deleted", ["a", "b"])])
def test_check_mode_foresees_and_writes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, state: str, asides: list[str]
) -> None:
    record = build_run_record("p", project="", user="", controller_host="", parameters={})
    states = {"a": "restored", "b": "live", "c": "kept", "d": "deleted", "e": "planned"}
    kept = {name: derive_kept_name("volume", name, record["run_id"]) for name in states}
    there = {kept["a"], kept["b"], kept["c"], "scratch"}
    monkeypatch.setattr(Docker, "inspect", lambda self, kind, names: [{"Name": n} for n in names if n in there])
    monkeypatch.setattr(Docker, "run", lambda self, *args, **options: CompletedCommand(args, 0, ""))
    store = RunStore(str(tmp_path / "shop"))
    record["asides"] = [{**ENTRY, "name": name, "aside": kept[name], "state": s} for name, s in states.items()]
    record["scratch"] = [{"kind": "volume", "name": name} for name in ("scratch", "deleted")]
    RunLock(store).start(record, describe_process())
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    project = {"name": "shop", "dir": str(tmp_path), "files": [], "env_files": [], "profiles": []}
    place = {"root": str(tmp_path), "folder": store.folder, "group": None}
    params: dict[str, t.Any] = {
        "stack": {"project": project, "state": place, "services": {}, "volumes": {}, "database": None},
        "state": state,
        "run_id": "",
        "source_run_id": record["run_id"],
        "delete": [kept["a"], kept["b"], kept["d"], "scratch", "deleted"],
    }
    module = t.cast("t.Any", types.SimpleNamespace(params=params, check_mode=True))
    result = set_aside.act(module)
    assert [entry["name"] for entry in result["asides"]] == asides
    assert_lines_name(result["notes"], ["volume", "scratch"])
    there.remove(kept["b"])
    if state == "restored":
        with raises_failure(FailureId.KEPT_COPY_MISSING, kept["b"], record["run_id"]):
            set_aside.act(module)
    else:
        assert [entry["name"] for entry in set_aside.act(module)["asides"]] == ["a"]
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_a_cleanup_names_what_it_could_not_delete(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def delete(_docker: Docker, entry: t.Mapping[str, str]) -> None:
        if entry["name"] == "busy":
            raise RecoveryError(FailureId.VOLUME_IN_USE, "The volume busy is in use")

    monkeypatch.setattr(set_aside, "delete_temporary_object", delete)
    store = RunStore(str(tmp_path / "shop"))
    old, cleanup = (
        build_run_record(name, project="", user="", controller_host="", parameters={})
        for name in ("restore", "cleanup")
    )
    RunLock(store).start(cleanup, describe_process())
    old.update(outcome="failed", scratch=[{"kind": "volume", "name": name} for name in ("busy", "free")])
    store.save(old)
    project = {"name": "shop", "dir": str(tmp_path), "files": [], "env_files": [], "profiles": []}
    place = {"root": str(tmp_path), "folder": store.folder, "group": None}
    params: dict[str, t.Any] = {
        "stack": {"project": project, "state": place, "services": {}, "volumes": {}, "database": None},
        "state": "deleted",
        "run_id": cleanup["run_id"],
        "step": "delete",
        "delete": ["busy", "free"],
    }
    result = set_aside.act(t.cast("t.Any", types.SimpleNamespace(params=params, check_mode=False)))
    assert result["remaining"] == ["busy"]
    assert ["busy" in note for note in result["notes"]] == [True]
    assert [entry["name"] for entry in store.load(old["run_id"])["scratch"]] == ["busy"]
