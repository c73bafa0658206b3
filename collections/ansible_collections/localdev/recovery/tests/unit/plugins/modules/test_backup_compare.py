# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import types
import typing as t
from pathlib import Path

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._core.next_command import (
    playbook_command,
    program_command,
)
from ansible_collections.localdev.recovery.plugins.modules import backup_compare
from ansible_collections.localdev.recovery.tests.unit.failure_assertions import raises_failure
from ansible_collections.localdev.recovery.tests.unit.known_server import make_known_server
from ansible_collections.localdev.recovery.tests.unit.plugins.modules.dated_backups import write_dated_backup


def module(**params: t.Any) -> t.Any:
    return types.SimpleNamespace(params=params, check_mode=False)


HISTORY = [
    {"revision": "a1", "down_revisions": []},
    {"revision": "b2", "down_revisions": ["a1"]},
    {"revision": "c3", "down_revisions": ["b2"]},
]


STACK: dict[str, t.Any] = {
    "project": {"name": "shop", "dir": "/", "files": [], "env_files": [], "profiles": []},
    "services": {},
    "database": {"service": "db", "user": "keeper", "name": "shop"},
    "alembic": {"service": "api"},
}


@pytest.fixture
def compare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> t.Callable[..., dict[str, t.Any]]:
    monkeypatch.setattr(backup_compare, "run_alembic_request", lambda *_args: {"revisions": HISTORY})
    monkeypatch.setattr(backup_compare, "find_database_server", lambda _stack, _docker: make_known_server())
    found: dict[str, t.Any] = {"gone": {"refs": ["feature/x"], "commit": "abc"}}
    monkeypatch.setattr(backup_compare, "find_revision", lambda _folder, revision: found.get(revision))

    def act(**params: t.Any) -> dict[str, t.Any]:
        defaults = {
            "stack": STACK, "folder": str(tmp_path), "select": "latest", "trust_dump": False, "refuse": True,
            "config": "", "version_table": "alembic_version",
        }  # fmt: skip
        return backup_compare.act(module(**{**defaults, **params}))

    return act


def test_a_backup_at_the_head_and_one_behind(tmp_path: Path, compare: t.Callable[..., dict[str, t.Any]]) -> None:
    write_dated_backup(tmp_path, 0, "c3", format_version=2)
    write_dated_backup(tmp_path, 1, "a1", format_version=2)
    assert (compare()["verdict"], compare()["changed"]) == ("same", False)
    behind = compare(select="1d")
    assert (behind["verdict"], behind["pending"]) == ("behind", ["b2", "c3"])
    assert behind["backup"]["alembic_versions"] == ["a1"]


def test_a_refusal_fails_and_says_where_the_revision_is(
    tmp_path: Path, compare: t.Callable[..., dict[str, t.Any]]
) -> None:
    write_dated_backup(tmp_path, 0, "gone", format_version=2)
    with raises_failure(FailureId.BACKUP_REVISION_UNKNOWN, "gone", "feature/x") as caught:
        compare()
    assert caught.value.next_command == program_command("git", "-C", "/", "checkout", "feature/x")
    assert playbook_command("backup_list") in caught.value.hint
    assert compare(refuse=False)["verdict"] == "unknown"


@pytest.mark.parametrize(("written", "verdict"), [("b", "truncated"), ("unknown", "missing")])
def test_old_metadata_that_is_no_help(
    tmp_path: Path, compare: t.Callable[..., dict[str, t.Any]], written: str, verdict: str
) -> None:
    backup = write_dated_backup(tmp_path, 0, written)
    for selected, named in (("latest", backup.name), (backup.path, backup.path)):
        with raises_failure(FailureId.BACKUP_REVISION_UNCERTAIN, backup.name, "b2") as caught:
            compare(select=selected)
        trust = playbook_command("restore", restore_select=named, restore_trust_dump=True)
        assert caught.value.next_command == trust
    assert compare(refuse=False)["verdict"] == verdict
    trusted = compare(trust_dump=True)
    assert (trusted["verdict"], trusted["pending"]) == ("behind", ["c3"])


def test_without_alembic_nothing_is_asked(tmp_path: Path, compare: t.Callable[..., dict[str, t.Any]]) -> None:
    write_dated_backup(tmp_path, 0, "gone", format_version=2)
    assert compare(stack={**STACK, "alembic": None})["verdict"] == "not compared"


def test_a_file_that_is_no_dump_is_refused(tmp_path: Path, compare: t.Callable[..., dict[str, t.Any]]) -> None:
    path = tmp_path / "all.sql"
    path.write_text("-- PostgreSQL database cluster dump\n")
    with raises_failure(FailureId.BACKUP_NOT_A_DUMP, path):
        compare(select=str(path))
