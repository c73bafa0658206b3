# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import io
import tarfile
import typing as t
from pathlib import Path

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._container.local_changes import (
    parse_container_diff,
    restore_local_changes,
    save_local_changes,
)
from ansible_collections.localdev.recovery.plugins.module_utils._docker.cli import CompletedCommand, Docker


class FakeContainers(Docker):
    """A container with two changed paths, as docker cp streams them; and what is laid over the next one."""

    put: bytes = b""

    def inspect(self, kind: str, names: t.Sequence[str]) -> list[dict[str, t.Any]]:
        return [{"Id": name, "Mounts": []} for name in names]

    def run(self, *args: str, **kwargs: t.Any) -> CompletedCommand:
        if args[0] == "cp":
            self.put = kwargs["stdin"]
        return CompletedCommand(args, 0, "C /app\nA /app/new\nA /app/new/a.py\nC /app/main.py\n")

    def run_binary(self, *args: str, **kwargs: t.Any) -> tuple[CompletedCommand, bytes]:
        stream = io.BytesIO()
        with tarfile.open(fileobj=stream, mode="w") as archive:
            for name in {"/app/new": ["new", "new/a.py"], "/app/main.py": ["main.py"]}[args[1].partition(":")[2]]:
                member = tarfile.TarInfo(name)
                member.type = tarfile.DIRTYPE if name == "new" else tarfile.REGTYPE
                member.uid, member.mode, member.size = 1000, 0o640, 0 if name == "new" else len(name)
                archive.addfile(member, io.BytesIO(name.encode()))
        return CompletedCommand(args, 0, ""), stream.getvalue()


def test_changed_files_are_kept_with_owner_and_mode_and_put_back(tmp_path: Path) -> None:
    docker, file = FakeContainers(), tmp_path / "edits.tar"
    size, is_empty = save_local_changes(docker, "c", str(file))
    assert not is_empty
    assert (size, file.stat().st_mode & 0o777) == (file.stat().st_size, 0o600)
    restore_local_changes(docker, "c", str(file))
    with tarfile.open(fileobj=io.BytesIO(docker.put)) as archive:
        found = {member.name: (member.uid, member.mode) for member in archive}
        content = t.cast("t.IO[bytes]", archive.extractfile("app/main.py")).read()
    assert found == dict.fromkeys(["app/main.py", "app/new", "app/new/a.py"], (1000, 0o640))
    assert content == b"main.py"


def test_a_container_without_changes_has_none_to_keep(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    docker, file = FakeContainers(), tmp_path / "edits.tar"
    monkeypatch.setattr(docker, "run", lambda *args: CompletedCommand(args, 0, "C /tmp\nA /tmp/x\n"))
    size, is_empty = save_local_changes(docker, "c", str(file))
    # A tar takes space all the same.
    assert (size > 0, is_empty) == (True, True)


def test_changes_by_hand() -> None:
    changes = [
        *("C /app", "A /app/new", "A /app/new/a.py", "A /app/new/b.py", "C /app/main.py", "D /app/gone.py"),
        *(
            "A /app/__pycache__",
            "A /app/__pycache__/main.cpython-313.pyc",
            "C /tmp",
            "A /tmp/x",
            "C /run",
            "A /run/secrets",
        ),
        *("C /etc", "C /etc/hosts", "C /etc/passwd", "C /home/app", "A /home/app/.cache", "A /home/app/.cache/pip"),
        *("A /data", "A /mnt", "A /mnt/deep", "A /data/ours"),
    ]
    assert parse_container_diff(changes, ["/data", "/mnt/deep"]) == ["/app/main.py", "/app/new", "/etc/passwd"]
