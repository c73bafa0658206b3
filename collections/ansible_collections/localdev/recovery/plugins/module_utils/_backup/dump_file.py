# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Read the first bytes of dumps that people name, and refuse what cannot be restored."""

from __future__ import annotations

import contextlib
import importlib
import os
import typing as t
import zlib

from ansible_collections.localdev.recovery.plugins.module_utils._backup.catalog import LIST_BACKUPS_COMMAND
from ansible_collections.localdev.recovery.plugins.module_utils._backup.file_kind import (
    HEAD_BYTES,
    READABLE_COMPRESSIONS,
    Compression,
    detect_compression,
    detect_content,
    detect_folder,
    explain_refusal,
)
from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId

# Modules of Python that a host's Python may lack are imported only for files that need them.
_MODULES: t.Mapping[str, str] = {"gzip": "gzip", "bzip2": "bz2", "xz": "lzma"}


def open_compressed(path: str) -> t.IO[bytes]:
    """Open a file for reading what it holds, decompressed. Raise OSError if this Python cannot decompress it."""
    compression = read_compression(path)
    if compression not in READABLE_COMPRESSIONS:
        raise OSError(f"Python cannot decompress {compression}")
    if not compression:
        return open(path, "rb")
    try:
        module = importlib.import_module(_MODULES[compression])
    except ImportError as exc:
        raise OSError(f"the Python of the stack's host lacks the module {_MODULES[compression]}") from exc
    return t.cast("t.IO[bytes]", module.open(path, "rb"))


def read_compression(path: str) -> Compression:
    """Return how a file is compressed."""
    with open(path, "rb") as file:
        return detect_compression(file.read(HEAD_BYTES))


def list_decompression_errors() -> tuple[type[Exception], ...]:
    """Return the exceptions of a file that is truncated or corrupt. A Python without lzma has no error of it."""
    errors: list[type[Exception]] = [EOFError, zlib.error]
    with contextlib.suppress(ImportError):
        errors.append(importlib.import_module("lzma").LZMAError)
    return tuple(errors)


def check_dump_kind(path: str, database: str) -> None:
    """Raise RecoveryError for a file or folder that is no dump which can be restored.

    A file that cannot be read or is corrupt is left to those who read all of it. database: whose dump is wanted.
    """
    compression: Compression = ""
    head = b""
    unreadable: tuple[type[Exception], ...] = (OSError, *list_decompression_errors())
    try:
        if os.path.isdir(path):
            content = detect_folder(os.listdir(path))
        else:
            compression = read_compression(path)
            if compression in READABLE_COMPRESSIONS:
                with open_compressed(path) as file:
                    head = file.read(HEAD_BYTES)
            content = detect_content(head)
    except unreadable:
        return
    member = head[:100].rstrip(b"\x00").partition(b"\x00")[0].decode(errors="replace")
    refusal = explain_refusal(path, content, compression, database=database, first_member=member)
    if refusal is None:
        return
    raise RecoveryError(
        FailureId.BACKUP_NOT_A_DUMP,
        f"Cannot restore {path}: {refusal.reason}",
        hint=refusal.hint,
        next_command=refusal.next_command or LIST_BACKUPS_COMMAND,
    )
