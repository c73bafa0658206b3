# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The copy of a database that PostgreSQL 18 clones, on XFS with reflink in a loop device and on the engine's own disk.

It needs root and mkfs.xfs (Debian's xfsprogs), and 20 GB of the disk at most.
"""

from __future__ import annotations

import contextlib
import statistics
import subprocess
import tempfile
import typing as t
from pathlib import Path

from ansible_collections.localdev.recovery.plugins.module_utils._docker.cli import Docker
from ansible_collections.localdev.recovery.plugins.module_utils._run.active import ActiveRun
from ansible_collections.localdev.recovery.plugins.module_utils._run.lock import RunLock
from ansible_collections.localdev.recovery.plugins.module_utils._run.process import describe_process
from ansible_collections.localdev.recovery.plugins.module_utils._run.record import build_run_record
from ansible_collections.localdev.recovery.plugins.module_utils._run.store import RunStore
from ansible_collections.localdev.recovery.plugins.module_utils._set_aside.manager import SetAsideManager
from benchmarks.backup_restore import NAME, RUNS, Database, Row, timed
from tests.harness.images import provide_base_images
from tests.harness.state_folders import state_folder

# Rows of each of four tables: 5 GB, and 1 GB, with their indexes.
LARGE, SMALL = 6_700_000, 1_340_000
XFS_SIZE = "16G"
COPY = 'CREATE DATABASE "bench.bare" TEMPLATE bench STRATEGY file_copy'


@contextlib.contextmanager
def xfs_folder(place: Path) -> t.Iterator[Path]:
    """Yield a folder on a new XFS file system that can share blocks, in a file of the place."""
    image, mounted = place / "xfs", place / "mounted"
    mounted.mkdir()
    subprocess.run(["truncate", "--size", XFS_SIZE, str(image)], check=True)
    subprocess.run(["mkfs.xfs", "-q", "-m", "reflink=1", str(image)], check=True)
    subprocess.run(["mount", "-o", "loop", str(image), str(mounted)], check=True)
    try:
        yield mounted
    finally:
        subprocess.run(["umount", str(mounted)], check=True)
        image.unlink()


def keep_copy(db: Database) -> float:
    """Return the seconds for which the database was shut while set_aside copied it."""
    store = RunStore(str(state_folder(NAME)))
    record = build_run_record("bench", project=NAME, user="bench", controller_host="here", parameters={})
    RunLock(store).start(record, describe_process())
    wanted = {"kind": "database", "name": "bench", "container": f"{NAME}-db-1", "user": "bench", "copy": True}
    with ActiveRun(store, record["run_id"]) as run:
        SetAsideManager(Docker(), run, "").keep([wanted])
    return db.read_unavailable_seconds()


def measure_copies(db: Database, rows: int, copies: int) -> tuple[list[float], list[float], list[float], str]:
    """Return seconds of set_aside's copy, of a copy of all bytes and of a clone by hand, and the size.

    copies: how often all bytes are copied, which takes long and loads the disk.
    """
    db.fill_tables(rows)
    ours: list[float] = []
    hand: list[float] = []
    limit: list[float] = []
    for number in range(RUNS):
        for seconds, method in ((hand, "copy"), (limit, "clone")):
            if method == "copy" and number >= copies:
                continue
            db.psql("CHECKPOINT")
            statement = f"SET file_copy_method = {method};\n{COPY};"
            seconds.append(timed(lambda sql=statement: db.psql(sql, "template1")))  # type: ignore[misc]
            db.drop_kept_databases()
        ours.append(keep_copy(db))
        db.drop_kept_databases()
    return ours, hand, limit, f"random text, {db.megabytes()} MB, 4 tables, PostgreSQL 18"


def build_row(
    identity: str, seconds: tuple[list[float], list[float], list[float]], goal: str, data: str, most_s: float | None
) -> Row:
    """Return a row. most_s: the goal in seconds; None: not slower than a copy of all bytes."""
    ours_s, hand_s, limit_s = (round(statistics.median(values), 2) for values in seconds)
    reached = ours_s <= (1.05 * hand_s if most_s is None else most_s)
    return {
        "id": identity, "ours_s": ours_s, "hand_s": hand_s, "limit_s": limit_s, "ratio": round(ours_s / hand_s, 2),
        "goal": goal, "reached": reached, "data": data,
    }  # fmt: skip


def measure_sharing() -> list[Row]:
    """Return the row set_aside_5gb_clone."""
    with tempfile.TemporaryDirectory(prefix=NAME) as place, xfs_folder(Path(place)) as mounted:
        db = Database(Path(place), provide_base_images("pg18")["POSTGRES_IMAGE"])
        compose = Path(place) / "compose.yaml"
        compose.write_text(compose.read_text().replace('"data:/', f'"{mounted}/data:/'))
        with db.running():
            *seconds, data = measure_copies(db, LARGE, 1)
    goal = "the copy alone, cloned, at most 1 s (by hand: all bytes)"
    return [build_row("set_aside_5gb_clone", (*seconds,), goal, f"{data}, XFS with reflink", 1)]


def measure_elsewhere() -> list[Row]:
    """Return the row set_aside_clone_elsewhere."""
    with tempfile.TemporaryDirectory(prefix=NAME) as place:
        db = Database(Path(place), provide_base_images("pg18")["POSTGRES_IMAGE"])
        with db.running():
            kind = db.exec_in_database("stat --file-system --format %T /var/lib/postgresql/data").strip()
            *seconds, data = measure_copies(db, SMALL, RUNS)
    goal = "where nothing can be shared, a clone is not slower than a copy of all bytes"
    return [build_row("set_aside_clone_elsewhere", (*seconds,), goal, f"{data}, {kind}", None)]
