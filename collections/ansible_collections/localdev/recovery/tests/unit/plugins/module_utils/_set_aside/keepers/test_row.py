# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rows are kept and put back. The integration targets show what PostgreSQL does with the SQL."""

from __future__ import annotations

import stat
import typing as t
from pathlib import Path

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._docker.cli import CompletedCommand, Docker
from ansible_collections.localdev.recovery.plugins.module_utils._run.kept_names import derive_kept_name
from ansible_collections.localdev.recovery.plugins.module_utils._run.record import RunRecord, generate_run_id
from ansible_collections.localdev.recovery.plugins.module_utils._run.retention import has_content
from ansible_collections.localdev.recovery.plugins.module_utils._run.store import RunStore
from ansible_collections.localdev.recovery.tests.unit.failure_assertions import raises_failure
from ansible_collections.localdev.recovery.tests.unit.plugins.module_utils._set_aside.single_run import (
    create_manager,
    end_run,
    start_run,
)

ROW = {
    "kind": "row", "name": "any", "container": "db", "user": "owner", "database": "shop", "table": "auth.users",
    "column": "username", "value": "it's/me",
}  # fmt: skip


OLD = '{"username":"it\'s/me","amount":1.50}'


class Server(Docker):
    """A psql that answers with one row, or none, and remembers what it was asked."""

    def __init__(self, row: str) -> None:
        super().__init__()
        self.row = row
        self.asked: list[str] = []

    def inspect(self, kind: str, names: t.Sequence[str]) -> list[dict[str, t.Any]]:
        return [{"Image": "sha256:abc", "Config": {"Env": []}}]

    def run(self, *args: str, check: bool = True, **kwargs: t.Any) -> CompletedCommand:
        sql = str(kwargs.get("stdin"))
        self.asked.append(sql)
        assert OLD not in " ".join(args)
        answer = f"{int(bool(self.row))}\n{self.row}" if "SELECT row_to_json(t) FROM" in sql else ""
        return CompletedCommand(args, 0, answer)


def keep_row(store: RunStore, docker: Docker) -> tuple[RunRecord, Path]:
    record = start_run(store)
    (entry,) = create_manager(store, record, docker).keep([ROW])
    assert entry["state"] == "live"
    end_run(store, record)
    return record, Path(store.folder, "rows", entry["aside"])


def test_a_row_is_kept_to_the_last_digit_for_its_owner_alone(store: RunStore) -> None:
    record, path = keep_row(store, Server(OLD))
    assert path.read_text() == OLD
    assert has_content(record["asides"][0])
    assert (stat.S_IMODE(path.stat().st_mode), stat.S_IMODE(path.parent.stat().st_mode)) == (0o600, 0o700)
    assert record["asides"][0]["name"] == "shop.auth.users.username=it's/me"
    assert "1.50" not in Path(store.path(record["run_id"])).read_text()


def test_putting_a_row_back_keeps_the_one_that_stands_there(store: RunStore) -> None:
    record, path = keep_row(store, Server(OLD))
    undo, server = start_run(store), Server('{"username":"new"}')
    create_manager(store, undo, server).put_back(store.load(record["run_id"]))
    assert Path(store.folder, "rows", undo["asides"][0]["aside"]).read_text() == '{"username":"new"}'
    assert "json_populate_record" in server.asked[-1]
    assert OLD.replace("'", "''") in server.asked[-1]
    assert "session_replication_role = replica" in server.asked[-1]
    assert path.exists()


def test_a_row_that_was_made_is_taken_away_unless_others_refer_to_it(store: RunStore) -> None:
    record, path = keep_row(store, Server(""))
    assert path.read_text() == "null"
    assert not has_content(record["asides"][0])
    server = Server('{"username":"new"}')
    create_manager(store, start_run(store), server).put_back(store.load(record["run_id"]))
    assert "DELETE FROM" in server.asked[-1]
    assert "reference.child" in server.asked[-1]
    # Keys that guard references must be at work.
    assert "session_replication_role" not in server.asked[-1]


def test_two_rows_of_one_name_cannot_be_kept(store: RunStore) -> None:
    class Two(Server):
        def run(self, *args: str, check: bool = True, **kwargs: t.Any) -> CompletedCommand:
            return CompletedCommand(args, 0, "2\n{}\n{}")

    with raises_failure(FailureId.ROW_AMBIGUOUS, 2, "shop"):
        create_manager(store, start_run(store), Two("")).keep([ROW])


@pytest.mark.parametrize("value", ["plain", "a/b", "..", "x" * 300, "é'\\"])
def test_the_file_of_a_row_stays_in_its_folder(value: str) -> None:
    name = derive_kept_name("row", f"shop.users.username={value}", generate_run_id())
    assert "/" not in name
    assert len(name.encode()) <= 200
