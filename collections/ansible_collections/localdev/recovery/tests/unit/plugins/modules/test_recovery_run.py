# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import types
import typing as t
from pathlib import Path

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._core.next_command import playbook_command
from ansible_collections.localdev.recovery.plugins.module_utils._run import state_folder
from ansible_collections.localdev.recovery.plugins.module_utils._run.kept_names import derive_kept_name
from ansible_collections.localdev.recovery.plugins.module_utils._run.process import describe_process
from ansible_collections.localdev.recovery.plugins.module_utils._run.record import build_run_record
from ansible_collections.localdev.recovery.plugins.module_utils._run.store import RunStore
from ansible_collections.localdev.recovery.plugins.module_utils._set_aside import unrecorded
from ansible_collections.localdev.recovery.plugins.modules import recovery_run, recovery_run_info
from ansible_collections.localdev.recovery.tests.unit.failure_assertions import raises_failure


def stack(folder: Path) -> dict[str, t.Any]:
    services = {
        "db": {
            "containers": [{"state": "running"}],
            "kind": "database",
            "image": "postgres:16",
            "image_id": "sha256:1",
        },
        "api": {"containers": [{"state": "exited"}, {"state": "running"}], "image_id": None},
        "worker": {"containers": [{"state": "exited"}], "image_id": None},
        "n8n": {"containers": [], "image_id": None},
    }
    project = {"name": "shop", "dir": str(folder), "files": [], "env_files": [], "profiles": []}
    state = {"root": str(folder / "state"), "folder": str(folder / "state" / "shop"), "group": None}
    return {"project": project, "state": state, "services": services, "volumes": {}, "database": None}


def open_store(folder: Path) -> RunStore:
    return RunStore.from_stack(t.cast("t.Any", stack(folder)))


def build_entry(run_id: str, name: str = "data", kind: str = "volume", state: str = "live") -> dict[str, t.Any]:
    return {"kind": kind, "name": name, "aside": derive_kept_name(kind, name, run_id), "bytes": 5, "state": state}


@pytest.fixture(autouse=True)
def no_container(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pretend that the tests run in no container, where a folder in /tmp would be lost."""
    monkeypatch.setattr(state_folder, "runs_in_container", lambda: False)


@pytest.fixture(autouse=True)
def no_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unrecorded, "find_unrecorded_runs", lambda *_args: [])


def act(folder: Path, *, check_mode: bool = False, dead: bool = False, **params: t.Any) -> dict[str, t.Any]:
    process = {**describe_process(), **({"started": "long ago"} if dead else {})}
    defaults = {
        "run_id": "",
        "procedure": "full_rebuild",
        "parameters": {"seed": True},
        "undoes": "",
        "starts": [],
        "objects": [],
        "reserve_bytes": 0,
        "verifies": False,
        "error": "",
        "steps": [],
        "left_out": [],
        "failure": "",
        "controller": {"process": process, "user": "me", "host": "here"},
        "abandoned": "",
    }
    module = types.SimpleNamespace(params={**defaults, "stack": stack(folder), **params}, check_mode=check_mode)
    return recovery_run.act(t.cast("t.Any", module))


def look(folder: Path, **params: t.Any) -> dict[str, t.Any]:
    defaults = {
        "project_src": str(folder),
        "undo_run_id": "",
        "stack": stack(folder),
        "check_copies": False,
        "keep": 1,
        "older_than_days": 7.0,
        "cleanup_runs": [],
        "cleanup_all": False,
        "cleanup_also_newest": False,
    }
    return recovery_run_info.act(t.cast("t.Any", types.SimpleNamespace(params={**defaults, **params})))


def test_a_run_begins_and_ends(tmp_path: Path) -> None:
    begun = act(tmp_path, state="started")
    assert begun["running_before"] == ["api", "db"]
    assert (begun["notes"], begun["interrupted"]) == ([], [])
    with raises_failure(FailureId.LOCK_HELD, "full_rebuild", begun["run_id"]):
        act(tmp_path, state="started")
    ended = act(tmp_path, state="failed", run_id=begun["run_id"], error="the cause")
    record = ended["record"]
    assert (record["outcome"], record["error"], record["next"]) == ("failed", "the cause", None)
    assert record["finished"] >= record["started"]
    assert record["parameters"] == {"seed": True}
    act(tmp_path, state="started")


def test_check_mode_writes_nothing_and_is_refused_as_well(tmp_path: Path) -> None:
    assert act(tmp_path, state="started", check_mode=True)["changed"] is True
    assert list(tmp_path.iterdir()) == []
    act(tmp_path, state="started")
    with raises_failure(FailureId.LOCK_HELD):
        act(tmp_path, state="started", check_mode=True)


def test_a_run_that_could_not_ask_the_database_in_the_end_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there: set[str] = set()
    monkeypatch.setattr("importlib.util.find_spec", lambda name: name in there or None)
    with raises_failure(FailureId.DATABASE_DRIVER_MISSING, "psycopg2"):
        act(tmp_path, state="started", verifies=True)
    assert list(tmp_path.iterdir()) == []
    there.add("psycopg2")
    act(tmp_path, state="started", verifies=True)


def test_a_run_that_has_no_room_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    data = tmp_path / "stack" / "settings"
    data.parent.mkdir()
    data.write_text("x")
    objects = [{"kind": "file", "name": str(data)}]
    act(data.parent, state="started", check_mode=True, objects=objects)
    with raises_failure(FailureId.DISK_TOO_SMALL, data):
        act(data.parent, state="started", objects=objects, reserve_bytes=10**18)
    assert list(data.parent.iterdir()) == [data]


def test_a_run_needs_a_procedure(tmp_path: Path) -> None:
    with raises_failure(FailureId.OPTION_MISSING):
        act(tmp_path, state="started", procedure="")


def test_what_was_cut_short_is_named_and_its_services_are_what_ran_before(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    first = act(tmp_path, state="started", dead=True)["run_id"]
    record = store.load(first)
    record.update(running_before=["worker"], steps=[{"name": "stop"}])
    store.save(record)
    begun = act(tmp_path, state="started", procedure="undo", undoes="20260131T100000Z-1f2e")
    assert begun["interrupted"] == [first]
    assert begun["running_before"] == ["worker"]
    # One note names the lock that was taken over, one the copies that are put back.
    assert [first in note for note in begun["notes"]] == [True, True]
    # Finishing that run may be all that there is to undo.
    assert "undoes" not in store.load(begun["run_id"])


def test_what_an_undo_takes_back_is_written_down(tmp_path: Path) -> None:
    begun = act(tmp_path, state="started", procedure="undo", undoes="20260131T100000Z-1f2e")
    assert open_store(tmp_path).load(begun["run_id"])["undoes"] == "20260131T100000Z-1f2e"


def test_looking_at_a_stack_without_runs(tmp_path: Path) -> None:
    found = look(tmp_path)
    assert found["changed"] is False
    assert found["undo"] == {}
    assert found["undo_refused"]["failure"] == FailureId.RUN_NONE.id
    assert (found["runs"], found["interrupted"], found["deletable"], found["kept"]) == ([], [], [], [])
    assert list(tmp_path.iterdir()) == []


def test_looking_at_runs(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    ids = []
    for _dummy in range(2):
        run_id = act(tmp_path, state="started")["run_id"]
        record = act(tmp_path, state="succeeded", run_id=run_id)["record"]
        Path(store.path(run_id)).unlink()
        ids.append(f"2026010{len(ids) + 1}T000000Z-0000")
        store.save(
            {
                **record,
                "run_id": ids[-1],
                "started": "2026-01-01T00:00:00Z",
                "asides": [build_entry(ids[-1])],
            }
        )
    found = look(tmp_path)
    assert found["undo"]["run_id"] == ids[1]
    assert [e["run_id"] for e in found["deletable"]] == [ids[0]]
    assert [e["run_id"] for e in found["kept"]] == [ids[1]]
    assert look(tmp_path, undo_run_id=ids[0])["undo"]["run_id"] == ids[0]
    assert look(tmp_path, keep=2)["deletable"] == []


def test_what_a_cleanup_of_named_runs_would_do(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    begun = act(tmp_path, state="started")["run_id"]
    record = act(tmp_path, state="succeeded", run_id=begun)["record"]
    Path(store.path(begun)).unlink()
    older, newest, unfinished = (f"2026010{day}T000000Z-0000" for day in (1, 2, 3))
    for run_id in (older, newest, unfinished):
        outcome = "running" if run_id == unfinished else "succeeded"
        store.save({**record, "run_id": run_id, "outcome": outcome, "asides": [build_entry(run_id)]})

    def plan(*runs: str, **options: bool) -> dict[str, t.Any]:
        return look(tmp_path, cleanup_runs=list(runs), **options)

    assert [e["run_id"] for e in plan(older)["deletable"]] == [older]
    assert plan(older)["cleanup_refused"] == {}
    # The unfinished run keeps a newer copy of the object.
    assert [e["run_id"] for e in plan(newest)["deletable"]] == [newest]
    record = store.load(unfinished)
    record["asides"] = []
    store.save(record)
    found = plan(older, newest)
    assert [e["run_id"] for e in found["deletable"]] == [older]
    also = playbook_command("cleanup", cleanup_runs=[newest], cleanup_also_newest=True)
    assert (found["cleanup_refused"]["failure"], found["cleanup_also"]) == (FailureId.KEPT_COPY_NEWEST.id, also)
    assert also in found["cleanup_refused"]["hint"]
    found = plan(older, newest, cleanup_also_newest=True)
    assert [e["run_id"] for e in found["deletable"]] == [newest, older]
    assert (found["cleanup_refused"], found["cleanup_also"]) == ({}, None)
    assert plan(unfinished)["cleanup_unfinished"] == [unfinished]
    assert look(tmp_path, cleanup_all=True)["cleanup_unfinished"] == []


@pytest.mark.parametrize(
    ("run_id", "failure"),
    [
        ("20200101T000000Z-0000", FailureId.RUN_UNKNOWN),
        ("nonesuch", FailureId.RUN_UNKNOWN),
        ("20200102T000000Z-0000", FailureId.RUN_UNREADABLE),
    ],
)
def test_a_cleanup_refuses_a_run_that_it_cannot_find_or_read(tmp_path: Path, run_id: str, failure: FailureId) -> None:
    store = open_store(tmp_path)
    known = act(tmp_path, state="started")["run_id"]
    act(tmp_path, state="succeeded", run_id=known)
    Path(store.path("20200102T000000Z-0000")).write_text("{")
    found = look(tmp_path, cleanup_runs=[known, run_id], cleanup_also_newest=True)
    assert found["cleanup_refused"]["failure"] == failure.id
    assert run_id in found["cleanup_refused"]["message"]


def test_undo_does_not_go_on_to_an_older_run_when_the_newest_record_cannot_be_read(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    older = act(tmp_path, state="started")["run_id"]
    record = store.load(older)
    record["asides"] = [build_entry(older)]
    store.save(record)
    ended = act(tmp_path, state="succeeded", run_id=older)["record"]
    assert ended["next"] == playbook_command("undo", undo_run_id=older)
    newest = "29990101T000000Z-0000"
    Path(store.path(newest)).write_text("{")
    found = look(tmp_path, stack=stack(tmp_path) | {"services": {"db": {"containers": []}}})
    assert (found["undo"], found["to_start"]) == ({}, [])
    assert found["undo_refused"]["failure"] == FailureId.RUN_NEWEST_UNREADABLE.id
    assert newest in found["undo_refused"]["message"]
    assert found["undo_refused"]["details"][1][-1] == playbook_command("undo", undo_run_id=older)
    assert look(tmp_path, undo_run_id=older)["undo"]["run_id"] == older
    # A record that is older hides nothing.
    Path(store.path(newest)).rename(store.path("20000101T000000Z-0000"))
    assert look(tmp_path)["undo"]["run_id"] == older


@pytest.mark.parametrize("run_id", ["20200101T000000Z-0000", "nonesuch", "../../etc/passwd"])
def test_a_run_that_does_not_exist_is_refused_with_those_that_can_be_undone(tmp_path: Path, run_id: str) -> None:
    store = open_store(tmp_path)
    kept, empty = (act(tmp_path, state="started", dead=True)["run_id"] for _number in range(2))
    for known, asides in ((kept, [build_entry(kept)]), (empty, [])):
        record = store.load(known)
        record.update(asides=t.cast("t.Any", asides), outcome="succeeded")
        store.save(record)
    Path(store.path("20190101T000000Z-0000")).write_text("{")
    found = look(tmp_path, undo_run_id=run_id)
    refused = found["undo_refused"]
    assert (found["undo"], refused["failure"]) == ({}, FailureId.RUN_UNKNOWN.id)
    assert repr(run_id) in refused["message"]
    assert refused["next"] == playbook_command("run_list")
    [undoable] = [line[-1] for line in refused["details"] if isinstance(line, list)]
    assert undoable == playbook_command("undo", undo_run_id=kept)
    assert store.path("20190101T000000Z-0000") in str(refused["details"])
    # A record that cannot be read is not unknown.
    unreadable = look(tmp_path, undo_run_id="20190101T000000Z-0000")["undo_refused"]
    assert (unreadable["failure"], unreadable["next"]) == ("run.unreadable", playbook_command("run_list"))


@pytest.mark.parametrize("failed", [False, True], ids=["finished", "itself undone"])
def test_an_interrupted_undo_is_what_undoing_its_run_again_settles(tmp_path: Path, failed: bool) -> None:
    store = open_store(tmp_path)
    ids = []
    for procedure in ("full_rebuild", "backup", "undo"):
        ids.append(act(tmp_path, state="started", procedure=procedure, dead=True)["run_id"])
        if procedure != "undo":
            act(tmp_path, state="succeeded", run_id=ids[-1])
    rebuilt, _backup, undo = ids
    old, interrupted = store.load(rebuilt), store.load(undo)
    old.update(asides=[build_entry(rebuilt, state="restored")], undone_by=undo, running_before=["api", "worker"])
    own = [{**build_entry(undo), "state": "restoring", "restored_by": undo}] if failed else []
    interrupted.update(undoes=rebuilt, steps=[{"name": "start"}], running_before=[], asides=own)
    for record in (old, interrupted):
        store.save(record)
    settled = [undo] if failed else [undo, rebuilt]
    assert look(tmp_path, undo_run_id=rebuilt)["settled"] == settled
    for check_mode in (True, False):
        begun = act(tmp_path, state="started", procedure="undo", check_mode=check_mode)
        assert (begun["interrupted"], begun["settled"]) == ([undo], settled)
        # The services that the undo would have started, though none of them ran when it began.
        assert begun["running_before"] == ([] if failed else ["api", "worker"])


@pytest.mark.parametrize(
    ("procedure", "kinds", "step", "creates"),
    [
        ("backup", [], "dump", False),
        ("code_injection", ["container_file"], "inject", False),
        ("env_file", ["file"], "start", True),
        ("backup", [], "put back", True),
    ],
    ids=["keeps nothing", "files in a container", "settings of containers", "killed while it settled another run"],
)
def test_containers_are_made_anew_only_for_what_an_interrupted_run_changed(
    tmp_path: Path, procedure: str, kinds: list[str], step: str, creates: bool
) -> None:
    store = open_store(tmp_path)
    record = store.load(act(tmp_path, state="started", procedure=procedure, dead=True)["run_id"])
    record["asides"] = [build_entry(record["run_id"], "a", kind) for kind in kinds]
    record["steps"] = [{"name": step}]
    store.save(record)
    assert act(tmp_path, state="started", procedure="backup")["creates"] is creates


RUN, UNDO = "20260131T100000Z-1f2e", "20260131T110000Z-3a4b"


def leave_undo_unfinished(store: RunStore, *, lost: str) -> None:
    """Save the records of a run and of an undo of it that was killed while it put something back."""
    run, undo = (
        {
            **build_run_record(name, project="shop", user="me", controller_host="here", parameters={}),
            "run_id": run_id,
            "running_before": ["api"],
        }
        for name, run_id in (("full_rebuild", RUN), ("undo", UNDO))
    )
    entry = build_entry(RUN, state="restoring")
    run.update(outcome="succeeded", asides=[{**entry, "restored_by": UNDO}])
    undo.update(undoes=RUN, steps=[{"name": "put back"}], asides=[build_entry(UNDO)])
    for record in (run, undo):
        if record["run_id"] != lost:
            store.save(t.cast("t.Any", record))


@pytest.mark.parametrize("content", ["{", None], ids=["unreadable", "missing"])
@pytest.mark.parametrize(("lost", "left"), [(RUN, UNDO), (UNDO, RUN)], ids=["of the run", "of the undo"])
@pytest.mark.parametrize("procedure", ["backup", "cleanup", "full_rebuild", "undo"])
def test_no_run_begins_while_an_undo_cannot_be_finished(
    tmp_path: Path, lost: str, left: str, content: str | None, procedure: str
) -> None:
    store = open_store(tmp_path)
    leave_undo_unfinished(store, lost=lost)
    if content is not None:
        Path(store.path(lost)).write_text(content)
    # Unrelated, and only named.
    unrelated = "20260101T000000Z-0000"
    Path(store.path(unrelated)).write_text("{")
    before = sorted(str(path) for path in tmp_path.rglob("*"))
    for check_mode in (True, False):
        with raises_failure(FailureId.RUN_NOT_SETTLED, store.path(lost), store.path(left), left) as refused:
            act(tmp_path, state="started", procedure=procedure, undoes=RUN, check_mode=check_mode)
        assert unrelated not in str(refused.value)
        assert store.path(left) in str(refused.value.hint)
        assert refused.value.next_command == playbook_command("run_explain", run_explain_id=left)
    assert sorted(str(path) for path in tmp_path.rglob("*")) == before
    # Modules that only look report it.
    found = look(tmp_path)
    [unsettled] = found["unsettled"]
    assert (unsettled["run_id"], unsettled["path"]) == (left, store.path(left))
    assert (found["interrupted"], found["undo"]) == ([], {})
    assert found["undo_refused"]["failure"] == FailureId.RUN_NOT_SETTLED.id
    assert look(tmp_path, undo_run_id=left)["undo_refused"]["failure"] == FailureId.RUN_NOT_SETTLED.id
    assert look(tmp_path, undo_run_id="20260202T000000Z-0000")["undo_refused"]["failure"] == FailureId.RUN_UNKNOWN.id
    # The advice works.
    Path(store.path(left)).rename(tmp_path / "away.json")
    begun = act(tmp_path, state="started", procedure=procedure)
    assert any(store.path(unrelated) in note for note in begun["notes"])


def test_an_undo_is_finished_once_its_record_can_be_read_again(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    leave_undo_unfinished(store, lost="")
    away = tmp_path / "away.json"
    Path(store.path(RUN)).rename(away)
    with raises_failure(FailureId.RUN_NOT_SETTLED, store.path(RUN)):
        act(tmp_path, state="started")
    away.rename(store.path(RUN))
    assert act(tmp_path, state="started")["settled"] == [UNDO, RUN]


def test_a_run_at_work_is_settled(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    undo = store.load(act(tmp_path, state="started", procedure="undo")["run_id"])
    undo.update(undoes=RUN, steps=t.cast("t.Any", [{"name": "put back"}]))
    store.save(undo)
    found = look(tmp_path)
    assert (found["unsettled"], found["locked"]["failure"]) == ([], FailureId.LOCK_HELD.id)


def test_an_undo_is_refused_if_the_kept_copy_that_it_needs_is_gone(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    run_id = act(tmp_path, state="started")["run_id"]
    act(tmp_path, state="succeeded", run_id=run_id)
    record = store.load(run_id)
    entry = build_entry(run_id, str(tmp_path / "data"), "folder")
    kept = Path(entry["aside"])
    record["asides"] = [t.cast("t.Any", entry)]
    store.save(record)
    kept.mkdir()
    assert look(tmp_path, check_copies=True)["undo"]["run_id"] == run_id
    kept.rmdir()
    for named in ("", run_id):
        found = look(tmp_path, check_copies=True, undo_run_id=named)
        assert (found["undo"], found["to_start"]) == ({}, [])
        assert found["undo_refused"]["failure"] == FailureId.KEPT_COPY_MISSING.id
        assert str(kept) in found["undo_refused"]["message"]
