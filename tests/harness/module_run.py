# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run one module of the collection in a process of its own: ``python -m tests.harness.module_run NAME``.

The options are JSON on the standard input, the result is JSON on the standard output.
"""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
import typing as t

from ansible.module_utils.testing import patch_module_args

from tests.harness.checkout import ROOT
from tests.harness.engine import HANG_TIMEOUT_S

MODULES = "ansible_collections.localdev.recovery.plugins.modules"


def run_module(name: str, options: dict[str, t.Any]) -> dict[str, t.Any]:
    """Run a module and return its result, also that of one that failed."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.harness.module_run", name],
        input=json.dumps(options),
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'collections'}"},
        timeout=HANG_TIMEOUT_S,
        check=False,
    )
    assert done.stdout.startswith("\n{") or done.stdout.startswith("{"), f"{name}: {done.stdout}\n{done.stderr}"
    return t.cast("dict[str, t.Any]", json.loads(done.stdout))


def main() -> None:
    module = importlib.import_module(f"{MODULES}.{sys.argv[1]}")
    with patch_module_args(json.load(sys.stdin)):
        module.main()


if __name__ == "__main__":
    main()
