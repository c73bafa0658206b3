# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import os
import tempfile
import threading
import types
import typing as t
from pathlib import Path

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._core.files import write_file_atomically
from ansible_collections.localdev.recovery.plugins.module_utils._run import active as run_active
from ansible_collections.localdev.recovery.plugins.module_utils._run import lock as run_lock
from ansible_collections.localdev.recovery.plugins.module_utils._run import record as run_record
from ansible_collections.localdev.recovery.plugins.module_utils._run import store as run_store
from ansible_collections.localdev.recovery.plugins.module_utils._run import temporary_objects
from ansible_collections.localdev.recovery.plugins.module_utils._run.active import ActiveRun
from ansible_collections.localdev.recovery.plugins.module_utils._run.store import RunStore
from ansible_collections.localdev.recovery.plugins.module_utils._set_aside import manager
from ansible_collections.localdev.recovery.plugins.module_utils._set_aside.keepers import base
from ansible_collections.localdev.recovery.plugins.module_utils._set_aside.keepers import database as keepers_database
from ansible_collections.localdev.recovery.plugins.module_utils._set_aside.keepers import folder as keeper_folder
from ansible_collections.localdev.recovery.plugins.module_utils._set_aside.keepers import volume as keepers_volume
from ansible_collections.localdev.recovery.plugins.modules import recovery_run
from ansible_collections.localdev.recovery.tests.unit.plugins.module_utils._set_aside.fake_docker import (
    LocalShell,
    fake_psql,
)
from ansible_collections.localdev.recovery.tests.unit.plugins.module_utils._set_aside.fake_stack import (
    KINDS,
    FakeStack,
    Killed,
)


@pytest.fixture
def place() -> t.Iterator[Path]:
    """Return a folder in memory if the machine has one: thousands of atomic writes are slow on a busy disk."""
    memory = "/dev/shm"
    with tempfile.TemporaryDirectory(dir=memory if os.access(memory, os.W_OK) else None) as folder:
        yield Path(folder)


@pytest.fixture
def world(place: Path, monkeypatch: pytest.MonkeyPatch) -> FakeStack:
    root = place / "world"
    root.mkdir()
    world = FakeStack(root)
    genuine_keep = manager.ContainerFileKeeper._write
    genuine_write, genuine_copy, genuine_exit = write_file_atomically, manager.FileKeeper._copy, ActiveRun.__exit__

    def write(path: str, text: str, mode: int = 0o600) -> None:
        world.touch()
        genuine_write(path, text, mode)
        world.touch()

    def copy(self: t.Any, source: str, target: str, temporary: str, *more: t.Any, **owner: t.Any) -> None:
        world.touch()
        if world.touched + 1 == world.fatal:
            Path(temporary).write_text("half")
            world.touch()
        genuine_copy(self, source, target, temporary, *more, **owner)
        world.touch()

    def keep_content(self: manager.ContainerFileKeeper, path: str, content: bytes) -> None:
        world.touch()
        if world.touched + 1 == world.fatal:
            os.makedirs(os.path.dirname(path), exist_ok=True)
            Path(path).write_bytes(b"half")
            world.touch()
        genuine_keep(self, path, content)
        world.touch()

    def leave(self: ActiveRun, kind: t.Any, exc: BaseException | None, trace: object) -> None:
        if isinstance(exc, Killed):
            self._stop.set()
        else:
            genuine_exit(self, kind, exc, trace)

    monkeypatch.setattr(run_store, "write_file_atomically", write)
    monkeypatch.setattr(os, "fsync", lambda _descriptor: None)
    monkeypatch.setattr(run_lock, "is_process_alive", lambda _process: False)
    monkeypatch.setattr(ActiveRun, "__exit__", leave)
    # Without indentation, which Python writes slowly, and without thousands of threads for heartbeats.
    compact = types.SimpleNamespace(load=json.load, dumps=lambda value, **_options: json.dumps(value))
    for files in (run_store, run_lock):
        monkeypatch.setattr(files, "json", compact)
    no_thread = types.SimpleNamespace(start=lambda: None)
    monkeypatch.setattr(
        run_active, "threading", types.SimpleNamespace(Event=threading.Event, Thread=lambda **_options: no_thread)
    )
    for files in (base, temporary_objects):
        monkeypatch.setattr(files, "HelperContainer", LocalShell)
    for files in (keepers_volume, keeper_folder):
        monkeypatch.setattr(files, "SYNC", "true")
    monkeypatch.setattr(keepers_database, "run_sql", fake_psql)
    monkeypatch.setattr(keepers_database, "require_administrator", lambda _server, _database: None)
    monkeypatch.setattr(temporary_objects, "run_sql", fake_psql)
    monkeypatch.setattr(
        keepers_database, "build_copy_settings_sql", lambda source, target: f"settings of {source} to {target}"
    )
    monkeypatch.setattr(recovery_run, "Docker", lambda _project: world.docker)
    monkeypatch.setattr(manager.FileKeeper, "_copy", copy)
    monkeypatch.setattr(manager.ContainerFileKeeper, "_write", keep_content)
    # Ids in one second would sort by chance.
    numbers = iter(range(10**6))
    monkeypatch.setattr(run_record, "generate_run_id", lambda: f"20260131T{next(numbers):06d}Z-abcd")
    return world


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return t.cast(str, request.param)


@pytest.fixture
def store(tmp_path: Path) -> RunStore:
    return RunStore(str(tmp_path / "shop"), str(tmp_path / "project"))
