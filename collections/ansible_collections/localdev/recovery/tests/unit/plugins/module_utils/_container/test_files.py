# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import subprocess
import types
import typing as t
from pathlib import Path

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._container.files import (
    ContainerFile,
    FileChange,
    apply_file_changes,
    build_change_script,
    check_python_syntax,
    plan_file_change,
    read_container_files,
)
from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._core.next_command import playbook_command
from ansible_collections.localdev.recovery.plugins.module_utils._docker.cli import CompletedCommand, Docker
from ansible_collections.localdev.recovery.tests.unit.failure_assertions import raises_failure

OLD = ContainerFile("file", b"old", 1000, 33, 0o640)


class Local(Docker):
    """A container whose files are those of this machine."""

    def __init__(self) -> None:
        super().__init__()
        self.ran: list[tuple[str, ...]] = []

    def run(self, *args: str, **kwargs: t.Any) -> CompletedCommand:
        self.ran.append(args)
        command = args[args.index("box") + 1 :]
        text = kwargs["stdin"]
        done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
        return CompletedCommand(args, done.returncode, done.stdout, done.stderr)


def write(path: Path, content: bytes, mode: int = 0o644) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    path.chmod(mode)
    return path


@pytest.mark.parametrize(
    ("content", "found", "wanted"),
    [
        (b"old", OLD, None),
        (None, ContainerFile("absent"), None),
        (b"new", OLD, FileChange("/a/x", b"new", 1000, 33, 0o640)),
        (None, OLD, FileChange("/a/x", None, 1000, 33, 0o640)),
        (b"", ContainerFile("absent", uid=5, gid=6, folder="/a"), FileChange("/a/x", b"", 5, 6, 0o755)),
        (b"n", ContainerFile("absent", uid=5, folder="/"), FileChange("/a/x", b"n", 5, 0, 0o755, 0, ("/a",))),
    ],
    ids=["same", "absent already", "replaced", "removed", "new", "in a new folder"],
)
def test_what_has_to_change(content: bytes | None, found: ContainerFile, wanted: FileChange | None) -> None:
    assert plan_file_change("/a/x", content, True, found) == wanted


def test_a_new_file_can_be_read_by_everybody_in_the_container() -> None:
    change = plan_file_change("/a/b/c/x", b"", False, ContainerFile("absent", folder="/a"))
    assert change is not None
    assert (change.mode, change.folders) == (0o644, ("/a/b", "/a/b/c"))


def test_looking(tmp_path: Path) -> None:
    content = bytes(range(256)) * 300
    file = write(tmp_path / "it's $HOME", content, 0o4750)
    (tmp_path / "link").symlink_to(file)
    paths = [str(tmp_path / name) for name in (file.name, "link", "no/such/file", ".", f"{file.name}/below")]
    found = read_container_files(Local(), "box", paths)
    assert found[paths[0]] == ContainerFile("file", content, os.geteuid(), os.getegid(), 0o4750)
    assert [found[path].kind for path in paths[1:]] == ["link", "absent", "other", "other"]
    assert found[paths[2]].folder == str(tmp_path)
    assert read_container_files(Local(), "box", []) == {}


def test_an_answer_that_is_cut_off_is_an_error() -> None:
    docker = t.cast("Docker", types.SimpleNamespace(run=lambda *a, **k: CompletedCommand(a, 0, "@absent 0 0 /", "")))
    with raises_failure(FailureId.CONTAINER_FILES_FAILED, "box", "1 of 2"):
        read_container_files(docker, "box", ["/a", "/b"])


def test_changing(tmp_path: Path) -> None:
    owner = os.geteuid(), os.getegid()
    replaced, removed = write(tmp_path / "it's", b"old"), write(tmp_path / "away", b"old")
    new = tmp_path / "a b" / "c" / "new"
    content = bytes(range(256)) * 1000
    changes = [
        FileChange(str(replaced), content, *owner, 0o640),
        FileChange(str(removed), None),
        FileChange(str(new), b"", *owner, 0o755, 0, (str(new.parent.parent), str(new.parent))),
    ]
    docker = Local()
    apply_file_changes(docker, "box", changes)
    assert (replaced.read_bytes(), replaced.stat().st_mode & 0o7777) == (content, 0o640)
    assert not removed.exists()
    assert (new.read_bytes(), new.stat().st_mode & 0o7777) == (b"", 0o755)
    assert [path.name for path in sorted(tmp_path.rglob("*"))] == ["a b", "c", "new", "it's"]
    assert all("old" not in " ".join(args) for args in docker.ran)
    (new.parent / "__pycache__").mkdir()
    apply_file_changes(docker, "box", [FileChange(str(new), None, folders=changes[2].folders)])
    assert not new.parent.parent.exists()


def test_a_change_that_fails_leaves_every_file_as_it_was(tmp_path: Path) -> None:
    first = write(tmp_path / "first", b"old")
    owner = os.geteuid(), os.getegid()
    changes = [FileChange(str(first), b"new", *owner), FileChange(str(tmp_path / "none" / "x"), b"new", *owner)]
    with raises_failure(FailureId.CONTAINER_FILES_FAILED, "box", tmp_path):
        apply_file_changes(Local(), "box", changes)
    assert first.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [first]


def test_a_script_that_is_cut_off_changes_nothing(tmp_path: Path) -> None:
    """Truncate the script, because the controller may be killed while it sends it."""
    file, other = write(tmp_path / "x", b"old"), write(tmp_path / "xx", b"old")
    owner = os.geteuid(), os.getegid()
    script = build_change_script([FileChange(str(file), b"new", *owner), FileChange(str(other), None)])
    for end in range(0, len(script) - len("change\n"), 7):
        subprocess.run(["sh", "-s"], input=script[:end], text=True, capture_output=True, check=False)
        assert (file.read_bytes(), other.read_bytes()) == (b"old", b"old")
        assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize(
    ("output", "failure", "named"),
    [
        (
            'OCI runtime exec failed: exec: "sh": executable file not found in $PATH: unknown',
            FailureId.CONTAINER_COMMAND_MISSING,
            "sh",
        ),
        ("sh: 7: base64: not found", FailureId.CONTAINER_COMMAND_MISSING, "base64"),
        ("sh: stat: command not found", FailureId.CONTAINER_COMMAND_MISSING, "stat"),
        ("mv: cannot move: Permission denied", FailureId.CONTAINER_FILES_FAILED, "Permission denied"),
    ],
)
def test_a_container_that_lacks_what_this_needs_is_named(output: str, failure: FailureId, named: str) -> None:
    docker = Docker()
    docker.run = lambda *args, **_kwargs: CompletedCommand(args, 126, "", output)  # type: ignore[method-assign]
    with raises_failure(failure, "the-web", f" {named}") as caught:
        read_container_files(docker, "the-web", ["/x"])
    rebuild = playbook_command("container_recovery", container_recovery_action="rebuild")
    assert caught.value.next_command == (rebuild if failure is FailureId.CONTAINER_COMMAND_MISSING else None)


def test_compiling(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    files = {"/a.py": b"print(1)\n", "/b.py": b"def wrong(:\n", "/c.py": b"x = '\xff'\n", "/d.py": b"\0"}
    found = check_python_syntax(Local(), "box", files)
    assert found is not None
    assert sorted(found) == ["/b.py", "/c.py", "/d.py"]
    assert found["/b.py"] == "line 1: invalid syntax"
    assert list(tmp_path.iterdir()) == []


def test_a_container_without_python_compiles_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "sh").symlink_to("/bin/sh")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert check_python_syntax(Local(), "box", {"/a.py": b""}) is None
