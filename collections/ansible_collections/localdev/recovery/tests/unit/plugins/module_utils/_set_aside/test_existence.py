# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._core.next_command import playbook_command
from ansible_collections.localdev.recovery.plugins.module_utils._docker.cli import CompletedCommand, Docker
from ansible_collections.localdev.recovery.plugins.module_utils._run.record import build_run_record
from ansible_collections.localdev.recovery.plugins.module_utils._run.retention import describe_missing_copy
from ansible_collections.localdev.recovery.plugins.module_utils._run.store import RunStore
from ansible_collections.localdev.recovery.plugins.module_utils._set_aside.existence import (
    check_kept_copies,
    find_existing,
    locate_in_kept_data,
)
from ansible_collections.localdev.recovery.tests.unit.failure_assertions import raises_failure


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


def build_run(run_id: str, *asides: dict[str, t.Any]) -> t.Any:
    record = build_run_record("restore", project="", user="", controller_host="", parameters={})
    return {**record, "run_id": run_id, "asides": list(asides)}


def describe_missing(run_id: str, entry: dict[str, t.Any]) -> t.Any:
    return {"run_id": run_id, **{key: entry[key] for key in ("kind", "name", "aside")}}


OLDER, NEWER = "20260131T100000Z-0000", "20260131T100001Z-0000"


@pytest.mark.parametrize(
    ("kinds", "gone", "refused"),
    [
        (["volume", "file"], ["volume"], True),
        (["database"], ["database"], True),
        (["folder", "file"], ["folder"], False),
        (["folder"], ["folder"], True),
        (["volume"], [], False),
    ],
)
def test_a_missing_copy_refuses_the_undo_unless_the_rest_can_be_put_back(
    kinds: list[str], gone: list[str], refused: bool
) -> None:
    asides = [build_entry(kind, f"{kind}.aside") for kind in kinds]
    run, other = build_run(NEWER, *asides), build_run(OLDER, build_entry("volume", "other"))
    missing = [describe_missing(NEWER, entry) for entry in asides if entry["kind"] in gone]
    if not refused:
        check_kept_copies(run, missing, [other, run])
        return
    with raises_failure(FailureId.KEPT_COPY_MISSING, f"{gone[0]}.aside", NEWER) as caught:
        check_kept_copies(run, missing, [other, run])
    assert [line[-1] for line in caught.value.details[1:]] == [playbook_command("undo", undo_run_id=OLDER)]


def test_a_database_in_kept_data_names_the_run_that_keeps_the_data() -> None:
    database = build_entry("database", "shop.aside")
    runs = [build_run(OLDER, database), build_run(NEWER, {**build_entry("volume", "kept_data"), "name": "shop_data"})]
    stack: t.Any = {"database": {"data_mounts": [{"source": "shop_data"}]}}
    [located] = locate_in_kept_data([describe_missing(OLDER, database)], runs, stack)
    assert (located["kept_by"], located["kept_in"]) == (NEWER, "volume kept_data")
    for value in ("shop.aside", OLDER, NEWER, "kept_data"):
        assert value in describe_missing_copy(located)
    with raises_failure(FailureId.KEPT_COPY_IN_KEPT_DATA, "shop.aside", OLDER, NEWER, "volume kept_data") as caught:
        check_kept_copies(runs[0], [located], runs)
    assert caught.value.next_command == playbook_command("undo", undo_run_id=NEWER)
    assert locate_in_kept_data([describe_missing(OLDER, database)], runs, t.cast("t.Any", {"database": None}))[
        0
    ] == describe_missing(OLDER, database)
