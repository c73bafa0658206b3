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


def hash_file(path: str, on_read: t.Callable[[int], None] | None = None) -> dict[str, t.Any]:
    """Return ``bytes`` and ``sha256`` of a file. on_read: called with the number of bytes of each block."""
    digest = hashlib.sha256()
    size = 0
    with open(path, "rb") as file:
        while block := file.read(_BLOCK_SIZE):
            digest.update(block)
            size += len(block)
            if on_read:
                on_read(len(block))
    return {"bytes": size, "sha256": digest.hexdigest()}


def hash_files(path: str, on_read: t.Callable[[int], None] | None = None) -> dict[str, dict[str, t.Any]]:
    """Return ``bytes`` and ``sha256`` of a file or of each file in a folder, by name. Hash in parallel."""
    names = sorted(os.listdir(path)) if os.path.isdir(path) else [os.path.basename(path)]
    folder = path if os.path.isdir(path) else os.path.dirname(path)
    with concurrent.futures.ThreadPoolExecutor(_HASH_THREADS) as pool:
        hashes = pool.map(lambda name: hash_file(os.path.join(folder, name), on_read), names)
        return dict(zip(names, hashes))


def fsync_folder(path: str) -> None:
    """Flush the names in a folder to the disk, for example after a rename."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_file_atomically(path: str, text: str, mode: int = 0o600) -> None:
    """Write a file so that it has the old or the new content, even after a power cut. mode: ignores the umask."""
    temporary = f"{path}.{secrets.token_hex(4)}.tmp"
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        os.fchmod(descriptor, mode)
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
    """Open a copy that may hold secrets: only its owner can read it until it gets the mode of the original."""
    return os.open(path, flags, PRIVATE_MODE)


def copy_file_atomically(
    source: str,
    target: str,
    temporary: str,
    mode: int | None = None,
    *,
    owner: tuple[int, int] | bool = True,
) -> None:
    """Copy a file with its times so that the target has the old or the new content. May raise OSError.

    temporary: path of the unfinished copy; on another file system than the target, the file is copied again, beside the
    target. mode: the source's by default. owner: numbers of a user and a group, or whether the copy gets those of the
    source.
    """
    with open(source, "rb") as old, open(temporary, "wb", opener=_open_private) as new:
        shutil.copyfileobj(old, new)
        status = os.fstat(old.fileno())
        # With become, the copy would otherwise belong to the other user.
        if owner:
            with contextlib.suppress(PermissionError):
                os.fchown(new.fileno(), *(owner if isinstance(owner, tuple) else (status.st_uid, status.st_gid)))
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
        copy_file_atomically(source, target, f"{target}{TEMPORARY_SUFFIX}", mode, owner=owner)
    fsync_folder(os.path.dirname(target))


def is_path_within(path: str, folder: str) -> bool:
    """Return whether the path is the folder or in it. Compares text only."""
    return path == folder or path.startswith(folder.rstrip("/") + "/")
