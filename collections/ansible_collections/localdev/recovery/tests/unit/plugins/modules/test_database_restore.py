# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import types
import typing as t
from pathlib import Path

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._backup.catalog import read_backup_set
from ansible_collections.localdev.recovery.plugins.module_utils._backup.restore import RestoreResult
from ansible_collections.localdev.recovery.plugins.module_utils._docker.cli import Docker
from ansible_collections.localdev.recovery.plugins.module_utils._postgresql.server import SET_NEWER_TIMEOUTS
from ansible_collections.localdev.recovery.plugins.modules import database_restore
from ansible_collections.localdev.recovery.tests.unit.known_server import make_known_server
from ansible_collections.localdev.recovery.tests.unit.plugins.modules.dated_backups import write_dated_backup


class Dropping(Docker):
    def __init__(self) -> None:
        super().__init__()
        self.executed: list[str] = []

    def inspect(self, kind: str, names: t.Sequence[str]) -> list[dict[str, t.Any]]:
        return [{"Image": "sha256:abc", "Config": {"Env": []}}]

    def run(self, *args: str, **kwargs: t.Any) -> t.Any:
        self.executed.append(kwargs["stdin"].removeprefix(SET_NEWER_TIMEOUTS))
        return types.SimpleNamespace(args=args, returncode=0, stdout="", stderr="")


@pytest.mark.parametrize("own", [True, False], ids=["own", "of another tool"])
def test_a_drill_is_written_into_metadata_of_this_collection_alone(tmp_path: Path, own: bool) -> None:
    item = write_dated_backup(tmp_path, 0, "c3", **({"format_version": 2} if own else {}))
    before = Path(item.metadata_path).read_text()
    docker = Dropping()
    made = RestoreResult(make_known_server(docker), "shop.restore-1", {}, [], 0.1)
    proved = database_restore.finish_drill(docker, None, item, made)
    assert docker.executed == ['DROP DATABASE IF EXISTS "shop.restore-1" WITH (FORCE)']
    after = read_backup_set(item.path)
    if own:
        assert after.last_test_restored == proved
        assert after.metadata == {**item.metadata, "last_proved_restorable": proved}
    else:
        assert proved is None
        assert Path(item.metadata_path).read_text() == before
