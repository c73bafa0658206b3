# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Write, copy and hash files so that a crash leaves the old or the new content."""

from __future__ import annotations

import concurrent.futures
import contextlib
import errno
import hashlib
import os
import secrets
import shutil
import typing as t

_BLOCK_SIZE = 1024 * 1024
_HASH_THREADS = 4


# --- whether it is what was written --------------------------------------------------------------------------------


def hash_file(path: str, seen: t.Callable[[int], None] | None = None) -> dict[str, t.Any]:
    """``bytes`` and ``sha256`` of a file. seen: told how many bytes were read since it was last told."""
    digest = hashlib.sha256()
    size = 0
    with open(path, "rb") as file:
        while block := file.read(_BLOCK_SIZE):
            digest.update(block)
            size += len(block)
            if seen:
                seen(len(block))
    return {"bytes": size, "sha256": digest.hexdigest()}


def hash_files(path: str, seen: t.Callable[[int], None] | None = None) -> dict[str, dict[str, t.Any]]:
    """Bytes and sha256 of a dump's files by name, several at once."""
    names = sorted(os.listdir(path)) if os.path.isdir(path) else [os.path.basename(path)]
    folder = path if os.path.isdir(path) else os.path.dirname(path)
    with concurrent.futures.ThreadPoolExecutor(_HASH_THREADS) as pool:
        hashes = pool.map(lambda name: hash_file(os.path.join(folder, name), seen), names)
        return dict(zip(names, hashes, strict=True))


# --- the folder ------------------------------------------------------------------------------------------------


def fsync_folder(path: str) -> None:
    """Bring the names in a folder to the disk, as after a rename."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_file_atomically(path: str, text: str, mode: int = 0o600) -> None:
    """Old or new content, never a part of it, also after a power cut."""
    temporary = f"{path}.{secrets.token_hex(4)}.tmp"
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as handle:
            handle.write(text)
            handle.flush()
            os.fsync(handle.fileno())
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise
    fsync_folder(os.path.dirname(path))


PRIVATE_MODE = 0o600
TEMPORARY_SUFFIX = ".tmp"


def _open_private(path: str, flags: int) -> int:
    """Opener for a copy that may hold secrets: nobody else reads it before it has the mode of the original."""
    return os.open(path, flags, PRIVATE_MODE)


def copy_file_atomically(source: str, target: str, temporary: str, mode: int | None = None) -> None:
    """Old or new content under TARGET, never a part of it, with owner and time of SOURCE. May raise OSError.

    temporary: where the copy grows; across a border of file systems it has to be beside the target. mode: default that
    of SOURCE.
    """
    with open(source, "rb") as old, open(temporary, "wb", opener=_open_private) as new:
        shutil.copyfileobj(old, new)
        status = os.fstat(old.fileno())
        # Run as another user (become), the copy would otherwise no longer be its owner's.
        with contextlib.suppress(PermissionError):
            os.fchown(new.fileno(), status.st_uid, status.st_gid)
        new.flush()
        shutil.copystat(source, temporary)
        if mode is not None:
            os.fchmod(new.fileno(), mode)
        os.fsync(new.fileno())
    try:
        os.replace(temporary, target)
    except OSError as exc:
        os.unlink(temporary)
        if exc.errno != errno.EXDEV:
            raise
        copy_file_atomically(source, target, f"{target}{TEMPORARY_SUFFIX}", mode)
    fsync_folder(os.path.dirname(target))


def is_path_within(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip("/") + "/")
