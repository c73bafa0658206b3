# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Compare the processor time of ``status`` for each host with what it took at an earlier commit.

Both commits run in turn on the same hosts. In the rows, ``hand_s`` is the earlier commit. The controller's time for one
host is what each further host adds to a run. A host's time is that of its container: SSH server, Python, Docker CLI.
"""

from __future__ import annotations

import http.client
import json
import os
import resource
import socket
import statistics
import sys
import typing as t
from pathlib import Path

from benchmarks import hosts
from benchmarks.before_after import checkout_of
from tests.harness.checkout import ROOT
from tests.harness.engine import run_command

# The last commit before the processor time of a host was looked at. The variable names another one.
BEFORE = os.environ.get("BENCH_BEFORE", "579604b")
COUNT = 8
RUNS = 3
GOAL = 0.5


class Cost(t.NamedTuple):
    """Seconds of processor time for one host and status."""

    controller: float
    host: float


class EngineConnection(http.client.HTTPConnection):
    """A connection to the API of Docker Engine: the CLI does not show how much processor time a container has used."""

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect("/var/run/docker.sock")


def read_processor_seconds(container: str) -> float:
    """Return the processor time that a container has used since its start."""
    connection = EngineConnection("localhost")
    try:
        connection.request("GET", f"/containers/{container}/stats?stream=false&one-shot=true")
        return float(json.load(connection.getresponse())["cpu_stats"]["cpu_usage"]["total_usage"]) / 1e9
    finally:
        connection.close()


def run_status(folder: Path, checkout: Path, names: t.Sequence[str]) -> Cost:
    """Run a status of the hosts. Return the processor time of the controller, and that of all hosts."""
    program = str(Path(sys.executable).parent / "ansible-playbook")
    used = sum(map(read_processor_seconds, names))
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    run_command(
        *(program, "-i", str(folder / "inventory.json"), "localdev.recovery.status", "--limit", ",".join(names)),
        cwd=str(checkout),
        env={**os.environ, "ANSIBLE_CONFIG": str(checkout / "ansible.cfg")},
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    own = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Cost(own, sum(map(read_processor_seconds, names)) - used)


def measure_once(folder: Path, checkout: Path, names: t.Sequence[str]) -> Cost:
    """Return the cost of one host: a run with all hosts, without what a run with the first one costs."""
    every = run_status(folder, checkout, names)
    first = run_status(folder, checkout, names[:1])
    return Cost((every.controller - first.controller) / (len(names) - 1), every.host / len(names))


def build_row(name: str, side: str, ours: t.Sequence[Cost], before: t.Sequence[Cost]) -> dict[str, t.Any]:
    now, then = (round(statistics.median(getattr(cost, side) for cost in costs), 3) for costs in (ours, before))
    ratio = round(now / then, 2)
    return {
        "id": name,
        "ours_s": now,
        "hand_s": then,
        "limit_s": now,
        "ratio": ratio,
        "goal": f"at most {GOAL} of commit {BEFORE}",
        "reached": ratio <= GOAL,
        "data": f"light stack, {COUNT} hosts by SSH; processor time of one status for each host",
    }


def measure() -> list[dict[str, t.Any]]:
    before: list[Cost] = []
    ours: list[Cost] = []
    with hosts.hosts(COUNT) as folder, checkout_of(BEFORE) as earlier:
        names = list(json.loads((folder / "inventory.json").read_text())["stacks"]["hosts"])
        for _ in range(RUNS + 1):
            before.append(measure_once(folder, earlier, names))
            ours.append(measure_once(folder, ROOT, names))
    # The first runs open the connections, which stay.
    return [build_row(f"host_cpu_{side}", side, ours[1:], before[1:]) for side in Cost._fields]
