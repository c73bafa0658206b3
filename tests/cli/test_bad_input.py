# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Names that are wrong: one error that names the object, the cause and the next command, and nothing is changed."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.cli.commands import run_localdev
from tests.harness.reference_stack import ReferenceStack

pytestmark = pytest.mark.docker

RUN = "20200101T000000Z-0000"
# Arguments, exit code, what the error says.
CASES: dict[str, tuple[tuple[str, ...], int, str]] = {
    "host": (("status", "-l", "nonesuch"), 2, "nonesuch"),
    "backup": (("restore", "nonesuch"), 1, "nonesuch"),
    "backup to prove": (("backup-verify", "nonesuch"), 1, "nonesuch"),
    "backup format": (("backup", "--format", "zip"), 2, "zip"),
    "revision": (("schema", "--target", "nonesuch"), 1, "nonesuch"),
    "service": (("restart", "nonesuch"), 1, "nonesuch"),
    "service to archive": (("volumes", "backup", "nonesuch"), 1, "nonesuch"),
    "archive": (("volumes", "restore", "nonesuch.tar.gz"), 1, "nonesuch.tar.gz"),
    "file": (("inject", "backend/nonesuch.py"), 1, "nonesuch.py"),
    "file outside": (("inject", "/etc/hostname"), 6, "/etc/hostname"),
    "commits": (("inject", "--git-range", "nonesuch..HEAD"), 1, "nonesuch"),
    "password file": (("admin", "--password-file", "/nonexistent/password"), 1, "/nonexistent/password"),
    "run to take back": (("undo", RUN), 1, RUN),
    "run to explain": (("explain", RUN), 1, RUN),
}


def project_state(stack: ReferenceStack) -> tuple[dict[str, Any], dict[str, tuple[int, int]]]:
    """Return what Docker knows of the project, and the files of its folder, runs and locks included."""
    files = {str(path): path.lstat() for path in stack.dir.rglob("*") if not path.is_dir()}
    return stack.engine_state(), {name: (found.st_size, found.st_mtime_ns) for name, found in files.items()}


@pytest.mark.parametrize("case", CASES)
def test_one_helpful_error_and_nothing_changed(case: str, shared_stack: ReferenceStack) -> None:
    arguments, code, words = CASES[case]
    before = project_state(shared_stack)
    done = run_localdev(*arguments, "-i", str(shared_stack.inventory))
    assert done.returncode == code, done.stderr
    assert words in done.stderr
    assert len(re.findall(r"^Next: .", done.stderr, re.MULTILINE)) == 1
    assert not re.search("Traceback|fatal:|rc=", done.stderr)
    assert project_state(shared_stack) == before
