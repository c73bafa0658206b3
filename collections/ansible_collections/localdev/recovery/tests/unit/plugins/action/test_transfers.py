# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What goes from the controller to a host and back: the actions with a host that is this machine's own shell."""

from __future__ import annotations

import gzip
import os
import subprocess
import tarfile
import types
import typing as t
from pathlib import Path

import pytest

from ansible_collections.localdev.recovery.plugins.action import backup_transfer as backup_action
from ansible_collections.localdev.recovery.plugins.action import image_load as image_action
from ansible_collections.localdev.recovery.plugins.action import project_checkout as checkout_action
from ansible_collections.localdev.recovery.plugins.module_utils._backup.catalog import (
    find_backup_damage,
    read_backup_set,
    write_metadata,
)
from ansible_collections.localdev.recovery.plugins.module_utils._backup.transfer_bundle import unpack_bundle
from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils._core.files import hash_files
from ansible_collections.localdev.recovery.plugins.module_utils._git.url import has_url_secret, remove_url_secrets
from ansible_collections.localdev.recovery.plugins.modules import backup_transfer, image_load, project_checkout
from ansible_collections.localdev.recovery.plugins.plugin_utils import _transfer as transfer
from ansible_collections.localdev.recovery.plugins.plugin_utils._transfer import TransferAction

NAME = "shop_20260101_000000"


class FakeModule:
    """As much of AnsibleModule as the modules here use."""

    def __init__(self, params: dict[str, t.Any], check_mode: bool) -> None:
        self.params = params
        self.check_mode = check_mode

    def run_command(self, words: list[str], environ_update: dict[str, str]) -> tuple[int, str, str]:
        done = subprocess.run(words, capture_output=True, text=True, check=False, env={**os.environ, **environ_update})
        return done.returncode, done.stdout, done.stderr


class Host:
    """Runs an action; damage: changes what arrives, as a bad line would."""

    def __init__(self) -> None:
        self.damage: t.Callable[[bytes], bytes] = lambda data: data
        self.shown: t.Callable[[], bool] = lambda: True

    def shell(self, command: str, in_data: bytes | None = None, **options: t.Any) -> dict[str, t.Any]:
        assert not (command.startswith("dd ") and self.shown()), "-vvv would show the data"
        data = None if in_data is None else self.damage(in_data)
        done = subprocess.run(["sh", "-c", command], input=data, capture_output=True, check=False)
        return {"rc": done.returncode, "stdout": done.stdout.decode(), "stderr": done.stderr.decode()}

    def run(
        self,
        action: type[TransferAction],
        act: t.Callable[..., t.Any],
        args: dict[str, t.Any],
        check: bool = False,
    ) -> dict[str, t.Any]:
        defaults = {"select": "latest", "database": "", "step": "look", "identity": {}, "archive": "", "sha256": ""}
        defaults |= {"repository": "", "source": "", "version": "", "bundle": "", "origin": ""}
        made = action.__new__(action)
        made._task = types.SimpleNamespace(args=args, check_mode=check)
        made._vars = {"inventory_hostname": "alice"}
        made._connection = types.SimpleNamespace(_play_context=types.SimpleNamespace(no_log=False))
        self.shown = lambda: not made._connection._play_context.no_log
        made._low_level_execute_command = self.shell
        made._execute_module = lambda module_args, task_vars: act(FakeModule({**defaults, **module_args}, check))
        return made.transfer(dict(args))


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setattr(transfer, "CHUNK_BYTES", 64)
    return Host()


def make_set(folder: Path, content: str = "rows " * 100) -> Path:
    dump = folder / f"{NAME}.dir"
    dump.mkdir(parents=True)
    for name in ("toc.dat", "1.dat.gz"):
        (dump / name).write_text(f"{name} {content}")
    metadata = {"format_version": 2, "format": "directory", "database": "shop", "alembic_version": "feed", "rows": {}}
    metadata |= {
        "alembic_versions": ["feed"],
        "server_version": "15.1",
        "files": hash_files(str(dump)),
        "timestamp": "20260101_000000",
        "backup_file": dump.name,
    }
    write_metadata(str(folder / f"{NAME}.metadata"), metadata)
    return dump


def modes(folder: Path) -> set[str]:
    return {oct(path.stat().st_mode & 0o777) for path in folder.rglob("*")}


# --- backups -----------------------------------------------------------------------------------------------------


@pytest.fixture(params=["fetch", "distribute"])
def way(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[dict[str, t.Any], Path, Path]:
    """Arguments, the folder that has a backup and the one that gets it."""
    here, there = tmp_path / "controller", tmp_path / "host"
    source, target = (there, here) if request.param == "fetch" else (here, there)
    make_set(source)
    return {"direction": request.param, "folder": str(there), "controller_folder": str(here)}, source, target


def move(host: Host, args: dict[str, t.Any], check: bool = False) -> dict[str, t.Any]:
    return host.run(backup_action.ActionModule, backup_transfer.act, args, check)


def test_a_backup_is_moved_whole_private_and_once(host: Host, way: tuple[dict[str, t.Any], Path, Path]) -> None:
    args, source, target = way
    assert move(host, args, check=True)["changed"]
    assert not target.exists()
    result = move(host, args)
    assert result["changed"]
    assert result["backup"]["name"] == NAME
    assert find_backup_damage(read_backup_set(str(target / f"{NAME}.dir"))) == []
    assert (target / f"{NAME}.metadata").read_bytes() == (source / f"{NAME}.metadata").read_bytes()
    assert modes(target) == {"0o600", "0o700"}
    assert not list(Path(os.environ["HOME"]).rglob("*.tar"))
    assert not move(host, args)["changed"]


def test_a_proof_of_restorability_does_not_make_it_another_one(
    host: Host, way: tuple[dict[str, t.Any], Path, Path]
) -> None:
    args, _source, target = way
    move(host, args)
    metadata = read_backup_set(str(target / f"{NAME}.dir")).metadata
    proved = {**metadata, "last_proved_restorable": "2026-01-02T00:00:00Z"}
    write_metadata(str(target / f"{NAME}.metadata"), proved)
    assert not move(host, args)["changed"]


def test_another_one_of_the_same_name_is_refused_not_overwritten(
    host: Host, way: tuple[dict[str, t.Any], Path, Path]
) -> None:
    args, _source, target = way
    other = make_set(target, "other rows")
    before = (other / "toc.dat").read_text()
    with pytest.raises(RecoveryError, match=f"another backup of the name {NAME}") as caught:
        move(host, args)
    assert caught.value.kind == "unsafe"
    assert (other / "toc.dat").read_text() == before


def test_a_damaged_backup_does_not_leave(host: Host, way: tuple[dict[str, t.Any], Path, Path]) -> None:
    args, source, target = way
    (source / f"{NAME}.dir/toc.dat").write_text("rotten")
    with pytest.raises(RecoveryError, match=r"is damaged: the file toc\.dat"):
        move(host, args)
    assert not target.exists()


def test_what_a_bad_line_has_changed_does_not_arrive(host: Host, tmp_path: Path) -> None:
    make_set(tmp_path / "controller")
    host.damage = lambda data: data.replace(b"rows", b"rats")
    args = {
        "direction": "distribute",
        "folder": str(tmp_path / "host"),
        "controller_folder": str(tmp_path / "controller"),
    }
    with pytest.raises(RecoveryError, match="has not arrived whole"):
        move(host, args)
    assert not (tmp_path / "host").exists()


@pytest.mark.parametrize("name", ["../outside", "/etc/outside", f"{NAME}.dir/deep/file", "."])
def test_a_name_that_leads_out_of_the_folder_is_refused(tmp_path: Path, name: str) -> None:
    archive = tmp_path / "odd.tar"
    with tarfile.open(archive, "w") as tar:
        tar.addfile(tarfile.TarInfo(name))
    with pytest.raises(RecoveryError, match="belongs to no backup"):
        unpack_bundle(str(archive), str(tmp_path / "target"))
    assert not list((tmp_path / "target").iterdir())


# --- images ------------------------------------------------------------------------------------------------------


def test_compressed_chunks_are_one_gzip_file() -> None:
    chunks = [bytes([number]) * 1000 for number in range(10)]
    assert gzip.decompress(b"".join(image_action.compressed(chunks))) == b"".join(chunks)


def test_only_lacking_images_are_sent_and_loaded(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    has = {"postgres:15": "sha256:1"}
    sent: list[str] = []

    def load(docker: object, archive: str, sha256: str) -> None:
        assert gzip.decompress(Path(archive).read_bytes()) == b"archive"
        has.update(dict.fromkeys(sent, "sha256:2"))

    def save(names: list[str]) -> t.Iterator[bytes]:
        sent.extend(names)
        yield b"archive"

    at_host = types.SimpleNamespace(image_id=lambda docker, name: has.get(name))
    monkeypatch.setattr(image_load, "images", at_host)
    monkeypatch.setattr(image_load, "load", load)
    monkeypatch.setattr(image_action, "saved", save)
    monkeypatch.setattr(image_action, "images", types.SimpleNamespace(image_id=lambda docker, name: "sha256:3"))
    args = {"images": ["postgres:15", "shop-backend"]}
    assert host.run(image_action.ActionModule, image_load.act, args, check=True)["lacking"] == ["shop-backend"]
    assert not sent
    result = host.run(image_action.ActionModule, image_load.act, args)
    assert (result["changed"], result["lacking"], sent) == (True, ["shop-backend"], ["shop-backend"])
    assert not Path(result["incoming"]).exists()
    again = host.run(image_action.ActionModule, image_load.act, args)
    assert (again["changed"], sent) == (False, ["shop-backend"])
    monkeypatch.setattr(image_action, "images", types.SimpleNamespace(image_id=lambda docker, name: None))
    with pytest.raises(RecoveryError, match="controller's Docker Engine has no image redis:7, which alice lacks"):
        host.run(image_action.ActionModule, image_load.act, {"images": ["redis:7"]})


# --- checkouts ---------------------------------------------------------------------------------------------------


def git(folder: Path, *words: str) -> str:
    who = ["-c", "user.name=Test", "-c", "user.email=test@example.com"]
    done = subprocess.run(["git", "-C", str(folder), *who, *words], capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A checkout on the controller, with a secret in its origin and files that git does not know."""
    folder = tmp_path / "source"
    folder.mkdir()
    git(folder, "init", "--quiet", "--initial-branch=work")
    (folder / "compose.yaml").write_text("services: {}\n")
    (folder / ".gitignore").write_text(".env\n")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message=first")
    git(folder, "remote", "add", "origin", "https://carol:hunter2@git.example.com/shop.git")
    (folder / ".env").write_text("PASSWORD=hunter2\n")
    (folder / "notes.txt").write_text("hunter2\n")
    return folder


def check_out(host: Host, args: dict[str, t.Any], check: bool = False) -> dict[str, t.Any]:
    return host.run(checkout_action.ActionModule, project_checkout.act, args, check)


def test_what_is_committed_is_sent_and_nothing_else(host: Host, source: Path, tmp_path: Path) -> None:
    dest = tmp_path / "host/shop"
    args = {"dest": str(dest), "source": str(source)}
    assert check_out(host, args, check=True)["changed"]
    assert not dest.exists()
    result = check_out(host, args)
    assert result["commit"] == git(source, "rev-parse", "HEAD")
    assert result["left_behind"] == ["notes.txt"]
    assert sorted(path.name for path in dest.iterdir()) == [".git", ".gitignore", "compose.yaml"]
    assert git(dest, "rev-parse", "--abbrev-ref", "HEAD") == "work"
    found = subprocess.run(["grep", "-r", "hunter2", tmp_path / "host", os.environ["HOME"]], check=False)
    assert found.returncode == 1
    (dest / "compose.yaml").write_text("changed by a person\n")
    assert not check_out(host, args)["changed"]
    assert (dest / "compose.yaml").read_text() == "changed by a person\n"


def test_a_clone_that_was_cut_short_is_no_obstacle(host: Host, source: Path, tmp_path: Path) -> None:
    left = tmp_path / "host/shop.partial"
    left.mkdir(parents=True)
    (left / "half").touch()
    assert check_out(host, {"dest": str(tmp_path / "host/shop"), "repository": str(source)})["changed"]
    assert not left.exists()
    assert not (tmp_path / "host/shop/half").exists()


@pytest.mark.parametrize(
    ("args", "words"),
    [
        ({"repository": "https://carol:hunter2@git.example.com/shop.git"}, "holds a password or token"),
        ({}, "nothing says where to take it from"),
        ({"source": "/nowhere"}, "no folder /nowhere"),
    ],
    ids=["secret", "nothing", "nowhere"],
)
def test_what_cannot_be_checked_out(host: Host, tmp_path: Path, args: dict[str, t.Any], words: str) -> None:
    with pytest.raises(RecoveryError, match=words) as caught:
        check_out(host, {"dest": str(tmp_path / "shop"), **args})
    assert "hunter2" not in str(caught.value)
    assert caught.value.next_command


@pytest.mark.parametrize(
    ("url", "plain"),
    [
        ("https://carol:hunter2@git.example.com:8443/shop.git", "https://git.example.com:8443/shop.git"),
        ("https://ghp_token@git.example.com/shop.git", "https://git.example.com/shop.git"),
        ("ssh://git:hunter2@git.example.com/shop.git", "ssh://git@git.example.com/shop.git"),
    ],
)
def test_secrets_in_addresses(url: str, plain: str) -> None:
    assert has_url_secret(url)
    assert remove_url_secrets(url) == plain
    assert not has_url_secret(plain)


@pytest.mark.parametrize(
    "url", ["git@git.example.com:shop.git", "ssh://git@git.example.com/shop.git", "/srv/shop.git", ""]
)
def test_addresses_without_secrets(url: str) -> None:
    assert not has_url_secret(url)
    assert remove_url_secrets(url) == url
