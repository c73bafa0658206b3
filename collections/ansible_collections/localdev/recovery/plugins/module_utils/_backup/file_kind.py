# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Tell from a file's first bytes what it is, and why it cannot be restored. Pure."""

from __future__ import annotations

import os
import re
import typing as t

from ansible_collections.localdev.recovery.plugins.module_utils._core.next_command import (
    Line,
    NextCommand,
    playbook_command,
    program_command,
)

# The content of a pg_dump in tar format begins after the first header.
HEAD_BYTES = 4096

Compression = t.Literal["", "gzip", "bzip2", "xz", "zstd", "lz4", "zip"]
# plain, custom and directory can be restored. cluster: a data folder of a server. other: a folder of something else.
Content = t.Literal[
    "plain",
    "custom",
    "directory",
    "cluster_dump",
    "tar_dump",
    "tar",
    "cluster",
    "other",
    "empty",
    "html",
    "json",
    "lfs_pointer",
    "mysql",
    "sqlite",
    "utf16",
    "binary",
]

_COMPRESSIONS: tuple[tuple[bytes, Compression], ...] = (
    (b"\x1f\x8b", "gzip"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ\x00", "xz"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"\x04\x22\x4d\x18", "lz4"),
    (b"PK\x03\x04", "zip"),
)
# Python on a host reads these by itself.
READABLE_COMPRESSIONS = ("", "gzip", "bzip2", "xz")
_BEGINNINGS: tuple[tuple[re.Pattern[bytes], Content], ...] = (
    (re.compile(rb"PGDMP"), "custom"),
    (re.compile(rb"SQLite format 3\x00"), "sqlite"),
    (re.compile(rb"\xff\xfe|\xfe\xff"), "utf16"),
    (re.compile(rb"version https://git-lfs"), "lfs_pointer"),
    (re.compile(rb"\s*<(?:!doctype html|html|\?xml)", re.IGNORECASE), "html"),
    (re.compile(rb"\s*[\[{]"), "json"),
    (re.compile(rb"-- (?:MySQL|MariaDB) dump"), "mysql"),
    (re.compile(rb"(?:[^\n]*\n){0,5}-- PostgreSQL database cluster dump"), "cluster_dump"),
)
_DECOMPRESSORS: t.Mapping[str, t.Sequence[str]] = {
    "gzip": ("gunzip", "--keep"),
    "bzip2": ("bunzip2", "--keep"),
    "xz": ("unxz", "--keep"),
    "zstd": ("zstd", "--decompress"),
    "lz4": ("lz4", "--decompress"),
    "zip": ("unzip",),
}
_SUFFIX = re.compile(r"\.(?:gz|bz2|xz|zst|lz4|zip)$", re.IGNORECASE)
_REMADE = "Make the dump again with pg_dump, or choose another backup."


class Refusal(t.NamedTuple):
    """A reason why a file cannot be restored. next_command: what makes a dump of it."""

    reason: str
    hint: Line = _REMADE
    next_command: NextCommand | None = None


def detect_compression(head: bytes) -> Compression:
    """Return how a file is compressed. head: its first bytes."""
    return next((name for magic, name in _COMPRESSIONS if head.startswith(magic)), "")


def detect_content(head: bytes) -> Content:
    """Return what a file holds. head: its first HEAD_BYTES bytes, decompressed. Text that is nothing else is SQL."""
    if not head.strip():
        return "empty"
    if head[257:262] == b"ustar":
        return "tar_dump" if head.startswith(b"toc.dat\x00") else "tar"
    found: Content | None = next((kind for pattern, kind in _BEGINNINGS if pattern.match(head)), None)
    return found or ("binary" if b"\x00" in head else "plain")


def detect_folder(names: t.Collection[str]) -> Content:
    """Return what a folder holds. names: of its entries."""
    if "toc.dat" in names:
        return "directory"
    if "PG_VERSION" in names:
        return "cluster"
    return "other" if names else "empty"


def explain_refusal(
    path: str, content: Content, compression: Compression = "", *, database: str = "", first_member: str = ""
) -> Refusal | None:
    """Return why a file or folder cannot be restored, or None if it can.

    database: whose dump is wanted. first_member: of a tar archive.
    """
    if compression not in READABLE_COMPRESSIONS or (compression and content in ("custom", "tar_dump")):
        command = (*_DECOMPRESSORS[compression], path)
        return Refusal(
            f"it is compressed with {compression}", "Decompress it, and restore the result.", program_command(*command)
        )
    if content in ("plain", "custom", "directory"):
        return None
    stem = _SUFFIX.sub("", path)
    if content == "tar_dump":
        return Refusal(
            "it is a dump in tar format",
            f"Make SQL of it, and restore {stem}.sql.",
            program_command("pg_restore", f"--file={stem}.sql", path),
        )
    if content == "cluster_dump":
        return _refuse_cluster_dump(path, stem, compression, database)
    if content == "cluster":
        return _refuse_cluster(path)
    if content == "tar":
        return _refuse_tar(path, first_member)
    if content == "utf16":
        return Refusal(
            "its text is UTF-16, as PowerShell writes it",
            f"Convert it, and restore {stem}.utf8.sql. Next time, let pg_dump write the file: --file=NAME.",
            program_command("iconv", "--from-code=UTF-16", "--to-code=UTF-8", f"--output={stem}.utf8.sql", path),
        )
    if content == "lfs_pointer":
        return Refusal(
            "it is a pointer of Git LFS, not the file itself",
            "Fetch the file.",
            program_command("git", "lfs", "pull", cwd=os.path.dirname(path)),
        )
    return Refusal(_REASONS[content])


_REASONS: t.Mapping[str, str] = {
    "other": "it is a folder without the file toc.dat of a dump",
    "empty": "it is empty",
    "html": "it is a web page: the download failed, or needs a login",
    "json": "it is JSON, perhaps the error message of a failed download",
    "mysql": "it is a dump of MySQL",
    "sqlite": "it is a database of SQLite",
    "binary": "it is neither SQL nor a dump of pg_dump",
}


def _refuse_cluster_dump(path: str, stem: str, compression: Compression, database: str) -> Refusal:
    reason = "it is a dump of all databases of a server, by pg_dumpall"
    if compression:
        return Refusal(reason, "Decompress it first.", program_command(*_DECOMPRESSORS[compression], path))
    if not database:
        return Refusal(reason)
    part = f"{os.path.splitext(stem)[0]}-{database}.sql"
    begin = rf"/^\\connect .*\b{re.escape(database)}\b/"
    return Refusal(
        reason,
        f"Take the database {database} out of it, and restore {part}.",
        program_command(
            "sed", "-n", "-e", f"{begin},/^-- PostgreSQL database dump complete/{{", "-e", rf"/^\\connect/!w {part}",
            "-e", "}", path,
        ),
    )  # fmt: skip


def _refuse_cluster(path: str) -> Refusal:
    archive = f"{path.rstrip(os.sep)}.tar.gz"
    return Refusal(
        "it is a copy of the data folder of a server, not a dump",
        ["Archive it, and restore that: ", playbook_command("volume_restore", volume_restore_select=archive)],
        program_command("tar", "--create", "--gzip", f"--file={archive}", f"--directory={path}", "."),
    )


def _refuse_tar(path: str, first_member: str) -> Refusal:
    names = first_member.strip("/").split("/")
    if names[-1] in ("PG_VERSION", "base", "global", "pg_wal", "postmaster.opts", "."):
        return Refusal(
            "it is an archive of the data folder of a server, not a dump",
            "It fits only the same major version of PostgreSQL.",
            playbook_command("volume_restore", volume_restore_select=path),
        )
    return Refusal(
        "it is a tar archive",
        "Extract it, and restore the dump in it.",
        program_command("tar", "--extract", f"--file={path}"),
    )
