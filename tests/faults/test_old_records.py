# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Real records of the version before run records left the project folder: taken over, and undone.

Their runs were on stacks of the names and in the folders that the records name. A test makes such a stack, and puts the
old content where the record says that it is kept.
"""

from __future__ import annotations

import fcntl
import json
import shutil
import typing as t
from pathlib import Path

import pytest

from tests.faults.assertions import assert_old_data_is_back
from tests.harness.engine import docker
from tests.harness.fixtures import share_stack
from tests.harness.project import remove_objects
from tests.harness.reference_stack import ReferenceStack
from tests.harness.state_folders import remove_state

RECORDS = Path(__file__).parent / "records"
VARIANTS = {"named": "pg15", "bind": "pg15-uid70"}


def make_old_stack(mounts: str) -> t.Iterator[ReferenceStack]:
    name = f"ldt-records-{mounts}"
    # Of a test run that was killed.
    containers = docker("ps", "--all", "--quiet", "--filter", f"label=com.docker.compose.project={name}").split()
    volumes = docker("volume", "ls", "--quiet", "--filter", f"name={name}").split()
    remove_objects([*(f"container {item}" for item in containers), *(f"volume {item}" for item in volumes)])
    remove_state(name)
    shutil.rmtree(f"/tmp/{name}", ignore_errors=True)
    Path(f"/tmp/{name}").mkdir()
    yield from share_stack(mounts, VARIANTS[mounts], name=name, parent=Path(f"/tmp/{name}"))


@pytest.fixture(scope="module")
def names_in_use() -> t.Iterator[None]:
    """Let one process at a time use the names: pytest-xdist gives the tests of a module to several."""
    with Path("/tmp/ldt-records.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@pytest.fixture(scope="module")
def shared_old_named(names_in_use: None) -> t.Iterator[ReferenceStack]:
    yield from make_old_stack("named")


@pytest.fixture(scope="module")
def shared_old_bind(names_in_use: None) -> t.Iterator[ReferenceStack]:
    yield from make_old_stack("bind")


@pytest.fixture
def old_named(shared_old_named: ReferenceStack) -> ReferenceStack:
    shared_old_named.reset()
    return shared_old_named


def write_old_file(stack: ReferenceStack, name: str, content: bytes) -> None:
    """Write a file into the folder of the earlier version, as that version did."""
    path = stack.dir / ".localdev" / name
    for folder in (stack.dir / ".localdev", path.parent):
        folder.mkdir(mode=0o700, exist_ok=True)
    path.write_bytes(content)
    path.chmod(0o600)


def read_old_record(name: str) -> dict[str, t.Any]:
    """Return a record without the digest of the kept volume, whose content is not kept with the tests."""
    record: dict[str, t.Any] = json.loads((RECORDS / f"{name}.json").read_text())
    for entry in record["asides"]:
        entry.pop("digest", None)
    return record


def place_old_record(stack: ReferenceStack, record: dict[str, t.Any]) -> None:
    write_old_file(stack, ".gitignore", b"*\n")
    write_old_file(stack, f"runs/{record['run_id']}.json", json.dumps(record, indent=2).encode())


def assert_taken_over_and_undone(stack: ReferenceStack, record: dict[str, t.Any]) -> None:
    [taken] = [found for found in stack.run_records() if found["run_id"] == record["run_id"]]
    undo = stack.last_run("undo")
    assert (taken["format"], taken["undone_by"], undo["outcome"]) == (2, undo["run_id"], "succeeded")
    assert [entry["state"] for entry in taken["asides"]] == ["restored"]
    assert not (stack.dir / ".localdev").exists()


def change_rows(stack: ReferenceStack) -> None:
    stack.psql("DROP TABLE planted; CREATE TABLE newer AS SELECT 1 AS n")
    assert stack.fingerprint() != stack.old_data


@pytest.mark.fault("undo of a rebuild that an earlier version recorded, on named volumes", "P1 P2")
def test_an_old_rebuild_is_undone(old_named: ReferenceStack) -> None:
    record = read_old_record("full_rebuild_named")
    [entry] = record["asides"]
    assert entry["name"] == old_named.cluster_place
    old_named.stop()
    old_named._copy_cluster(entry["name"], entry["aside"])
    old_named.start()
    change_rows(old_named)
    place_old_record(old_named, record)
    # Lists and plans read it where it is.
    assert old_named.run_playbook("run_list").report("run_list").data["found"]["undo"]["run_id"] == record["run_id"]
    old_named.run_playbook("undo", "--check")
    assert (old_named.dir / ".localdev" / "runs" / f"{record['run_id']}.json").exists()
    old_named.run_playbook("undo")
    assert_old_data_is_back(old_named)
    assert_taken_over_and_undone(old_named, record)


@pytest.mark.soak(reason="named volumes here; unit tests take over records of bind mounts")
@pytest.mark.fault("undo of a rebuild that an earlier version recorded, on bind mounts", "P1 P2")
def test_an_old_rebuild_on_bind_mounts_is_undone(shared_old_bind: ReferenceStack) -> None:
    stack = shared_old_bind
    record = read_old_record("full_rebuild_bind")
    [entry] = record["asides"]
    assert entry["name"] == stack.cluster_place
    stack.stop()
    stack._copy_cluster(entry["name"], entry["aside"])
    stack.start()
    change_rows(stack)
    place_old_record(stack, record)
    stack.run_playbook("undo")
    assert_old_data_is_back(stack)
    assert_taken_over_and_undone(stack, record)


@pytest.mark.fault("undo of a restore that an earlier version recorded", "P1 P2")
def test_an_old_restore_is_undone(old_named: ReferenceStack) -> None:
    record = read_old_record("restore")
    [entry] = record["asides"]
    assert entry["container"] == f"{old_named.name}-db"
    docker("stop", "--time", "1", f"{old_named.name}-backend")
    for sql in (
        f'ALTER DATABASE "{entry["name"]}" RENAME TO "{entry["aside"]}"',
        f'CREATE DATABASE "{entry["name"]}"',
    ):
        old_named.psql(sql, database="template1")
    docker("start", f"{old_named.name}-backend")
    old_named.wait_until_up()
    assert old_named.fingerprint() != old_named.old_data
    place_old_record(old_named, record)
    old_named.run_playbook("undo")
    old_named.wait_until_up()
    displaced = old_named.last_run("undo")["asides"][0]["aside"]
    old_named.psql(f'DROP DATABASE "{displaced}" WITH (FORCE)', database="template1")
    assert_old_data_is_back(old_named)
    assert_taken_over_and_undone(old_named, record)


@pytest.mark.fault("undo of a change of the env file that an earlier version recorded", "P1 P2")
def test_an_old_env_file_is_back_to_the_byte(old_named: ReferenceStack) -> None:
    record = read_old_record("env_file")
    [entry] = record["asides"]
    env = old_named.dir / ".env"
    assert entry["name"] == str(env)
    before = env.read_bytes()
    write_old_file(old_named, entry["aside"].removeprefix(".localdev/"), before + b"# as it was\n")
    place_old_record(old_named, record)
    old_named.run_playbook("undo")
    assert env.read_bytes() == before + b"# as it was\n"
    assert f"{env.stat().st_mode & 0o777:o}" == entry["mode"]
    kept = old_named.state_folder / old_named.last_run("undo")["asides"][0]["aside"]
    assert kept.read_bytes() == before
    assert_taken_over_and_undone(old_named, record)
