# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Check that run records outlive the project folder, leave it clean, and are shared by the users of the engine."""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import shutil
import stat
import subprocess
import tarfile
import typing as t
from pathlib import Path

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId, FailureKind
from ansible_collections.localdev.recovery.plugins.module_utils._core.next_command import playbook_command
from tests.faults.assertions import assert_clear_error, assert_old_data_is_back
from tests.harness.checkout import ROOT
from tests.harness.engine import docker, run_command
from tests.harness.playbook_run import PlaybookResult
from tests.harness.reference_stack import ReferenceStack
from tests.harness.state_folders import STATE_ROOT, remove_state

ENGINE_SOCKET = Path("/var/run/docker.sock")


def rebuild(stack: ReferenceStack) -> str:
    """Replace the old data by new data, and return the run."""
    stack.run_playbook("full_rebuild", full_rebuild_seed=False)
    assert stack.fingerprint() != stack.old_data
    return str(stack.last_run()["run_id"])


# --- the project folder ----------------------------------------------------------------------------------------------


@contextlib.contextmanager
def moved_to(stack: ReferenceStack, name: str) -> t.Iterator[Path]:
    """Move the project folder away and use a clone of it in another folder, until the block ends. Yield the clone."""
    original, clone, away = stack.dir, stack.parent / name, stack.parent / "deleted"
    original.rename(away)
    shutil.copytree(away, clone, symlinks=True)
    stack.dir = clone
    try:
        yield clone
    finally:
        stack.dir = original
        shutil.rmtree(clone)
        away.rename(original)
        docker("rm", "--force", "--volumes", *stack.containers(), check=False)
        stack.up()


@pytest.mark.fault("git clean -fdx in the project after a rebuild", "P1 P2")
def test_undo_after_git_clean(named: ReferenceStack) -> None:
    def git(*arguments: str) -> str:
        author = ("-c", "user.name=me", "-c", "user.email=me@example.com")
        return run_command("git", *author, *arguments, cwd=named.dir).stdout

    git("init", "--quiet")
    try:
        # With the env file, without which Compose could not read the project.
        git("add", "--all", "--force")
        git("commit", "--quiet", "--message", "project")
        rebuild(named)
        untracked = named.dir / "untracked"
        untracked.touch()
        git("clean", "-fdx")
        assert not untracked.exists()
        named.run_playbook("undo")
        assert_old_data_is_back(named)
    finally:
        shutil.rmtree(named.dir / ".git")


@pytest.mark.fault("project deleted after a rebuild, undone from a fresh clone in another folder", "P1 P2")
def test_undo_from_a_clone_of_a_deleted_project(named: ReferenceStack) -> None:
    run_id, deleted = rebuild(named), named.dir
    with moved_to(named, "clone") as clone:
        env = clone / ".env"
        same_name = env.read_text()
        # By its own name the clone is another stack, which knows nothing of the run.
        env.write_text(same_name.replace(named.name, "ldt-another"))
        failure = assert_clear_error(
            named.try_playbook("undo", stack_dir=str(clone)), FailureId.RUN_NONE, named.name, str(deleted), run_id
        )
        assert f"COMPOSE_PROJECT_NAME={named.name}" in failure["msg"]
        assert not (STATE_ROOT / "ldt-another").exists()
        env.write_text(same_name)
        named.run_playbook("undo", stack_dir=str(clone))
        named.wait_until_up()
        assert named.fingerprint() == named.old_data


@pytest.mark.fault("files undone from another clone of a project that exists, then after it is gone", "P1 P9")
def test_files_are_not_put_back_into_another_clone(named: ReferenceStack) -> None:
    env = named.dir / ".env"
    before = env.read_text()
    env.write_text(re.sub("(?m)^SECRET_KEY=.*$", "SECRET_KEY=", before))
    emptied = env.read_text()
    named.run_playbook("env_file")
    run_id = named.last_run("env_file")["run_id"]
    clone = named.parent / "clone"
    shutil.copytree(named.dir, clone, symlinks=True)
    try:
        cloned = (clone / ".env").read_text()
        refused = named.try_playbook("undo", stack_dir=str(clone))
        assert_clear_error(refused, FailureId.RUN_OTHER_FOLDER, run_id, str(named.dir), str(clone))
        assert (clone / ".env").read_text() == cloned
        named.dir.rename(named.parent / "deleted")
        try:
            named.run_playbook("undo", stack_dir=str(clone))
            assert (clone / ".env").read_text() == emptied
        finally:
            (named.parent / "deleted").rename(named.dir)
    finally:
        shutil.rmtree(clone)
        env.write_text(before)


@pytest.mark.fault("env file deleted, so that Compose cannot read the project", "P1 P2")
def test_undo_finds_the_env_file_without_compose(named: ReferenceStack) -> None:
    env = named.dir / ".env"
    before = env.read_text()
    # The inventory reads the password of the administrator in the env file.
    named.write_inventory(stack_admin_password="")
    try:
        env.write_text(before + "# mine\n")
        env.chmod(0o644)
        kept = env.read_bytes()
        named.run_playbook("env_file")
        env.unlink()
        [found] = named.run_playbook("run_list").reports
        assert [run["run_id"] for run in found.data["found"]["runs"]] == named.run_ids()
        named.run_playbook("undo")
        assert env.read_bytes() == kept
    finally:
        env.write_text(before)
        env.chmod(0o600)
        named.write_inventory()


@pytest.mark.fault("image built with COPY . . after a rebuild and a change of the env file", "P7")
def test_an_image_of_the_project_holds_nothing_of_ours(named: ReferenceStack) -> None:
    env, state = named.dir / ".env", named.state_folder
    before = env.read_text()
    image = f"{named.name}-everything"
    try:
        rebuild(named)
        # This key is in the kept file alone.
        env.write_text(re.sub("(?m)^SECRET_KEY=.*$", "SECRET_KEY=short-and-old-key\nDB_PASSWORD_OLD=", before))
        named.run_playbook("env_file", env_file_required=["ANOTHER_SECRET_KEY"])
        [kept] = [path for path in state.rglob("*") if path.parent.name == "files"]
        assert "short-and-old-key" in kept.read_text()
        env.write_text(before)
        password = state / "passwords" / "admin"
        named.write_inventory(stack_admin_password="", stack_login_path="/api/v1/auth/login/json")
        named.run_playbook("admin_account", admin_account_generate=True)
        ours = [b"short-and-old-key", password.read_bytes().strip(), *(run_id.encode() for run_id in named.run_ids())]
        docker("build", "--quiet", "--tag", image, "--file", "-", ".", cwd=named.dir, input="FROM scratch\nCOPY . .\n")
        files = read_image_files(image)
        assert "docker-compose.yml" in files
        assert [name for name in files if ".localdev" in name or ".aside-" in name] == []
        assert [(name, word) for name, content in files.items() for word in ours if word in content] == []
    finally:
        env.write_text(before)
        named.write_inventory()
        docker("image", "rm", "--force", image, check=False)


def read_image_files(image: str) -> dict[str, bytes]:
    """Return the files of all layers of an image."""
    content = subprocess.run(["docker", "save", image], capture_output=True, check=True).stdout
    files: dict[str, bytes] = {}
    with tarfile.open(fileobj=io.BytesIO(content)) as saved:
        for member in saved:
            stream = saved.extractfile(member)
            if stream is None or member.name.endswith(".json"):
                continue
            with contextlib.suppress(tarfile.ReadError), tarfile.open(fileobj=io.BytesIO(stream.read())) as layer:
                for item in layer:
                    file = layer.extractfile(item)
                    files[item.name] = file.read() if file else b""
    return files


# --- the users of the engine -----------------------------------------------------------------------------------------


@pytest.fixture
def users(named: ReferenceStack) -> t.Iterator[tuple[str, str, str]]:
    """Yield two users of the engine, and one who is in no group. All of them may read the project."""
    if os.geteuid() != 0:
        pytest.skip("only root makes users")
    group = run_command("stat", "--format", "%G", str(ENGINE_SOCKET)).stdout.strip()
    one, two, stranger = (f"ldt-{name}" for name in ("one", "two", "stranger"))
    named.parent.chmod(0o755)
    (named.dir / ".env").chmod(0o644)
    try:
        for name, groups in ((one, ["--groups", group]), (two, ["--groups", group]), (stranger, [])):
            run_command("useradd", "--no-create-home", "--user-group", *groups, name)
        yield one, two, stranger
    finally:
        named.kill_playbooks()
        for name in (one, two, stranger):
            run_command("userdel", name, check=False)
        (named.dir / ".env").chmod(0o600)
        named.parent.chmod(0o700)


def as_user(name: str, folder: Path) -> dict[str, t.Any]:
    """Return variables that let the modules run as a user, who writes backups into a folder."""
    folder.mkdir(exist_ok=True)
    folder.chmod(0o777)
    return {
        "ansible_become": True,
        "ansible_become_method": "ansible.builtin.su",
        "ansible_become_user": name,
        "ansible_python_interpreter": "/usr/bin/python3",
        "stack_backup_dir": str(folder / name),
    }


@pytest.mark.fault("two users of the engine work on one stack at once", "P8 P9")
def test_two_users_share_one_lock(named: ReferenceStack, users: tuple[str, str, str]) -> None:
    one, two, _stranger = users
    folder = named.parent / "backups-of-users"
    first = named.start_playbook("backup", stop_at="before:dump", **as_user(one, folder))
    try:
        first.wait_for_breakpoint("before:dump")
        [run_id] = named.run_ids()
        # Made by the engine, for the user may not write to /var/lib.
        status = named.state_folder.stat()
        assert (status.st_uid, status.st_gid) == (0, ENGINE_SOCKET.stat().st_gid)
        assert stat.S_IMODE(status.st_mode) == 0o2770
        second = named.try_playbook("backup", **as_user(two, folder))
        failure = assert_clear_error(second, FailureId.LOCK_HELD, run_id)
        assert FailureId.from_id(failure["failure"]).kind is FailureKind.LOCKED
        first.resume()
        assert first.wait().rc == 0, first.read_output()
    finally:
        first.kill()
    named.run_playbook("backup", **as_user(two, folder))
    for path in named.state_folder.rglob("*"):
        assert path.stat().st_gid == ENGINE_SOCKET.stat().st_gid, path
        assert stat.S_IMODE(path.stat().st_mode) == (0o2770 if path.is_dir() else 0o660), path
    assert [record["outcome"] for record in named.run_records()] == ["succeeded", "succeeded"]
    shutil.rmtree(folder)


@pytest.mark.fault("a user without access to the state folder, who can use the engine all the same", "P8 P9")
def test_a_user_without_access_gets_no_second_lock(named: ReferenceStack, users: tuple[str, str, str]) -> None:
    _one, _two, stranger = users
    named.run_playbook("backup")
    mode = stat.S_IMODE(ENGINE_SOCKET.stat().st_mode)
    ENGINE_SOCKET.chmod(mode | 0o006)
    try:
        refused = named.try_playbook("backup", **as_user(stranger, named.parent / "backups-of-users"))
    finally:
        ENGINE_SOCKET.chmod(mode)
    failure = assert_clear_error(refused, FailureId.STATE_NO_ACCESS, stranger, str(named.state_folder), "root")
    assert FailureId.from_id(failure["failure"]).kind is FailureKind.UNSAFE
    assert failure["next"]["argv"][:3] == ["sudo", "usermod", "-aG"]
    assert len(named.run_ids()) == 1
    shutil.rmtree(named.parent / "backups-of-users")


# --- the state folder itself -----------------------------------------------------------------------------------------


@pytest.mark.fault("state folder deleted after a rebuild", "P1 P2 P9")
def test_kept_copies_without_a_record_are_found(named: ReferenceStack) -> None:
    run_id = rebuild(named)
    fresh, [volume] = named.fingerprint(), named.kept_copies()
    remove_state(named.name)
    [found] = named.run_playbook("status").results("stack_status")
    assert [run["run_id"] for run in found["status"]["runs"]["unrecorded"]] == [run_id]
    assert playbook_command("undo", undo_run_id=run_id) in [part for line in found["lines"] for part in line]
    listed = named.run_playbook("run_list").report("run_list").data["found"]
    assert [(run["run_id"], run["rebuilt"]) for run in listed["undoable"]] == [(run_id, True)]
    # The other changes of that run are unknown, so it has to be named.
    failure = assert_clear_error(named.try_playbook("undo"), FailureId.RUN_RECORD_MISSING, run_id, named.cluster_place)
    assert FailureId.from_id(failure["failure"]).kind is FailureKind.UNSAFE
    # The newest copy of an object stays.
    named.run_playbook("cleanup", cleanup_older_than_days=0)
    assert named.kept_copies() == [volume]
    named.run_playbook("undo", "--check", undo_run_id=run_id)
    assert named.fingerprint() == fresh
    named.run_playbook("undo", undo_run_id=run_id)
    assert_old_data_is_back(named)
    # A later rebuild keeps a newer copy, so that the old ones may go, with a record or without.
    rebuild(named)
    remove_state(named.name)
    named.run_playbook("cleanup", cleanup_older_than_days=0)
    assert len(named.kept_copies()) == 1


CONTAINER_PROGRAM = """
import json, sys
from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils._docker.cli import Docker
from ansible_collections.localdev.recovery.plugins.module_utils._run.state_folder import ensure_state_folder
try:
    ensure_state_folder(Docker(), json.loads(sys.argv[1]))
    print("made")
except RecoveryError as exc:
    print(exc.failure.id)
"""


@pytest.mark.fault("modules in a container that is thrown away, the engine's place mounted: {mounted}", "P8 P9")
@pytest.mark.parametrize("mounted", [False, True])
def test_a_place_that_is_lost_with_a_container_is_refused(named: ReferenceStack, mounted: bool) -> None:
    state = {"root": str(STATE_ROOT), "folder": str(named.state_folder), "group": ENGINE_SOCKET.stat().st_gid}
    stack = {"project": {"name": named.name, "dir": str(named.dir)}, "state": state}
    places = [ENGINE_SOCKET, Path("/usr/bin/docker"), ROOT / "collections", *([STATE_ROOT] if mounted else [])]
    answer = docker(
        *("run", "--rm", "--network", "none", *(part for place in places for part in ("--volume", f"{place}:{place}"))),
        *("--env", f"PYTHONPATH={ROOT / 'collections'}", named.read_env()["PYTHON_IMAGE"]),
        *("python", "-c", CONTAINER_PROGRAM, json.dumps(stack)),
    )
    assert answer == ("made" if mounted else FailureId.STATE_NOT_PERSISTENT.id)
    assert list(named.state_folder.iterdir()) == ([] if mounted else list(named.state_folder.glob(".mark-*")))


def test_checksums_of_backups_are_recorded(named: ReferenceStack) -> None:
    made: PlaybookResult = named.run_playbook("backup")
    [backup] = [result["backup"] for result in made.results("database_backup")]
    recorded = json.loads((named.state_folder / "checksums" / f"{backup['name']}.json").read_text())
    assert recorded["files"] == {name: item["sha256"] for name, item in backup["metadata"]["files"].items()}
