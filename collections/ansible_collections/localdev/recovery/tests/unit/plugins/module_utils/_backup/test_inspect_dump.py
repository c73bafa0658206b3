# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import gzip
import typing as t
from pathlib import Path

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._backup.catalog import BackupSet
from ansible_collections.localdev.recovery.plugins.module_utils._backup.inspect_dump import (
    read_dump_revisions,
    read_header,
)
from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError


def item(path: str = "/b/shop_20260131_100000.dump", kind: str = "custom", **metadata: t.Any) -> BackupSet:
    return BackupSet("shop_20260131_100000", path, kind, "shop", 0.0, 1, metadata)


@pytest.mark.parametrize("compressed", [True, False])
def test_the_server_of_a_plain_dump_is_read_in_it(tmp_path: Path, compressed: bool) -> None:
    path = tmp_path / "shop_20260131_100000.sql.gz"
    text = b"--\n-- PostgreSQL database dump\n--\n\n-- Dumped from database version 16.2 (Debian 16.2-1)\n"
    path.write_bytes(gzip.compress(text) if compressed else text)
    nothing: t.Any = None
    found = read_header(item(str(path), "plain"), nothing, nothing)
    assert found.metadata["server_major"] == 16
    # The dump is not searched for what the metadata names.
    assert read_header(item("/nowhere", "plain", server_major=14), nothing, nothing).metadata["server_major"] == 14


def test_a_damaged_plain_dump_is_no_traceback(tmp_path: Path) -> None:
    path = tmp_path / "shop_20260131_100000.sql.gz"
    whole = gzip.compress(b"COPY public.alembic_version (version_num) FROM stdin;\n" * 1000)
    nothing: t.Any = None
    for text in (whole[:40], whole[:30] + b"\xff" + whole[31:], b"\x1f\x8b\x08"):
        path.write_bytes(text)
        with pytest.raises(RecoveryError, match="damaged or was cut short") as caught:
            read_dump_revisions(nothing, nothing, item(str(path), "plain"), "alembic_version")
        assert caught.value.kind == "unsafe"
    path.unlink()
    with pytest.raises(RecoveryError, match="cannot be read: No such file"):
        read_dump_revisions(nothing, nothing, item(str(path), "plain"), "alembic_version")


def plain(path: Path, text: bytes) -> BackupSet:
    path.write_bytes(gzip.compress(text))
    return item(str(path), "plain")
