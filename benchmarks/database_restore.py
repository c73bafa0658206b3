# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A restore's own steps, to verified and swapped in, against pg_restore alone with as many jobs as there are cores.

By hand: pg_restore with one job, and ANALYZE.
"""

from __future__ import annotations

import os
import statistics
import tempfile
from pathlib import Path

from benchmarks.backup_restore import NAME, Database, Row, timed
from tests.harness.images import provide_base_images

# Name -> rows of each of four tables, runs.
SIZES = {"100mb": (131_000, 3), "1gb": (1_310_000, 3), "5gb": (6_530_000, 1)}
MOST = 1.25


def restore_by_hand(db: Database, command: str) -> float:
    """Return the seconds of a restore into an empty database, which goes again."""
    db.psql("CREATE DATABASE bare", "template1")
    db.psql("CHECKPOINT")
    seconds = timed(lambda: db.exec_in_database(f"sh -c '{command}'"))
    db.psql("DROP DATABASE bare", "template1")
    return seconds


def measure(size: str, variant: str = "pg18") -> list[Row]:
    """Return the row of one size."""
    rows, runs = SIZES[size]
    jobs = os.cpu_count() or 1
    ours, hand, limit, parts = [], [], [], []
    with tempfile.TemporaryDirectory(prefix=NAME) as place:
        db = Database(Path(place), provide_base_images(variant)["POSTGRES_IMAGE"])
        with db.running():
            db.fill_tables(rows)
            db.psql("ANALYZE")
            db.run_playbook("backup")
            compression = "zstd:1" if variant in ("pg17", "pg18") else "1"
            db.exec_in_database(f"sh -c 'pg_dump -U bench -Fd -j{jobs} -Z{compression} -f /tmp/d bench'")
            for _ in range(runs):
                hand.append(restore_by_hand(db, "pg_restore -U bench -d bare /tmp/d && psql -U bench -qc ANALYZE bare"))
                limit.append(restore_by_hand(db, f"pg_restore -U bench -j{jobs} -d bare /tmp/d"))
                db.psql("CHECKPOINT")
                db.run_playbook("restore")
                parts.append(db.read_parts(0))
                parts[-1].pop("Ansible")
                ours.append(sum(parts[-1].values()))
                db.drop_kept_databases()
            data = f"random text, {db.megabytes()} MB, 4 tables, PostgreSQL {variant[2:]}"
    ours_s, hand_s, limit_s = (round(statistics.median(values), 2) for values in (ours, hand, limit))
    return [
        {
            "id": f"restore_{size}", "ours_s": ours_s, "hand_s": hand_s, "limit_s": limit_s,
            "ratio": round(ours_s / hand_s, 2),
            "goal": f"own steps, verified and swapped in, at most {MOST} of pg_restore with {jobs} jobs (limit)",
            "reached": ours_s <= MOST * limit_s, "data": data,
            "parts_s": parts[ours.index(statistics.median_low(ours))],
        }
    ]  # fmt: skip
