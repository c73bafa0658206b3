# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Private folders: they are gone after the run, also when the run was killed, and never before."""

from __future__ import annotations

import fcntl
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from localdev_recovery import private_folder as folders
from localdev_recovery.private_folder import LOCK_NAME, private_folder

# The owner prints its folder, and holds it until its input ends. Its child has all of its inheritable descriptors.
OWNER = """
import subprocess, sys
from localdev_recovery.private_folder import private_folder
with private_folder() as folder:
    (folder / "variables").mkdir()
    (folder / "variables" / "0.json").write_text("secret")
    with subprocess.Popen([sys.executable, "-c", "input()"], close_fds=False):
        print(folder, flush=True)
        sys.stdin.read()
"""
# Makes folders as fast as it can, and fails if one that it holds loses a file.
MAKER = """
from localdev_recovery.private_folder import private_folder
for number in range(150):
    with private_folder() as folder:
        path = folder / "secret"
        path.write_text(str(number))
        with private_folder() as other:
            assert other != folder
        assert path.read_text() == str(number)
    assert not folder.exists()
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    return tmp_path


def start(program: str) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    return subprocess.Popen(
        [sys.executable, "-c", program], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


@pytest.fixture
def owner(place: Path) -> Iterator[tuple[subprocess.Popen[str], Path]]:
    """Yield a process that holds a folder, and the folder."""
    with start(OWNER) as process:
        assert process.stdout is not None
        yield process, Path(process.stdout.readline().strip())
        process.kill()


def make_abandoned(place: Path, name: str = "localdev-abcd1234") -> Path:
    """Make a folder as a killed owner leaves it."""
    folder = place / name
    folder.mkdir(mode=0o700)
    (folder / LOCK_NAME).touch()
    (folder / "secret").write_text("secret")
    return folder


def test_a_folder_is_private_and_goes_with_its_content(place: Path) -> None:
    with private_folder() as folder:
        assert folder.parent == place
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        (folder / "inventory").mkdir()
        (folder / "inventory" / "hosts.json").write_text("x")
        (folder / "link").symlink_to(place)
    assert list(place.iterdir()) == []


def test_the_folder_of_a_killed_owner_is_deleted_by_the_next(owner: tuple[subprocess.Popen[str], Path]) -> None:
    process, folder = owner
    process.kill()
    process.wait()
    # The owner's child still waits for input, and does not count.
    assert (folder / "variables" / "0.json").read_text() == "secret"
    with private_folder() as own:
        assert list(folder.parent.iterdir()) == [own]


def test_the_folder_of_a_living_owner_stays(owner: tuple[subprocess.Popen[str], Path]) -> None:
    process, folder = owner
    with private_folder():
        pass
    assert (folder / "variables" / "0.json").read_text() == "secret"
    process.communicate()
    assert not folder.exists()


def test_folders_of_other_runtime_folders_are_deleted_too(
    place: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    temporary = tmp_path_factory.mktemp("temporary")
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    abandoned = make_abandoned(temporary)
    with private_folder() as folder:
        assert folder.parent == place
    assert not abandoned.exists()


def test_a_link_is_not_followed(place: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    foreign = make_abandoned(tmp_path_factory.mktemp("foreign"))
    (place / "localdev-abcd1234").symlink_to(foreign)
    # A link in an abandoned folder goes, and its target stays.
    abandoned = make_abandoned(place, "localdev-efgh5678")
    (abandoned / "link").symlink_to(foreign)
    lock = make_abandoned(place, "localdev-ijkl9012") / LOCK_NAME
    lock.unlink()
    lock.symlink_to(foreign / LOCK_NAME)
    with private_folder():
        pass
    assert not abandoned.exists()
    assert lock.is_symlink()
    assert sorted(path.name for path in foreign.iterdir()) == [LOCK_NAME, "secret"]


def test_other_folders_stay(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shared = make_abandoned(place)
    shared.chmod(0o750)
    without_lock = make_abandoned(place, "localdev-efgh5678")
    (without_lock / LOCK_NAME).unlink()
    others = [shared, without_lock, make_abandoned(place, "localdev-images-abcd1234"), make_abandoned(place, "other")]
    with private_folder():
        pass
    assert all((folder / "secret").exists() for folder in others)
    of_other_user = make_abandoned(place, "localdev-mnop3456")
    monkeypatch.setattr("os.geteuid", lambda: os.getuid() + 1)
    with private_folder():
        pass
    assert (of_other_user / "secret").exists()


def test_a_deletion_that_is_cut_short_is_finished_by_the_next(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = make_abandoned(place)
    (folder / "env").mkdir()

    def die(*_arguments: object, **_options: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(shutil, "rmtree", die)
        with pytest.raises(KeyboardInterrupt), private_folder():
            pass
    assert (folder / LOCK_NAME).exists()
    with private_folder():
        pass
    assert not folder.exists()


def test_a_folder_that_is_deleted_before_its_lock_is_taken_is_made_again(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deleted: list[Path] = []
    flock = fcntl.flock

    def delete_first_folder(descriptor: int, operation: int) -> None:
        if not deleted:
            deleted.extend(place.iterdir())
            # This takes the lock, too.
            folders._delete_abandoned_folders(str(place))
        flock(descriptor, operation)

    monkeypatch.setattr(fcntl, "flock", delete_first_folder)
    with private_folder() as folder:
        assert list(place.iterdir()) == [folder]
        assert folder not in deleted


def test_without_locks_folders_are_made_and_go(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(descriptor: int, operation: int) -> None:
        raise OSError(95, "Operation not supported")

    abandoned = make_abandoned(place)
    monkeypatch.setattr(fcntl, "flock", refuse)
    with private_folder() as folder:
        assert list(folder.iterdir()) == []
    assert list(place.iterdir()) == [abandoned]


def test_concurrent_starts_leave_each_other_alone(place: Path) -> None:
    makers = [start(MAKER) for _number in range(4)]
    killed = [start(OWNER) for _number in range(3)]
    for process in killed:
        assert process.stdout is not None
        assert Path(process.stdout.readline().strip()).parent == place
        process.kill()
        process.communicate()
    for process in makers:
        process.communicate()
    assert [process.returncode for process in makers] == [0] * len(makers)
    with private_folder() as folder:
        assert list(place.iterdir()) == [folder]
