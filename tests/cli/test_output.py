# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import subprocess
import sys

import pytest

PROGRAM = """
import sys
from localdev_recovery.output import open_closed_streams, write_result
open_closed_streams()
sys.exit(write_result(lambda: print("a line of a report\\n" * 20000), int(sys.argv[1])))
"""


def run_in_shell(redirection: str, exit_code: int) -> subprocess.CompletedProcess[str]:
    """Write a long result behind a redirection, and return what bash made of it. stdout: the program's exit code."""
    script = f'"$0" -c "$1" {exit_code} {redirection}; echo "${{PIPESTATUS[0]}}"'
    command = ["bash", "-c", script, sys.executable, PROGRAM]
    return subprocess.run(command, capture_output=True, text=True, check=True)


@pytest.mark.parametrize("exit_code", [0, 6])
@pytest.mark.parametrize("redirection", ["| head -n 1 >/dev/null", ">&- 2>&-", "<&- >/dev/null", ">/dev/null"])
def test_a_reader_that_leaves_does_not_change_the_exit_code(redirection: str, exit_code: int) -> None:
    done = run_in_shell(redirection, exit_code)
    assert done.stdout.split() == [str(exit_code)]
    assert done.stderr == ""


@pytest.mark.parametrize(("exit_code", "shown"), [(0, 1), (6, 6)])
def test_a_result_that_cannot_be_written_is_no_success(exit_code: int, shown: int) -> None:
    done = run_in_shell(">/dev/full", exit_code)
    assert done.stdout.split() == [str(shown)]
    assert "No space left on device" in done.stderr
    assert "Traceback" not in done.stderr
