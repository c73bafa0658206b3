# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import gzip
import typing as t
from pathlib import Path

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._backup.catalog import BackupSet
from ansible_collections.localdev.recovery.plugins.module_utils._backup.restore import (
    _restore_with_psql,
    _warn_of_missing_roles,
)
from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils._docker.cli import Docker
from ansible_collections.localdev.recovery.plugins.module_utils._postgresql.psql import DatabaseServer


def item(path: str = "/b/shop_20260131_100000.dump", kind: str = "custom", **metadata: t.Any) -> BackupSet:
    return BackupSet("shop_20260131_100000", path, kind, "shop", 0.0, 1, metadata)


def test_roles_that_do_not_exist_here_are_reported() -> None:
    server = DatabaseServer("db", "keeper")
    assert _warn_of_missing_roles([], "x", server) == []
    assert _warn_of_missing_roles(["a"], "what it owned belongs to", server) == [
        "the role a of the backup does not exist here: what it owned belongs to keeper, without the backup's privileges"
    ]
    assert "the roles a, b of the backup do not exist" in _warn_of_missing_roles(["a", "b"], "x", server)[0]


# --- through psql ------------------------------------------------------------------------------------------------


def plain(path: Path, text: bytes) -> BackupSet:
    path.write_bytes(gzip.compress(text))
    return item(str(path), "plain")


def restored_plain(tmp_path: Path, text: bytes, client: str) -> list[str]:
    """Restore with a shell script in place of docker, which is given what psql would be."""
    binary = tmp_path / "docker"
    binary.write_text(f"#!/bin/sh\n{client}\n")
    binary.chmod(0o755)
    facts = {"roles": ["keeper"], "settings": ["lock_timeout"], "data_directory": "/var/lib/a b"}
    dumped = plain(tmp_path / "shop_20260131_100000.sql.gz", text)
    return _restore_with_psql(
        Docker(binary=str(binary)), DatabaseServer("db", "keeper"), dumped, "scratch", facts, "alembic_version"
    )


END = b"-- PostgreSQL database dump complete\n"


def test_a_plain_dump_reaches_psql_without_what_the_server_does_not_know(tmp_path: Path) -> None:
    text = b"SET lock_timeout = 0;\nSET new_thing = 0;\nALTER TABLE x OWNER TO gone;\n" + END
    warnings = restored_plain(tmp_path, text, f"cat >{tmp_path}/executed")
    assert (tmp_path / "executed").read_bytes() == b"SET lock_timeout = 0;\n" + END
    assert warnings[0].startswith("the role gone of the backup does not exist here")
    assert warnings[1] == "settings that this server does not know were left out: new_thing"


def test_an_error_of_psql_ends_the_restore_though_more_is_to_come(tmp_path: Path) -> None:
    text = b"SELECT 1 / 0;\n" + b"SELECT 1;\n" * 200_000 + END
    with pytest.raises(RecoveryError, match="cannot be restored: ERROR:  division by zero") as caught:
        restored_plain(tmp_path, text, "echo NOTICE: x >&2; echo 'ERROR:  division by zero' >&2; exit 3")
    assert caught.value.kind == "verification"


@pytest.mark.parametrize("cause", ["No space left on device", "wrote only 4096 of 8192 bytes at block 7"])
def test_a_full_disk_is_not_reported_as_a_corrupt_backup(tmp_path: Path, cause: str) -> None:
    says = f"echo 'ERROR:  could not extend file \"base/1/2\": {cause}' >&2; exit 3"
    with pytest.raises(RecoveryError, match=r"ran full while the backup .* was restored") as caught:
        restored_plain(tmp_path, b"SELECT 1;\n" + END, says)
    assert caught.value.kind == "failed"
    assert "df -h '/var/lib/a b'" in caught.value.next_command


def test_a_refused_dump_never_comes_to_an_end_for_psql(tmp_path: Path) -> None:
    """psql is killed, so that what it has read does not look like the whole."""
    text = b"SELECT 1;\n" + b"\\connect shop\n" + END
    with pytest.raises(RecoveryError, match=r"psql command \\connect"):
        restored_plain(tmp_path, text, f"cat >{tmp_path}/executed; echo all >>{tmp_path}/executed")
    executed = tmp_path / "executed"
    assert not executed.exists() or b"all" not in executed.read_bytes()
