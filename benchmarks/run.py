#!/usr/bin/env python3
# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Measure the procedures against the same work done by hand, side by side in one run, and write results.json.

Each row: id; ours_s; hand_s (the runbook's commands); limit_s (the bare sum of the parts that cannot be left out,
each done alone and as fast as the tools allow); ratio (ours to hand); goal; data; commit. Seconds are medians.
parts_s, where a row has it: the steps of ours as its run record has them, and the rest, which is Ansible's own.

Arguments: what to measure, everything without any. The rows of others stay in results.json as they are.
"""

from __future__ import annotations

import contextlib
import json
import os
import statistics
import subprocess
import sys
import time
import typing as t
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from benchmarks import (
    alembic_info,
    backup_restore,
    before_after,
    database_clone,
    database_restore,
    host_cpu,
    hosts,
    volumes,
)
from tests.harness.checkout import ROOT
from tests.harness.engine import docker, run_command
from tests.harness.reference_stack import ReferenceStack

HERE = Path(__file__).resolve().parent

RUNS = 3
SERVICES = ("db", "redis", "backend", "celery-worker", "celery-beat", "frontend")
STATELESS = ("backend", "celery-worker", "celery-beat", "frontend")


def timed(action: t.Callable[[], t.Any]) -> float:
    began = time.monotonic()
    action()
    return time.monotonic() - began


def wait_until_true(condition: t.Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not true within {seconds:g} s")
        time.sleep(0.05)


class Parts:
    """The parts of a rebuild, each done alone."""

    def __init__(self, stack: ReferenceStack) -> None:
        self.stack = stack
        self.seconds: dict[str, float] = {}

    @contextlib.contextmanager
    def part(self, name: str) -> t.Iterator[None]:
        began = time.monotonic()
        yield
        self.seconds[name] = time.monotonic() - began

    def post(self, path: str, body: dict[str, str]) -> None:
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.stack.ports['BACKEND_PORT']}{path}",
            data=json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=30):
            pass

    def at_once(self, *commands: tuple[str, ...]) -> None:
        with ThreadPoolExecutor(len(commands)) as pool:
            list(pool.map(lambda command: docker(*command), commands))

    def rebuild(self) -> float:
        stack, env = self.stack, self.stack.read_env()
        password = env["ADMIN_PASSWORD"]
        names = {service: f"{stack.name}-{service}" for service in SERVICES}
        volume, copy = stack.cluster_place, f"{stack.name}_copy"
        with self.part("stop"):
            self.at_once(
                *(("stop", "--time", "1", names[service]) for service in STATELESS),
                *(("stop", names[service]) for service in ("db", "redis")),
            )
        with self.part("copy the old data"):
            mounts = ("--volume", f"{volume}:/from", "--volume", f"{copy}:/to")
            script = "cp -a /from/. /to/ && find /from -mindepth 1 -delete"
            docker("run", "--rm", "--user", "0", *mounts, "--entrypoint", "sh", env["POSTGRES_IMAGE"], "-c", script)
        with self.part("start PostgreSQL and Redis"):
            stack.compose("create", "--force-recreate", "db", "redis")
            self.at_once(("start", names["db"]), ("start", names["redis"]))
            ready = ("exec", names["db"], "pg_isready", "-qh", "127.0.0.1")
            wait_until_true(lambda: run_command("docker", *ready, check=False).returncode == 0)
        with self.part("create the other containers"):
            stack.compose("create", "--force-recreate", *STATELESS)
        with self.part("migrate"):
            stack.compose("run", "--rm", "--no-deps", "-T", "--entrypoint", "alembic", "backend", "upgrade", "head")
        with self.part("start the application"):
            self.at_once(*(("start", names[service]) for service in STATELESS))
            wait_until_true(stack.backend_answers)
        with self.part("register"):
            self.post(
                "/api/v1/auth/register",
                {"username": "admin", "email": "admin@example.com", "password": password, "role": "admin"},
            )
        with self.part("seed"):
            for what in ("people", "blocks", "templates"):
                stack.compose(
                    "exec", "-T", "-e", "ADMIN_PASSWORD", "-e", "SEED_ADMIN_PASSWORD", "backend", "python",
                    f"/scripts/seed_{what}.py",
                    env={**os.environ, "ADMIN_PASSWORD": password, "SEED_ADMIN_PASSWORD": password},
                )  # fmt: skip
        with self.part("log in and count rows"):
            self.post("/api/v1/auth/login/json", {"username": "admin", "password": password})
            assert_seeded(stack)
        docker("volume", "rm", copy)
        return sum(self.seconds.values())


def rebuild_by_hand(stack: ReferenceStack) -> None:
    env = stack.read_env()
    given = {"PROJECT": stack.name, **{name: env[name] for name in ("BACKEND_PORT", "DB_USER", "ADMIN_PASSWORD")}}
    run_command(str(HERE / "by_hand_rebuild.sh"), cwd=stack.dir, env={**os.environ, **given})
    assert_seeded(stack)


def assert_seeded(stack: ReferenceStack) -> None:
    found = stack.count_rows("people", "blocks", "rotation_templates")
    if found != (28, 730, 32):
        raise RuntimeError(f"the rebuild left {found} rows")


def wait_until_settled(stack: ReferenceStack) -> None:
    """Wait until the application has been up for a moment, as when a person starts a rebuild."""
    wait_until_true(stack.backend_answers)
    time.sleep(2)


def cold_rebuild(stack: ReferenceStack) -> dict[str, t.Any]:
    ours, hand, limit, where = [], [], [], []
    for _ in range(RUNS):
        wait_until_settled(stack)
        hand.append(timed(lambda: rebuild_by_hand(stack)))
        wait_until_settled(stack)
        parts = Parts(stack)
        limit.append(parts.rebuild())
        wait_until_settled(stack)
        ours.append(timed(lambda: stack.run_playbook("full_rebuild")))
        where.append((parts.seconds, {step["name"]: step["seconds"] for step in stack.last_run()["steps"]}))
    parts_s, steps_s = where[len(where) // 2]
    print_seconds("where the unavoidable time goes", parts_s)
    print_seconds("where ours goes (steps of the run record; the rest is Ansible)", steps_s)
    row = median_figures(ours, hand, limit)
    return {
        "id": "cold_rebuild",
        **row,
        "goal": "ours at most 0.5 of hand, and at most 1.25 of limit",
        "reached": row["ours_s"] <= 0.5 * row["hand_s"] and row["ours_s"] <= 1.25 * row["limit_s"],
        "data": "reference stack, 41 migrations, 28 people, 730 blocks, 32 templates, 50 MB of old data set aside",
    }


def status(stack: ReferenceStack) -> dict[str, t.Any]:
    wait_until_settled(stack)
    ours, hand = [], []
    for _ in range(2 * RUNS):
        hand.append(timed(lambda: stack.compose("ps")))
        ours.append(timed(lambda: stack.run_playbook("status")))
    row = median_figures(ours, hand, hand)
    return {
        "id": "status",
        **row,
        "goal": "ours at most 3 s more than docker compose ps",
        "reached": row["ours_s"] <= row["hand_s"] + 3,
        "data": "reference stack, healthy, 6 services",
    }


def command(stack: ReferenceStack) -> dict[str, t.Any]:
    """Measure the command against the playbook that it runs."""
    wait_until_settled(stack)
    program = str(Path(sys.executable).with_name("localdev"))
    collections = {**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(ROOT / "collections")}
    ours, hand, help_runs = [], [], []
    for _ in range(2 * RUNS):
        hand.append(timed(lambda: stack.run_playbook("status")))
        ours.append(timed(lambda: run_command(program, "status", "-i", str(stack.inventory), env=collections)))
        help_runs.append(timed(lambda: run_command(program, "--help")))
    row = median_figures(ours, hand, hand)
    help_s = round(statistics.median(help_runs), 2)
    return {
        "id": "command",
        **row,
        "goal": "localdev status at most 1 s more than its playbook, localdev --help under 0.3 s",
        "reached": row["ours_s"] <= row["hand_s"] + 1 and help_s < 0.3,
        "data": f"reference stack, healthy, 6 services; localdev --help {help_s} s",
    }


def median_figures(ours: list[float], hand: list[float], limit: list[float]) -> dict[str, float]:
    ours_s, hand_s, limit_s = (round(statistics.median(values), 2) for values in (ours, hand, limit))
    return {"ours_s": ours_s, "hand_s": hand_s, "limit_s": limit_s, "ratio": round(ours_s / hand_s, 2)}


def print_seconds(title: str, seconds: dict[str, float]) -> None:
    print(f"\n{title}")
    for name, value in seconds.items():
        print(f"  {name:32} {value:6.2f} s")


ON_A_STACK: dict[str, t.Callable[[ReferenceStack], dict[str, t.Any]]] = {
    "cold_rebuild": cold_rebuild,
    "status": status,
    "command": command,
}
# These bring what they need, and may give several rows.
ALONE: dict[str, t.Callable[[], list[dict[str, t.Any]]]] = {
    "ansible_share": before_after.measure,
    "alembic_info": lambda: [alembic_info.measure()],
    "backup_restore": backup_restore.measure,
    "restore_100mb": lambda: database_restore.measure("100mb"),
    "restore_1gb": lambda: database_restore.measure("1gb"),
    "restore_5gb": lambda: database_restore.measure("5gb"),
    "set_aside_5gb_clone": database_clone.measure_sharing,
    "set_aside_clone_elsewhere": database_clone.measure_elsewhere,
    "volumes": volumes.measure,
    "hosts": hosts.measure,
    "host_cpu": host_cpu.measure,
}


def write_rows(rows: list[dict[str, t.Any]]) -> None:
    """Put the rows into results.json, in place of those of the same ids."""
    path = HERE / "results.json"
    before = json.loads(path.read_text()) if path.exists() else []
    merged = {row["id"]: row for row in [*before, *rows]}
    path.write_text(json.dumps(list(merged.values()), indent=2) + "\n")


def main() -> int:
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=HERE, capture_output=True, text=True, check=True
    ).stdout.strip()
    wanted = sys.argv[1:] or [*ON_A_STACK, *ALONE]
    unknown = set(wanted) - set(ON_A_STACK) - set(ALONE)
    if unknown:
        print(f"unknown: {', '.join(sorted(unknown))}; known: {', '.join([*ON_A_STACK, *ALONE])}", file=sys.stderr)
        return 2
    rows = []
    if any(name in ON_A_STACK for name in wanted):
        stack = ReferenceStack(services=SERVICES)
        try:
            # As inventories/local has it.
            stack.write_inventory(stack_seed_parallel=True)
            stack.up()
            rows += [measure(stack) for name, measure in ON_A_STACK.items() if name in wanted]
        finally:
            stack.remove()
    rows += [row for name, measure in ALONE.items() if name in wanted for row in measure()]
    rows = [{**row, "commit": commit} for row in rows]
    write_rows(rows)
    print(f"\n{'id':14} {'ours':>8} {'hand':>8} {'limit':>8} {'ratio':>6}  goal")
    for row in rows:
        mark = "reached" if row["reached"] else "MISSED"
        print(
            f"{row['id']:14} {row['ours_s']:7.2f}s {row['hand_s']:7.2f}s {row['limit_s']:7.2f}s {row['ratio']:6.2f}  "
            f"{mark}: {row['goal']}"
        )
    for row in rows:
        if "parts_s" in row:
            print_seconds(f"where {row['id']} goes (steps of the run record; the rest is Ansible)", row["parts_s"])
    return 0 if all(row["reached"] for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
