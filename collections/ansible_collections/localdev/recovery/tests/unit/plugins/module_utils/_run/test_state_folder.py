# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import io
import json
import os
import stat
import tarfile
import time
import typing as t
from pathlib import Path

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._core.users import get_group_name
from ansible_collections.localdev.recovery.plugins.module_utils._docker.cli import CompletedCommand, Docker
from ansible_collections.localdev.recovery.plugins.module_utils._run import state_access, state_folder
from ansible_collections.localdev.recovery.plugins.module_utils._run.state_folder import (
    build_folder_archive,
    ensure_state_folder,
)
from ansible_collections.localdev.recovery.tests.unit.failure_assertions import raises_failure


class Engine(Docker):
    """An engine that unpacks folders on its host. host: the folder there that this machine sees at root.

    calls: the commands, without their options.
    """

    def __init__(self, root: Path, host: Path | None = None, *, refuses: bool = False) -> None:
        super().__init__()
        self.root, self.host, self.refuses = root, host or root, refuses
        self.calls: list[str] = []

    def run(self, *args: str, **options: t.Any) -> CompletedCommand:
        self.calls.append(" ".join(args[: 2 if args[0] == "image" else 1]))
        if args[0] == "create":
            assert f"{self.root}:/state" in args
            assert [arg for arg in args if arg.count(":") and "=" not in arg] == [f"{self.root}:/state", "image:1"]
        if args[0] == "cp":
            if self.refuses:
                raise RecoveryError(FailureId.DOCKER_COMMAND_FAILED, "no space left on device")
            with tarfile.open(fileobj=io.BytesIO(options["stdin"])) as tar:
                for member in tar:
                    member.gid = os.getegid() if member.gid else 0
                    member.uid = os.geteuid()
                    tar.extract(member, self.host)
        return CompletedCommand(args, 0, "image:1\n" if args[0] == "import" else "container\n")


def describe_stack(root: Path, group: int | None) -> t.Any:
    return {
        "project": {"name": "shop", "dir": str(root.parent / "project")},
        "state": {"root": str(root), "folder": str(root / "shop"), "group": group},
    }


@pytest.fixture
def user(monkeypatch: pytest.MonkeyPatch) -> None:
    """Imitate a user who is not root, on the engine's own host."""
    monkeypatch.setattr(state_folder.os, "geteuid", lambda: 1000)
    monkeypatch.setattr(state_folder, "runs_in_container", lambda: False)


def read_modes(root: Path) -> dict[str, str]:
    return {path.name: f"{stat.S_IMODE(path.stat().st_mode):o}" for path in root.rglob("*") if path.is_dir()}


@pytest.mark.usefixtures("user")
def test_a_user_has_the_folder_made_by_the_engine_once(tmp_path: Path) -> None:
    root = tmp_path / "localdev"
    docker = Engine(root)
    root.mkdir()
    ensure_state_folder(docker, describe_stack(root, os.getegid() or 7))
    assert docker.calls == ["import", "create", "cp", "rm", "image rm"]
    assert read_modes(root) == {".projects": "2770", "shop": "2770"}
    assert list((root / "shop").iterdir()) == []
    [entry] = (root / ".projects").iterdir()
    assert json.loads(entry.read_text())["project"] == "shop"
    assert stat.S_IMODE(entry.stat().st_mode) == 0o660
    ensure_state_folder(docker, describe_stack(root, os.getegid() or 7))
    assert len(docker.calls) == 5


@pytest.mark.usefixtures("user")
def test_a_folder_that_only_the_engine_sees_is_refused(tmp_path: Path) -> None:
    (tmp_path / "host").mkdir()
    docker = Engine(tmp_path / "localdev", tmp_path / "host")
    with raises_failure(FailureId.STATE_NOT_PERSISTENT, tmp_path / "localdev" / "shop"):
        ensure_state_folder(docker, describe_stack(tmp_path / "localdev", 7))
    assert docker.calls[-2:] == ["rm", "image rm"]


def test_a_container_asks_the_engine_also_when_the_folder_exists(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(state_folder, "runs_in_container", lambda: True)
    root, host = tmp_path / "localdev", tmp_path / "host"
    for place in (root, host):
        place.mkdir()
    (root / "shop").mkdir()
    for mark, age in (("old", 4000), ("new", 10)):
        (root / "shop" / f".mark-{mark}").touch()
        os.utime(root / "shop" / f".mark-{mark}", (time.time() - age, time.time() - age))
    ensure_state_folder(Engine(root), describe_stack(root, 7))
    # The engine's host keeps the mark of a container that did not see it.
    assert [path.name for path in (root / "shop").iterdir()] == [".mark-new"]
    # An earlier run in this container may have made the folder.
    with raises_failure(FailureId.STATE_NOT_PERSISTENT, root / "shop"):
        ensure_state_folder(Engine(root, host), describe_stack(root, 7))


@pytest.mark.usefixtures("user")
def test_an_engine_that_cannot_make_the_folder_is_no_reason_for_another_place(tmp_path: Path) -> None:
    root = tmp_path / "localdev"
    docker = Engine(root, refuses=True)
    with raises_failure(FailureId.STATE_NO_ACCESS, root / "shop", "no space left on device") as caught:
        ensure_state_folder(docker, describe_stack(root, 4294967))
    assert caught.value.next_command == {
        "argv": [
            *("sudo", "install", "-d", "-o", "root", "-g", "4294967", "-m", "2770"),
            *(f"{root}/.projects", f"{root}/shop"),
        ],
        "cwd": "",
    }
    assert docker.calls[-2:] == ["rm", "image rm"]


@pytest.mark.usefixtures("user")
def test_a_user_outside_the_group_is_told_who_has_access(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tmp_path / "localdev"
    (root / "shop").mkdir(parents=True)
    (root / "shop").chmod(0o2770)
    group = (root / "shop").stat().st_gid
    monkeypatch.setattr(state_access.os, "access", lambda *_args, **_options: False)
    monkeypatch.setattr(state_access.getpass, "getuser", lambda: "jo")
    with raises_failure(FailureId.STATE_NO_ACCESS, root / "shop", "jo", "2770") as caught:
        ensure_state_folder(Engine(root), describe_stack(root, group))
    name = get_group_name(group)
    assert caught.value.next_command == {"argv": ["sudo", "usermod", "-aG", name, "jo"], "cwd": ""}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files to a group")
def test_root_makes_the_folder_and_gives_it_to_the_group(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state_folder, "runs_in_container", lambda: False)
    root = tmp_path / "localdev"
    docker = Engine(root)
    for _dummy in range(2):
        before = os.umask(0o077)
        try:
            ensure_state_folder(docker, describe_stack(root, 54321))
        finally:
            os.umask(before)
        assert {"2770"} == set(read_modes(root).values())
        assert [(root / name).stat().st_gid for name in (".projects", "shop")] == [54321, 54321]
        assert {path.stat().st_gid for path in (root / "shop").rglob("*")} <= {54321}
        # The number of the group changes.
        (root / "shop" / "runs").mkdir(exist_ok=True)
        for path in (root / "shop", root / "shop" / "runs"):
            os.chown(path, 0, 0)
            path.chmod(0o2770)
    assert docker.calls == []


def test_a_user_s_own_place_is_private(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state_folder, "runs_in_container", lambda: False)
    root = tmp_path / "localdev" / "engine"
    ensure_state_folder(Engine(root), describe_stack(root, None))
    assert read_modes(root) == {".projects": "700", "shop": "700"}
    [entry] = (root / ".projects").iterdir()
    assert stat.S_IMODE(entry.stat().st_mode) == 0o600


@pytest.mark.parametrize("mounted", [True, False])
def test_a_user_s_own_place_in_a_container_must_be_on_a_mount(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mounted: bool
) -> None:
    monkeypatch.setattr(state_folder, "runs_in_container", lambda: True)
    monkeypatch.setattr(state_folder.os.path, "ismount", lambda path: mounted and path == str(tmp_path))
    root = tmp_path / "localdev" / "engine"
    if mounted:
        ensure_state_folder(Engine(root), describe_stack(root, None))
        assert (root / "shop").is_dir()
    else:
        with raises_failure(FailureId.STATE_NOT_PERSISTENT, root / "shop"):
            ensure_state_folder(Engine(root), describe_stack(root, None))
        assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("mark", "namespace", "wanted"),
    [(True, "pid:[4026532259]", True), (True, "pid:[4026531836]", False), (False, "pid:[4026532259]", False)],
    ids=["container", "machine made from an image", "machine"],
)
def test_what_counts_as_a_container(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mark: bool, namespace: str, wanted: bool
) -> None:
    (tmp_path / "mark").touch()
    monkeypatch.setattr(state_folder, "_CONTAINER_MARKS", [str(tmp_path / ("mark" if mark else "none"))])
    monkeypatch.setattr(state_folder.os, "readlink", lambda _path: namespace)
    assert state_folder.runs_in_container() is wanted


def test_what_the_engine_unpacks() -> None:
    with tarfile.open(fileobj=io.BytesIO(build_folder_archive(["a"], {"a/mark": "text"}, 998))) as tar:
        members = [(m.name, m.isdir(), f"{m.mode:o}", m.uid, m.gid) for m in tar]
        mark = tar.extractfile("./a/mark")
        assert mark is not None
        assert mark.read() == b"text"
    assert members == [("./a", True, "2770", 0, 998), ("./a/mark", False, "660", 0, 998)]
