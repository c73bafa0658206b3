# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs localdev on a stack of its own and records the events of the fixtures, all of them or the named ones.

python -m tests.cli.record_fixtures [NAME...]
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from tests.cli.commands import command_environment
from tests.harness.reference_stack import ReferenceStack, running_stack_with_old_data
from tests.harness.state_folders import STATE_ROOT

FIXTURES = Path(__file__).resolve().parent / "fixtures"
_FAILING_SEED = "import sys; print('28 requests'); sys.exit('no such table: people')"
_SEED_COMMANDS = [{"name": "people", "command": ["python", "-c", _FAILING_SEED]}]
# An undo without runs names those of other stacks. Root can hide them.
_HIDE_OTHER_STACKS = ["unshare", "--mount", "sh", "-c", f'mount -t tmpfs none {STATE_ROOT} && exec "$@"', "sh"]
# Fixture -> exit code and arguments. The first ones need a stack without runs.
RECORDINGS: dict[str, tuple[int, list[str]]] = {
    "status": (0, ["status"]),
    "unsafe": (6, ["undo"]),
    "wrong_limit": (2, ["status", "-l", "nix"]),
    "wrong_type": (2, ["cleanup", "-e", "cleanup_keep=many"]),
    "unreachable": (7, ["status"]),
    "rebuild": (0, ["rebuild"]),
    "unverified": (4, ["rebuild", "-e", json.dumps({"stack_expected_rows": {"rotation_templates": 33}})]),
    "seed_failed": (1, ["rebuild", "-e", json.dumps({"stack_seed_commands": _SEED_COMMANDS})]),
}


def write_team_inventory(stack: ReferenceStack) -> Path:
    """Write the inventory of the stack with a second host that does not answer, and return its path."""
    inventory = json.loads(stack.inventory.read_text())
    stacks = inventory["stacks"]
    stacks["hosts"] = {
        "alpha": stacks["hosts"]["localhost"],
        "beta": {"ansible_host": "127.0.0.1", "ansible_port": 1},
    }
    path = stack.parent / "team.yml"
    path.write_text(json.dumps(inventory))
    return path


def main() -> None:
    with running_stack_with_old_data(name="clidev") as stack:
        team = write_team_inventory(stack)
        for name in sys.argv[1:] or RECORDINGS:
            code, arguments = RECORDINGS[name]
            inventory = team if name == "unreachable" else stack.inventory
            program = [sys.executable, str(FIXTURES.parent / "record_events.py"), str(FIXTURES / f"{name}.jsonl")]
            command = [*(_HIDE_OTHER_STACKS if name == "unsafe" else []), *program, *arguments, "-i", str(inventory)]
            done = subprocess.run(command, cwd=stack.dir, env=command_environment(), check=False)
            if done.returncode != code:
                raise SystemExit(f"{name}: exit code {done.returncode} instead of {code}")


if __name__ == "__main__":
    main()
