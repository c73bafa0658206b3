# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Build pg_dump's command line, and choose its compression."""

from __future__ import annotations

import shlex

from ansible_collections.localdev.recovery.plugins.module_utils._postgresql.client_tools import ClientTools

# Let choose_compression decide.
COMPRESSION_AUTO = "auto"
FIRST_MAJOR_WITH_ZSTD = 16
# pg_dump writes statistics of the planner and pg_restore restores them; before, neither can.
FIRST_MAJOR_WITH_STATISTICS = 18


def can_dump_statistics(kind: str, server_major: int) -> bool:
    """Return whether a dump can hold the statistics of its tables. kind: a format of pg_dump. Pure.

    The client is of the server's own image. A plain dump is for other tools and servers, which stop at the functions
    that set statistics; of other formats pg_restore leaves them out.
    """
    return kind != "plain" and server_major >= FIRST_MAJOR_WITH_STATISTICS


def choose_compression(tools: ClientTools, kind: str, server_major: int) -> str:
    """Return the best compression of a dump, as pg_dump's --compress takes it. kind: a format of pg_dump.

    Level 1 of zstd gives smaller dumps than any level of gzip, in a third of the processor's time; reading them takes
    half the time (benchmarks/formats.json). Level 3 gives no smaller ones. A higher level of gzip takes nearly three
    times the time to save a fiftieth of the size. No compression is not faster with data that can be compressed.
    """
    # Other tools that read plain dumps expect gzip.
    if kind == "plain" or server_major < FIRST_MAJOR_WITH_ZSTD:
        return "1"
    # It always fails, because the server does not exist; an error of the build comes before the connection.
    answer = tools.run("! pg_dump --compress=zstd:1 --host=/nowhere 2>&1")
    return "1" if "not support compression" in answer else "zstd:1"


def build_pg_dump_command(
    kind: str,
    path: str,
    *,
    database: str,
    snapshot: str,
    jobs: int,
    compression: str,
    lock_timeout_s: int,
    statistics: bool,
) -> str:
    """Return the shell command that dumps a database within an exported snapshot. kind: a format of pg_dump. Pure."""
    arguments = [
        "pg_dump",
        f"--format={kind}",
        f"--file={path}",
        f"--snapshot={snapshot}",
        f"--compress={compression}",
        # A running migration must not block a backup for ever.
        f"--lock-wait-timeout={lock_timeout_s}s",
        "--no-password",
    ]
    if kind == "directory":
        arguments.append(f"--jobs={jobs}")
    if statistics:
        # Without it pg_dump 18 leaves them out; older versions do not know the option.
        arguments.append("--statistics")
    return shlex.join([*arguments, f"--dbname={database}"])
