# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plain dumps in a backup folder, whose age is given in days."""

from __future__ import annotations

import gzip
import time
import typing as t
from pathlib import Path

from ansible_collections.localdev.recovery.plugins.module_utils._backup.catalog import (
    BackupSet,
    format_set_timestamp,
    read_backup_set,
)
from ansible_collections.localdev.recovery.plugins.module_utils._backup.metadata import write_metadata
from ansible_collections.localdev.recovery.plugins.module_utils._core.files import hash_files


def write_dated_backup(folder: Path, days: float, revision: str, **metadata: t.Any) -> BackupSet:
    """Write a plain dump; with format_version one of this collection."""
    stamp = format_set_timestamp(time.time() - days * 86400)
    path = folder / f"shop_{stamp}.sql.gz"
    path.write_bytes(
        gzip.compress(
            b"COPY public.alembic_version (version_num) FROM stdin;\nb2\n\\.\n-- PostgreSQL database dump complete\n"
        )
    )
    found = {"timestamp": stamp, "alembic_version": revision, "database": "shop", "backup_file": path.name, **metadata}
    if "format_version" in found:
        found |= {"format": "plain", "rows": {}, "server_version": "15.1"}
        found |= {"alembic_versions": revision.split(), "files": hash_files(str(path))}
    write_metadata(str(folder / f"shop_{stamp}.metadata"), found)
    return read_backup_set(str(path))
