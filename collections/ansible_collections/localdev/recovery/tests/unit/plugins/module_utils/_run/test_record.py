# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import os
import re
import stat
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.localdev.recovery.plugins.module_utils._core.clock import seconds_since, utc_now
from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils._core.files import write_file_atomically
from ansible_collections.localdev.recovery.plugins.module_utils._core.text import format_duration, format_size
from ansible_collections.localdev.recovery.plugins.module_utils._run import lock as run_lock
from ansible_collections.localdev.recovery.plugins.module_utils._run import record as run_record
from ansible_collections.localdev.recovery.plugins.module_utils._run.active import ActiveRun
from ansible_collections.localdev.recovery.plugins.module_utils._run.lock import evaluate_lock
from ansible_collections.localdev.recovery.plugins.module_utils._run.process import (
    describe_process,
    has_rebooted_since,
    is_process_alive,
    read_process_start,
)
from ansible_collections.localdev.recovery.plugins.module_utils._run.record import (
    RUN_ID_PATTERN,
    RunRecord,
    RunStore,
    build_kept_name,
    build_run_record,
    generate_run_id,
)

RUN_ID = "20260131T100000Z-1f2e"


def record(procedure: str = "full_rebuild", run_id: str = "", **more: t.Any) -> RunRecord:
    made = build_run_record(procedure, project="shop", user="me", controller_host="here", parameters={})
    return {**made, "run_id": run_id or made["run_id"], **more}


def aside(state: str) -> dict[str, t.Any]:
    return {"kind": "volume", "name": "data", "aside": "data.aside", "state": state, "bytes": 1}


@pytest.fixture
def store(tmp_path: Path) -> RunStore:
    return RunStore(str(tmp_path))


# --- names and words -------------------------------------------------------------------------------------------


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
def test_an_aside_name_keeps_the_run_id_and_fits(name: str) -> None:
    assert build_kept_name(name, RUN_ID) == f"{name}.aside-{RUN_ID}"
    made = build_kept_name(name, RUN_ID, 63)
    assert made.endswith(f".aside-{RUN_ID}")
    assert len(made.encode()) <= 63
    if len(name.encode()) <= 63 - len(f".aside-{RUN_ID}"):
        assert made == build_kept_name(name, RUN_ID)


@given(names=st.lists(names, min_size=2, max_size=2, unique=True), start=st.sampled_from(["", "x" * 40, "ü" * 20]))
def test_two_names_have_two_aside_names(names: list[str], start: str) -> None:
    one, other = (build_kept_name(start + name, RUN_ID, 63) for name in names)
    assert one != other


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(-3, "0 s"), (42, "42 s"), (60, "1 min"), (420, "7 min"), (3600, "1 h"), (90000, "25 h"), (172800, "2 days")],
)
def test_durations_in_words(seconds: float, words: str) -> None:
    assert format_duration(seconds) == words


@pytest.mark.parametrize(
    ("count", "words"),
    [(0, "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (4404019, "4.2 MiB"), (3 * 2**30, "3.0 GiB"), (2**41, "2.0 TiB")],
)
def test_sizes_in_words(count: int, words: str) -> None:
    assert format_size(count) == words


def test_age_of_a_stamp() -> None:
    assert seconds_since("1970-01-02T00:00:00Z", now=86400.0) == 0
    assert 0 <= seconds_since(utc_now()) < 5


# --- whose lock ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("worker", "controller", "silent_s", "held", "why"),
    [
        (True, True, 0, True, "at work"),
        (True, False, 9e9, True, "at work"),
        (True, None, 9e9, True, "at work"),
        (False, True, 9e9, True, "controller is running"),
        (None, True, 9e9, True, "controller is running"),
        (False, False, 0, False, "controller is gone"),
        (None, False, 0, False, "controller is gone"),
        (False, None, 599, True, "10 min ago"),
        (False, None, 601, False, "no sign of life for 10 min"),
        (None, None, 30, True, "30 s ago"),
        (None, None, 7200, False, "no sign of life for 2 h"),
    ],
)
def test_whether_a_lock_counts(
    worker: bool | None, controller: bool | None, silent_s: float, held: bool, why: str
) -> None:
    verdict = evaluate_lock({}, worker_lives=worker, controller_lives=controller, silent_s=silent_s)
    assert (verdict[0], why in verdict[1]) == (held, True), verdict[1]


def test_a_process_is_told_from_its_successor_and_from_one_elsewhere() -> None:
    me = describe_process()
    assert is_process_alive(me) is True
    assert is_process_alive({**me, "started": "another time"}) is False
    assert is_process_alive({**me, "machine": "elsewhere"}) is None
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    assert is_process_alive({**me, "pid": ended.pid}) is False


@pytest.mark.parametrize(
    ("then", "rebooted"),
    [
        pytest.param("desk+1/boot-a/1", True, id="another boot of this machine"),
        pytest.param("desk+1/boot-b/2", False, id="another container on this boot"),
        pytest.param("lap+2/boot-a/1", False, id="another machine"),
        pytest.param("elsewhere", False, id="unknown"),
    ],
)
def test_processes_from_before_a_reboot_are_gone(then: str, rebooted: bool) -> None:
    assert has_rebooted_since(then, "desk+1/boot-b/1") is rebooted


def test_a_zombie_is_dead() -> None:
    child = subprocess.Popen(["true"])
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert read_process_start(child.pid) is None
    child.wait()


# --- files -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fails", ["fsync", "replace", "fdopen"])
def test_a_write_that_fails_leaves_the_old_content_and_no_leftover(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fails: str
) -> None:
    path = tmp_path / "record.json"
    path.write_text("old")

    def crash(*_args: t.Any, **_options: t.Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(run_record.os, fails, crash)
        with pytest.raises(KeyboardInterrupt):
            write_file_atomically(str(path), "new")
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["record.json"]
    write_file_atomically(str(path), "new")
    assert path.read_text() == "new"


def test_what_is_written_is_for_the_owner_alone(store: RunStore, tmp_path: Path) -> None:
    os.umask(os.umask(0o022))
    store.start(record(run_id=RUN_ID), describe_process())
    modes = {p.name: stat.S_IMODE(p.stat().st_mode) for p in (tmp_path / ".localdev").rglob("*")}
    assert modes.pop("runs") == 0o700
    assert modes.pop("lock.guard") & 0o022 == 0
    assert set(modes.values()) == {0o600}
    assert stat.S_IMODE((tmp_path / ".localdev").stat().st_mode) == 0o700
    assert (tmp_path / ".localdev" / ".gitignore").read_text() == "*\n"


@pytest.mark.parametrize("run_id", ["", "x", "../../etc/passwd", RUN_ID + "0", "20260131T100000Z-1F2E"])
def test_only_a_run_id_names_a_record(store: RunStore, run_id: str) -> None:
    with pytest.raises(RecoveryError, match="is not a run id"):
        store.load(run_id)


def test_records_come_back_oldest_first_and_strange_files_are_left_alone(store: RunStore, tmp_path: Path) -> None:
    assert store.all() == []
    ids = ["20260131T100000Z-1f2e", "20251231T235959Z-ffff", "20260131T100001Z-0000"]
    store.start(record(run_id=ids[0]), describe_process())
    for run_id in ids[1:]:
        store.save(record(run_id=run_id))
    (tmp_path / ".localdev/runs/notes.json").write_text("mine")
    (tmp_path / f".localdev/runs/{RUN_ID}.json.1234.tmp").write_text("half")
    assert [r["run_id"] for r in store.all()] == sorted(ids)


def test_a_damaged_record_is_named(store: RunStore, tmp_path: Path) -> None:
    store.start(record(run_id=RUN_ID), describe_process())
    path = tmp_path / ".localdev/runs" / f"{RUN_ID}.json"
    path.write_text("{")
    with pytest.raises(RecoveryError, match=re.escape(str(path))):
        store.all()
    with pytest.raises(RecoveryError, match="There is no run 20260131T100000Z-0000"):
        store.load("20260131T100000Z-0000")


# --- the lock --------------------------------------------------------------------------------------------------


def test_a_second_run_is_refused_and_told_who_holds_the_lock_since_when(store: RunStore) -> None:
    store.refuse_if_locked()
    store.start(record("restore", RUN_ID, started="2026-01-31T10:00:00Z"), describe_process())
    with pytest.raises(RecoveryError) as caught:
        store.start(record(), describe_process())
    assert caught.value.kind == "locked"
    for word in ("restore", RUN_ID, "me from here", "since 2026-01-31T10:00:00Z"):
        assert word in str(caught.value)
    assert [r["run_id"] for r in store.all()] == [RUN_ID]
    store.release(RUN_ID)
    assert store.start(record(), describe_process()) == []


def test_the_lock_of_a_dead_controller_is_taken_over_with_a_note(store: RunStore) -> None:
    store.start(record("restore", RUN_ID), {**describe_process(), "started": "long ago"})
    notes = store.start(record(run_id="20260131T110000Z-0000"), describe_process())
    assert len(notes) == 1
    assert re.search(rf"Took over the lock of restore \(run {RUN_ID}\).*its controller is gone", notes[0])
    with pytest.raises(RecoveryError, match=r"no longer holds the lock.*20260131T110000Z-0000") as caught:
        store.touch(RUN_ID, working=True)
    assert caught.value.kind == "locked"
    # Neither may the old run release the new one's.
    store.release(RUN_ID)
    store.touch("20260131T110000Z-0000", working=True)


def test_a_controller_elsewhere_counts_until_its_own_machine_says_that_it_is_gone(store: RunStore) -> None:
    elsewhere = {**describe_process(), "machine": "elsewhere"}
    store.start(record("restore", RUN_ID), elsewhere)
    with pytest.raises(RecoveryError, match="its last sign of life was") as caught:
        RunStore(store.src, abandoned="20260131T110000Z-0000").refuse_if_locked()
    assert caught.value.holder == {"run_id": RUN_ID, "controller": elsewhere}
    told = RunStore(store.src, abandoned=RUN_ID)
    with ActiveRun(store, RUN_ID, "a step"), pytest.raises(RecoveryError, match="it is at work"):
        told.refuse_if_locked()
    assert "its controller is gone" in told.start(record(run_id="20260131T110000Z-0000"), elsewhere)[0]


def test_a_working_module_keeps_the_lock_of_a_dead_controller(store: RunStore) -> None:
    store.start(record(run_id=RUN_ID), {**describe_process(), "started": "long ago"})
    with ActiveRun(store, RUN_ID, "a step"), pytest.raises(RecoveryError, match="it is at work"):
        store.refuse_if_locked()
    store.refuse_if_locked()


def test_one_of_many_takes_the_lock(tmp_path: Path) -> None:
    program = (
        "import sys; sys.path[:0] = sys.argv[2:]\n"
        "from ansible_collections.localdev.recovery.plugins.module_utils._run import record as runs\n"
        "store = runs.Runs(sys.argv[1])\n"
        "r = runs.new_record('p', project='', user='u', controller_host='h', parameters={})\n"
        "try: store.start(r, runs.this_process(1) if runs.os.getpid() != 1 else {}); print('got')\n"
        "except runs.RecoveryError as exc: print(exc.kind)\n"
    )
    paths = [path for path in sys.path if path]
    started = [
        subprocess.Popen([sys.executable, "-c", program, str(tmp_path), *paths], stdout=subprocess.PIPE, text=True)
        for _dummy in range(4)
    ]
    answers = sorted(process.communicate()[0].strip() for process in started)
    assert answers == ["got", "locked", "locked", "locked"]


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / ".localdev").write_text("in the way")
    with pytest.raises(RecoveryError, match=r"Cannot write the run record folder .*\.localdev") as caught:
        RunStore(str(tmp_path)).start(record(), describe_process())
    assert caught.value.next_command


# --- a module's part in a run ----------------------------------------------------------------------------------


def test_steps_are_written_down_before_and_after(store: RunStore) -> None:
    store.start(record(run_id=RUN_ID), describe_process())
    with ActiveRun(store, RUN_ID, "first"):
        assert store.load(RUN_ID)["steps"][0]["outcome"] == "running"
    with pytest.raises(RecoveryError), ActiveRun(store, RUN_ID, "second"):
        raise RecoveryError("no")
    with ActiveRun(store, RUN_ID):
        pass
    steps = store.load(RUN_ID)["steps"]
    assert [(s["name"], s["outcome"]) for s in steps] == [("first", "ok"), ("second", "failed")]
    assert all(s["seconds"] >= 0 for s in steps)


def test_new_content_changes_what_is_kept_alone(store: RunStore) -> None:
    store.start(record(run_id=RUN_ID, asides=[aside("kept"), aside("planned"), aside("restored")]), describe_process())
    with ActiveRun(store, RUN_ID) as run:
        run.new_content_from_here()
    assert [a["state"] for a in store.load(RUN_ID)["asides"]] == ["live", "planned", "restored"]


def test_a_run_that_works_gives_signs_of_life(store: RunStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_lock, "HEARTBEAT_INTERVAL_S", 0.01)
    store.start(record(run_id=RUN_ID), describe_process())
    path = Path(store.lock_path)
    with ActiveRun(store, RUN_ID) as run:
        lock = json.loads(path.read_text())
        path.write_text(json.dumps({**lock, "heartbeat": "2020-01-01T00:00:00Z"}))
        deadline = run_record.time.monotonic() + 5
        while json.loads(path.read_text())["heartbeat"].startswith("2020"):
            assert run_record.time.monotonic() < deadline
    run._beat.join(5)
    assert not run._beat.is_alive()


# --- the past --------------------------------------------------------------------------------------------------

STEP = {"name": "stop", "started": "2026-01-31T10:00:00Z", "seconds": 1, "outcome": "ok"}


@pytest.mark.parametrize(
    ("more", "found"),
    [
        ({"steps": [STEP]}, True),
        ({"asides": [aside("planned")]}, True),
        ({}, False),
        ({"steps": [STEP], "outcome": "succeeded"}, False),
        ({"steps": [STEP], "outcome": "interrupted"}, False),
        ({"steps": [STEP], "procedure": "cleanup"}, False),
    ],
    ids=["with steps", "without steps, with asides", "has done nothing", "over", "put back", "cleanup"],
)
def test_runs_that_were_cut_short(store: RunStore, more: dict[str, t.Any], found: bool) -> None:
    store.start(record(run_id="20260131T120000Z-0000", steps=[STEP]), describe_process())
    store.save(record(run_id=RUN_ID) | more)
    assert [r["run_id"] for r in store.interrupted()] == ([RUN_ID] if found else [])
    assert store.interrupted(but=RUN_ID) == []


@pytest.mark.parametrize("state", ["kept", "live", "restoring"])
def test_the_newest_run_that_left_something_is_the_one_to_undo(store: RunStore, state: str) -> None:
    for number, more in enumerate(
        [
            {"asides": [aside("live")]},
            {"asides": [aside(state)]},
            {"asides": [aside("restored")]},
            {"asides": [aside("live")], "undone_by": RUN_ID},
            {"asides": [aside("live")], "procedure": "undo"},
            {},
        ]
    ):
        made = record(run_id=f"20260131T10000{number}Z-0000") | more
        store.save(made) if number else store.start(made, describe_process())
    assert store.undoable()["run_id"] == "20260131T100001Z-0000"
    # By its name an undo can be undone too.
    assert store.undoable("20260131T100004Z-0000")["procedure"] == "undo"
    with pytest.raises(RecoveryError, match=f"left nothing to put back.*undone by {RUN_ID}"):
        store.undoable("20260131T100003Z-0000")


def test_nothing_to_undo(store: RunStore) -> None:
    with pytest.raises(RecoveryError, match="left anything to put back"):
        store.undoable()
