# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Backup and restore of a database of about 750 MB against the runbook's pipes, on two kinds of data.

pgbench's own rows compress 30:1 and would flatter; random hexadecimal text compresses 2:1. Rows of results.json are
those of the random data; formats.json has the table by which the default format and compression were chosen.
"""

from __future__ import annotations

import contextlib
import json
import statistics
import subprocess
import sys
import tempfile
import time
import typing as t
from pathlib import Path

from ansible_collections.localdev.recovery.plugins.module_utils._docker.cli import Docker
from ansible_collections.localdev.recovery.plugins.module_utils._run.active import ActiveRun
from ansible_collections.localdev.recovery.plugins.module_utils._run.lock import RunLock
from ansible_collections.localdev.recovery.plugins.module_utils._run.process import describe_process
from ansible_collections.localdev.recovery.plugins.module_utils._run.record import build_run_record
from ansible_collections.localdev.recovery.plugins.module_utils._run.store import RunStore
from ansible_collections.localdev.recovery.plugins.module_utils._set_aside.manager import SetAsideManager
from tests.harness.checkout import ROOT
from tests.harness.images import provide_base_images
from tests.harness.state_folders import remove_state, state_folder

HERE = Path(__file__).resolve().parent

NAME = "localdev-bench-backup"
RUNS = 3
# Rows of each of four tables; 1.5 million make 750 MB with their indexes.
LARGE, SMALL = 1_130_000, 113_000
PGBENCH_SCALE = 50
Row = dict[str, t.Any]

COMPOSE = """
services:
  db:
    image: {image}
    environment: {{POSTGRES_USER: bench, POSTGRES_PASSWORD: bench, POSTGRES_DB: bench}}
    volumes: ["data:/var/lib/postgresql/data"]
    shm_size: 256m
volumes: {{data: {{}}}}
"""

RANDOM_TEXT = """
SELECT format('CREATE TABLE t%s AS SELECT n AS id, md5(random()::text) || md5(random()::text) || md5(random()::text)
    || md5(random()::text) AS words FROM generate_series(1, {rows}) n', k) FROM generate_series(1, 4) k \\gexec
SELECT format('ALTER TABLE t%s ADD PRIMARY KEY (id)', k) FROM generate_series(1, 4) k \\gexec
CHECKPOINT;
"""


def timed(action: t.Callable[[], t.Any]) -> float:
    began = time.monotonic()
    action()
    return time.monotonic() - began


class Database:
    """A stack of one PostgreSQL service in a folder of its own."""

    def __init__(self, folder: Path, image: str) -> None:
        self.folder = folder
        (folder / "compose.yaml").write_text(COMPOSE.format(image=image))
        host = {"ansible_connection": "local", "ansible_python_interpreter": "{{ ansible_playbook_python }}"}
        given = {"stack_dir": str(folder), "stack_project_name": NAME}
        self.inventory = folder / "inventory.yml"
        self.inventory.write_text(json.dumps({"stacks": {"hosts": {"localhost": host}, "vars": given}}))

    def shell(self, command: str) -> str:
        script = f"set -o pipefail; {command}"
        done = subprocess.run(
            ["bash", "-c", script],
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
        )
        if done.returncode != 0:
            raise RuntimeError(f"{command}: {done.stdout[-1000:]}{done.stderr[-1000:]}")
        return done.stdout

    def exec_in_database(self, command: str) -> str:
        return self.shell(f"docker compose --project-name {NAME} exec -T db {command}")

    def psql(self, sql: str, database: str = "bench") -> str:
        command = [
            "docker",
            "compose",
            "--project-name",
            NAME,
            "exec",
            "-T",
            "db",
            "psql",
            "-XqtA",
            "-U",
            "bench",
            "-d",
            database,
        ]
        done = subprocess.run(command, cwd=self.folder, input=sql, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    def run_playbook(self, name: str, **variables: t.Any) -> None:
        command = [str(Path(sys.executable).parent / "ansible-playbook"), str(ROOT / "playbooks" / f"{name}.yml")]
        command += ["--inventory", str(self.inventory), "--extra-vars", json.dumps(variables)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"{name}: {done.stdout[-3000:]}{done.stderr[-1000:]}")

    @contextlib.contextmanager
    def running(self) -> t.Iterator[None]:
        self.shell(f"docker compose --project-name {NAME} up --detach")
        try:
            while subprocess.run(
                ["docker", "compose", "--project-name", NAME, "exec", "-T", "db", "pg_isready", "-qh", "127.0.0.1"],
                cwd=self.folder, capture_output=True, check=False,
            ).returncode:  # fmt: skip
                time.sleep(0.1)
            yield
        finally:
            self.shell(f"docker compose --project-name {NAME} down --volumes --timeout 5")

    def fill_tables(self, rows: int) -> None:
        self.psql("DROP DATABASE IF EXISTS bench WITH (FORCE)", "template1")
        self.psql("CREATE DATABASE bench", "template1")
        self.psql(RANDOM_TEXT.format(rows=rows))

    def megabytes(self) -> int:
        return round(int(self.psql("SELECT pg_database_size('bench')")) / 1e6)

    def read_last_record(self) -> dict[str, t.Any]:
        newest = max((state_folder(NAME) / "runs").glob("*.json"), key=lambda path: path.stat().st_mtime)
        return t.cast("dict[str, t.Any]", json.loads(newest.read_text()))

    def read_parts(self, seconds: float) -> dict[str, float]:
        """Return the seconds of each step of the last run record, and the rest, which is Ansible's own."""
        steps = {step["name"]: float(step["seconds"]) for step in self.read_last_record()["steps"]}
        return {**steps, "Ansible": round(seconds - sum(steps.values()), 2)}

    def read_unavailable_seconds(self) -> float:
        """Return the seconds for which the database was unavailable in the last run."""
        return max(float(entry["unavailable_s"]) for entry in self.read_last_record()["asides"])

    def drop_kept_databases(self) -> None:
        """Drop what restores have set aside, so that each starts with the same cluster."""
        names = self.psql("SELECT datname FROM pg_database WHERE datname LIKE 'bench.%'").split()
        for name in names:
            self.psql(f'DROP DATABASE "{name}"', "template1")
        remove_state(NAME)
        self.psql("CHECKPOINT")


def row(
    identity: str, ours: list[float], hand: list[float], limit: list[float], most: float, goal: str, data: str
) -> Row:
    ours_s, hand_s, limit_s = (round(statistics.median(values), 2) for values in (ours, hand, limit))
    ratio = round(ours_s / hand_s, 2)
    return {
        "id": identity, "ours_s": ours_s, "hand_s": hand_s, "limit_s": limit_s, "ratio": ratio, "goal": goal,
        "reached": ratio <= most, "data": data,
    }  # fmt: skip


def median_parts(ours: list[float], parts: list[dict[str, float]]) -> dict[str, float]:
    """Return the parts of the run that took the median of the times."""
    return parts[ours.index(statistics.median_low(ours))]


def backup(db: Database, data: str) -> Row:
    ours, hand, limit, parts = [], [], [], []
    for _ in range(RUNS):
        pipe = f"docker compose --project-name {NAME} exec -T db pg_dump -U bench bench > hand.sql; gzip -f hand.sql"
        hand.append(timed(lambda pipe=pipe: db.shell(pipe)))  # type: ignore[misc]
        limit.append(
            timed(lambda: db.exec_in_database("sh -c 'rm -rf /tmp/d; pg_dump -U bench -Fd -j2 -Z1 -f /tmp/d bench'"))
        )
        ours.append(timed(lambda: db.run_playbook("backup", backup_keep=1, backup_keep_days=0)))
        parts.append(db.read_parts(ours[-1]))
    made = row("backup", ours, hand, limit, 0.25, "ours at most 0.25 of pg_dump and gzip", data)
    return {**made, "parts_s": median_parts(ours, parts)}


def restore(db: Database, data: str) -> tuple[Row, float, float]:
    """Return the row, seconds of unavailability of ours, seconds of the pipe by hand into an empty database."""
    ours, hand, limit, shut, parts = [], [], [], [], []
    for _ in range(RUNS):
        db.psql("CREATE DATABASE hand", "template1")
        pipe = f"gunzip -c hand.sql.gz | docker compose --project-name {NAME} exec -T db psql -q -U bench -d hand"
        hand.append(timed(lambda pipe=pipe: db.shell(pipe)))  # type: ignore[misc]
        db.psql("DROP DATABASE hand", "template1")
        db.psql("CREATE DATABASE bare", "template1")
        limit.append(timed(lambda: db.exec_in_database("pg_restore -U bench -j2 -d bare /tmp/d")))
        db.psql("DROP DATABASE bare", "template1")
        db.psql("CHECKPOINT")
        began = time.monotonic()
        db.run_playbook("restore")
        ours.append(time.monotonic() - began)
        parts.append(db.read_parts(ours[-1]))
        shut.append(db.read_unavailable_seconds())
        db.drop_kept_databases()
    made = row("restore", ours, hand, limit, 0.6, "ours, verified and swapped in, at most 0.6 of gunzip and psql", data)
    return {**made, "parts_s": median_parts(ours, parts)}, statistics.median(shut), statistics.median(hand)


def set_aside(db: Database, data: str) -> Row:
    """Measure the copy before an upgrade, as set_aside makes it, against the fastest dump."""
    ours, hand, limit = [], [], []
    wanted = {"kind": "database", "name": "bench", "container": f"{NAME}-db-1", "user": "bench", "copy": True}
    bare = 'CREATE DATABASE "bench.bare" TEMPLATE bench STRATEGY file_copy'
    for _ in range(RUNS):
        hand.append(
            timed(lambda: db.exec_in_database("sh -c 'rm -rf /tmp/d; pg_dump -U bench -Fd -j2 -Z1 -f /tmp/d bench'"))
        )
        db.psql("CHECKPOINT")
        limit.append(timed(lambda: db.psql(bare, "template1")))
        db.drop_kept_databases()
        store = RunStore(str(state_folder(NAME)))
        record = build_run_record("bench", project=NAME, user="bench", controller_host="here", parameters={})
        RunLock(store).start(record, describe_process())
        with ActiveRun(store, record["run_id"]) as run:
            ours.append(timed(lambda run=run: SetAsideManager(Docker(), run, "").keep([wanted])))  # type: ignore[misc]
        db.drop_kept_databases()
    return row("set_aside", ours, hand, limit, 0.3, "the copy at most 0.3 of a parallel dump", data)


FORMATS = {
    "pg_dump > file; gzip": "pg_dump -U bench bench > /tmp/x.sql; gzip -f /tmp/x.sql",
    "custom, level 6": "pg_dump -U bench -Fc -f /tmp/x.dump bench",
    "custom, level 1": "pg_dump -U bench -Fc -Z1 -f /tmp/x.dump bench",
    "plain, level 1": "pg_dump -U bench -Z1 -f /tmp/x.sql.gz bench",
    "directory -j2, level 6": "pg_dump -U bench -Fd -j2 -f /tmp/x bench",
    "directory -j2, level 1": "pg_dump -U bench -Fd -j2 -Z1 -f /tmp/x bench",
    "directory -j2, not compressed": "pg_dump -U bench -Fd -j2 -Z0 -f /tmp/x bench",
}
# Formats that only PostgreSQL 16 and newer have.
NEWER_FORMATS = {
    f"directory -j2, {name}": f"pg_dump -U bench -Fd -j2 -Z{option} -f /tmp/x bench"
    for name, option in {"level 1": "1", "zstd level 1": "zstd:1", "zstd level 3": "zstd:3", "lz4": "lz4"}.items()
}


def formats(db: Database, commands: dict[str, str]) -> list[Row]:
    """Return seconds and megabytes of each format and compression."""
    found = []
    for name, command in commands.items():
        db.exec_in_database("sh -c 'rm -rf /tmp/x*'")
        seconds = timed(lambda command=command: db.exec_in_database(f"sh -c '{command}'"))  # type: ignore[misc]
        size = int(db.exec_in_database("sh -c 'du -sk /tmp/x* | cut -f1'").split()[0]) / 1000
        found.append({"format": name, "seconds": round(seconds, 1), "megabytes": round(size)})
    return found


def measure() -> list[Row]:
    """Return the rows backup, restore, db_unavailable_s and set_aside, and write formats.json."""
    with tempfile.TemporaryDirectory(prefix=NAME) as place:
        db = Database(Path(place), provide_base_images()["POSTGRES_IMAGE"])
        with db.running():
            db.exec_in_database(f"sh -c 'createdb -U bench pgbench; pgbench -i -q -s {PGBENCH_SCALE} -U bench pgbench'")
            db.psql("ALTER DATABASE bench RENAME TO empty", "template1")
            db.psql("ALTER DATABASE pgbench RENAME TO bench", "template1")
            tables = {f"pgbench, {db.megabytes()} MB": formats(db, FORMATS)}
            db.fill_tables(SMALL)
            small = f"{db.megabytes()} MB"
            db.run_playbook("backup")
            db.run_playbook("restore")
            shut_small = db.read_unavailable_seconds()
            db.drop_kept_databases()
            db.fill_tables(LARGE)
            large = f"{db.megabytes()} MB"
            data = f"random text, {large}, 4 tables"
            tables[f"random text, {large}"] = formats(db, FORMATS)
            rows = [backup(db, data)]
            restored, shut, hand = restore(db, data)
            rows += [restored, set_aside(db, data)]
    with tempfile.TemporaryDirectory(prefix=NAME) as place:
        db = Database(Path(place), provide_base_images("pg17")["POSTGRES_IMAGE"])
        with db.running():
            db.fill_tables(LARGE)
            tables[f"random text, {db.megabytes()} MB, PostgreSQL 17"] = formats(db, NEWER_FORMATS)
    (HERE / "formats.json").write_text(json.dumps(tables, indent=2) + "\n")
    rows.append(
        {
            "id": "db_unavailable_s", "ours_s": max(shut, shut_small), "hand_s": round(hand, 2), "limit_s": shut,
            "ratio": round(max(shut, shut_small) / hand, 3), "goal": "shut for less than 1 s at any size",
            "reached": max(shut, shut_small) < 1, "data": f"restore of {small}: {shut_small} s, of {large}: {shut} s",
        }
    )  # fmt: skip
    return rows
