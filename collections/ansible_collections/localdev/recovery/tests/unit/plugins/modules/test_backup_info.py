# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import types
import typing as t
from pathlib import Path

from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.modules import backup_info
from ansible_collections.localdev.recovery.tests.unit.failure_assertions import assert_lines_name, raises_failure
from ansible_collections.localdev.recovery.tests.unit.golden import assert_golden
from ansible_collections.localdev.recovery.tests.unit.plugins.modules.dated_backups import write_dated_backup


def module(**params: t.Any) -> t.Any:
    return types.SimpleNamespace(params=params, check_mode=False)


def info(folder: Path, **params: t.Any) -> dict[str, t.Any]:
    return backup_info.act(
        module(**{"folder": str(folder), "database": "", "select": "", "checksums": "none", **params})
    )


def test_an_empty_folder(tmp_path: Path) -> None:
    assert info(tmp_path) == {"changed": False, "backups": [], "selected": {}, "lines": []}
    with raises_failure(FailureId.BACKUP_NONE, tmp_path):
        info(tmp_path, select="latest")


def test_lines_say_what_people_choose_by(tmp_path: Path) -> None:
    write_dated_backup(tmp_path, 2 / 24, "c3", format_version=2, last_proved_restorable="2026-01-31T10:00:00Z")
    damaged = write_dated_backup(tmp_path, 3, "b2 c3", format_version=2)
    Path(damaged.path).write_bytes(b"x" * damaged.bytes)
    write_dated_backup(tmp_path, 5, "unknown")
    found = info(tmp_path, checksums="all")
    assert [backup["checksums"] for backup in found["backups"]] == ["ok", "damaged", "none"]
    assert_lines_name(
        found["lines"],
        ["2 h", "plain", "c3", "2026-01-31T10:00:00Z"],
        ["3 days", "plain", "b2, c3", Path(damaged.path).name],
        ["5 days", "plain"],
    )
    # Names have the time of this test.
    assert_golden("backup/lines", [line.partition(": ")[2].replace(damaged.name, "NAME") for line in found["lines"]])


def test_checksums_of_the_selected_alone(tmp_path: Path) -> None:
    write_dated_backup(tmp_path, 0, "c3", format_version=2)
    found = info(tmp_path, select="latest", checksums="selected")
    assert found["selected"]["checksums"] == "ok"
    assert found["backups"][0]["checksums"] == "not checked"
    assert info(tmp_path, select="latest")["selected"]["checksums"] == "not checked"


def test_a_selected_file_that_is_no_dump_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "page.sql"
    path.write_text("<!DOCTYPE html>")
    with raises_failure(FailureId.BACKUP_NOT_A_DUMP, path):
        info(tmp_path, select=str(path))
