# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ways of running: a stack's host that has only the oldest Python of hosts."""

from __future__ import annotations

import sys
from pathlib import Path

from checkout import ROOT
from pythons import OLDEST_ON_HOSTS, interpreters

from tests.ways.support import run_isolated


def test_a_module_runs(tmp_path: Path) -> None:
    """Run a module that needs no engine. The import test of ansible-test loads every module."""
    found = interpreters((OLDEST_ON_HOSTS,))
    assert found, f"python{OLDEST_ON_HOSTS} is not installed here"
    command = ("localhost", "-c", "local", "-m", "localdev.recovery.recovery_run_info", "-a", f"project_src={tmp_path}")
    interpreter = f"ansible_python_interpreter={found[OLDEST_ON_HOSTS]}"
    output = run_isolated(Path(sys.executable).with_name("ansible"), *command, "-e", interpreter, cwd=ROOT).stdout
    assert "localhost | SUCCESS" in output
    assert "runs: []" in output
