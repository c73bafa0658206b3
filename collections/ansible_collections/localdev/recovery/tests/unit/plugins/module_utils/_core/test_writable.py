# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import types
from pathlib import Path

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._core import writable
from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._core.next_command import program_command
from ansible_collections.localdev.recovery.plugins.module_utils._core.writable import check_folder_writable
from ansible_collections.localdev.recovery.plugins.modules import database_backup
from ansible_collections.localdev.recovery.tests.unit.failure_assertions import raises_failure


def test_a_folder_that_can_be_written_or_created(tmp_path: Path) -> None:
    check_folder_writable(str(tmp_path))
    check_folder_writable(str(tmp_path / "backups" / "postgres"))
    (tmp_path / "file").write_text("")
    with raises_failure(FailureId.FILE_NOT_WRITABLE, tmp_path / "file"):
        check_folder_writable(str(tmp_path / "file" / "backups"))


@pytest.mark.parametrize("flags", [0, os.ST_RDONLY], ids=["permission", "file system"])
def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, flags: int) -> None:
    # The tests may run as root, whom no permission stops.
    monkeypatch.setattr(writable.os, "access", lambda _path, _mode: False)
    monkeypatch.setattr(writable.os, "statvfs", lambda _path: types.SimpleNamespace(f_flag=flags))
    with raises_failure(FailureId.FILE_NOT_WRITABLE, tmp_path / "backups", "read-only" if flags else "") as caught:
        check_folder_writable(str(tmp_path / "backups"))
    assert caught.value.next_command == program_command("ls", "-ld", str(tmp_path))


def test_a_backup_in_check_mode_names_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writable.os, "access", lambda _path, _mode: False)
    monkeypatch.setattr(database_backup, "find_database_server", lambda *_arguments: None)
    project = {"name": "shop", "dir": str(tmp_path), "files": [], "env_files": [], "profiles": []}
    params = {"stack": {"project": project}, "folder": str(tmp_path / "backups"), "keep": 1, "keep_days": 1}
    with raises_failure(FailureId.FILE_NOT_WRITABLE, tmp_path / "backups"):
        database_backup.act(types.SimpleNamespace(params=params, check_mode=True))
