# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Compare what Ansible's part of a procedure costs with what it cost at an earlier commit.

Ansible's part is the wall time without the steps of the run record. Both commits run in turn on one stack. In the rows,
``hand_s`` is the earlier commit; ``cpu_s`` and ``hand_cpu_s`` are all processor time of the controller.
"""

from __future__ import annotations

import contextlib
import os
import resource
import statistics
import tempfile
import typing as t
from pathlib import Path

from tests.harness.checkout import ROOT
from tests.harness.engine import run_command
from tests.harness.reference_stack import ReferenceStack

# The last commit that starts a Python for each module. The variable names another one.
BEFORE = os.environ.get("BENCH_BEFORE", "829d3b2")
GOAL = 0.5
RUNS = 3
# Row -> playbook. Each run of backup makes what the run of restore after it takes.
PROCEDURES = {"status": "status", "backup": "backup", "restore": "restore", "rebuild": "full_rebuild"}


class Cost(t.NamedTuple):
    """Seconds of one run."""

    share: float
    processor: float


@contextlib.contextmanager
def checkout_of(commit: str) -> t.Iterator[Path]:
    """Yield a checkout of the commit."""
    with tempfile.TemporaryDirectory(prefix="localdev-bench-") as parent:
        folder = Path(parent) / "checkout"
        run_command("git", "-C", str(ROOT), "worktree", "add", "--quiet", "--detach", str(folder), commit)
        try:
            yield folder
        finally:
            run_command("git", "-C", str(ROOT), "worktree", "remove", "--force", str(folder))


def run_once(stack: ReferenceStack, playbook: str, checkout: Path) -> Cost:
    """Run a playbook with the collection and the settings of a checkout."""
    environment = {
        "ANSIBLE_COLLECTIONS_PATH": str(checkout / "collections"),
        "ANSIBLE_CONFIG": str(checkout / "ansible.cfg"),
    }
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    result = stack.run_playbook(playbook, environment=environment)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    steps = [] if playbook == "status" else stack.last_run(playbook)["steps"]
    own = sum(step["seconds"] or 0 for step in steps)
    processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Cost(result.seconds - own, processor)


def build_row(name: str, ours: t.Sequence[Cost], before: t.Sequence[Cost]) -> dict[str, t.Any]:
    share, share_before = (round(statistics.median(cost.share for cost in costs), 2) for costs in (ours, before))
    cpu, cpu_before = (round(statistics.median(cost.processor for cost in costs), 2) for costs in (ours, before))
    ratio = round(share / share_before, 2)
    return {
        "id": f"ansible_share_{name}",
        "ours_s": share,
        "hand_s": share_before,
        "limit_s": share,
        "ratio": ratio,
        "cpu_s": cpu,
        "hand_cpu_s": cpu_before,
        "goal": f"at most {GOAL} of commit {BEFORE}",
        "reached": ratio <= GOAL,
        "data": f"reference stack; wall time without its own steps; processor time {cpu} s, before {cpu_before} s",
    }


def measure() -> list[dict[str, t.Any]]:
    stack = ReferenceStack()
    costs: dict[str, dict[str, list[Cost]]] = {name: {"ours": [], "before": []} for name in PROCEDURES}
    try:
        stack.up()
        with checkout_of(BEFORE) as earlier:
            for _ in range(RUNS):
                for which, checkout in (("before", earlier), ("ours", ROOT)):
                    for name, playbook in PROCEDURES.items():
                        costs[name][which].append(run_once(stack, playbook, checkout))
    finally:
        stack.remove()
    return [build_row(name, found["ours"], found["before"]) for name, found in costs.items()]
