# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Backups of a given age in a folder."""

from __future__ import annotations

import typing as t
from pathlib import Path

from ansible_collections.localdev.recovery.plugins.module_utils._backup.catalog import (
    DUMP_EXTENSIONS,
    format_set_timestamp,
)
from ansible_collections.localdev.recovery.plugins.module_utils._backup.metadata import write_metadata
from ansible_collections.localdev.recovery.plugins.module_utils._core.files import hash_files

NOW = 1_800_000_000.0
DAY = 86400.0


def write_set(
    folder: Path, age: float, *, kind: str = "custom", own: bool = True, text: str = "", **more: t.Any
) -> Path:
    """Write a set that is AGE seconds old, with metadata of this collection or of the manual procedure."""
    stamp = format_set_timestamp(NOW - age)
    database = more.pop("database", "shop")
    path = folder / f"{database}_{stamp}{DUMP_EXTENSIONS[kind]}"
    if kind == "directory":
        path.mkdir()
        for name in ("toc.dat", "1.dat.gz", "2.dat.gz"):
            (path / name).write_text(f"content of {name}")
    else:
        path.write_text(text or ("-- a dump" if kind == "plain" else "PGDMP a dump"))
    metadata = {"timestamp": stamp, "alembic_version": "feed", "database": database, "backup_file": path.name}
    if own:
        metadata |= {
            "format_version": 2,
            "format": kind,
            "files": hash_files(str(path)),
            "rows": {},
            "server_version": "15.1",
            **more,
        }
    write_metadata(str(folder / f"{database}_{stamp}.metadata"), metadata)
    return path
