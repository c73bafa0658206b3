# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import re
import typing as t
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils._run import record as run_record
from ansible_collections.localdev.recovery.plugins.module_utils._run.lock import RunLock
from ansible_collections.localdev.recovery.plugins.module_utils._run.process import describe_process
from ansible_collections.localdev.recovery.plugins.module_utils._run.record import (
    RUN_ID_PATTERN,
    RunRecord,
    RunStore,
    SetAsideEntry,
    build_kept_name,
    generate_run_id,
)

RUN_ID = "20260131T100000Z-1f2e"
MakeRecord = t.Callable[..., RunRecord]


def build_entry(state: str) -> SetAsideEntry:
    return {"kind": "volume", "name": "data", "aside": "data.aside", "state": state, "bytes": 1}


@given(st.lists(st.datetimes(), min_size=2, max_size=2, unique_by=lambda d: d.replace(microsecond=0)))
def test_run_ids_sort_by_time(moments: list[t.Any]) -> None:
    moments = [
        moment.replace(year=2000 + moment.year % 400, tzinfo=run_record.datetime.timezone.utc) for moment in moments
    ]

    class At(run_record.datetime.datetime):
        moment: t.Any

        @classmethod
        def now(cls, tz: t.Any = None) -> t.Any:
            return cls.moment

    ids = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run_record.datetime, "datetime", At)
        for At.moment in moments:
            ids.append(generate_run_id())
    assert all(RUN_ID_PATTERN.fullmatch(run_id) for run_id in ids)
    whole = [moment.replace(microsecond=0) for moment in moments]
    assert (ids[0] < ids[1]) == (whole[0] < whole[1]) or whole[0] == whole[1]


names = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0/"), min_size=1, max_size=90)


@given(name=names)
def test_a_kept_name_holds_the_run_id_and_fits(name: str) -> None:
    assert build_kept_name(name, RUN_ID) == f"{name}.aside-{RUN_ID}"
    made = build_kept_name(name, RUN_ID, 63)
    assert made.endswith(f".aside-{RUN_ID}")
    assert len(made.encode()) <= 63
    if len(name.encode()) <= 63 - len(f".aside-{RUN_ID}"):
        assert made == build_kept_name(name, RUN_ID)


@given(names=st.lists(names, min_size=2, max_size=2, unique=True), start=st.sampled_from(["", "x" * 40, "ü" * 20]))
def test_two_names_have_two_kept_names(names: list[str], start: str) -> None:
    one, other = (build_kept_name(start + name, RUN_ID, 63) for name in names)
    assert one != other


@pytest.mark.parametrize("run_id", ["", "x", "../../etc/passwd", RUN_ID + "0", "20260131T100000Z-1F2E"])
def test_only_a_run_id_names_a_record(store: RunStore, run_id: str) -> None:
    with pytest.raises(RecoveryError, match="is not a run id"):
        store.load(run_id)


def test_records_come_back_oldest_first_and_strange_files_are_left_alone(
    store: RunStore, lock: RunLock, make_record: MakeRecord, tmp_path: Path
) -> None:
    assert store.load_all() == []
    ids = ["20260131T100000Z-1f2e", "20251231T235959Z-ffff", "20260131T100001Z-0000"]
    lock.start(make_record(run_id=ids[0]), describe_process())
    for run_id in ids[1:]:
        store.save(make_record(run_id=run_id))
    (tmp_path / ".localdev/runs/notes.json").write_text("mine")
    (tmp_path / f".localdev/runs/{RUN_ID}.json.1234.tmp").write_text("half")
    assert [r["run_id"] for r in store.load_all()] == sorted(ids)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{", "Expecting property name"),
        ("[]", "not a JSON object"),
        ("\xff", "can't decode byte 0xff"),
        ({"format": 99}, "format 99 is unknown"),
        ({"format": None}, "format None is unknown"),
        ({"run_id": "20260131T100000Z-0000"}, "record of run '20260131T100000Z-0000'"),
        ({"asides": None}, "asides are malformed"),
        ({"asides": [{"kind": "volume"}]}, "asides are malformed"),
        ({"asides": [build_entry("live") | {"kind": "tape"}]}, "keeps a tape"),
        ({"asides": [build_entry("lost")]}, "state 'lost' of data.aside is unknown"),
        ({"scratch": "x"}, "scratch are malformed"),
        ({"running_before": None}, "running_before is None"),
    ],
)
def test_a_malformed_record_is_named_and_left_out(
    store: RunStore, lock: RunLock, make_record: MakeRecord, text: t.Any, problem: str
) -> None:
    other = "20260131T110000Z-0000"
    lock.start(make_record(run_id=RUN_ID, steps=[{"name": "stop"}]), describe_process())
    store.save(make_record(run_id=other))
    path = Path(store.path(RUN_ID))
    content = text if isinstance(text, str) else json.dumps(make_record(run_id=RUN_ID) | text)
    path.write_text(content, encoding="latin-1")
    records, [bad] = store.read_all()
    assert [record["run_id"] for record in records] == [record["run_id"] for record in store.load_all()] == [other]
    assert (bad.run_id, bad.path) == (RUN_ID, str(path))
    assert problem in bad.problem
    assert str(path) in bad.describe()
    assert lock.find_interrupted() == []
    # Named explicitly, it is an error.
    with pytest.raises(RecoveryError, match=re.escape(f"{path} cannot be read")):
        store.load(RUN_ID)
    with pytest.raises(RecoveryError, match="There is no run 20260131T100000Z-0000"):
        store.load("20260131T100000Z-0000")
