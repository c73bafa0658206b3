# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Names that are wrong: one error that names the object, the cause and the next command, and nothing is changed."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from tests.cli.commands import run_as_json
from tests.harness.reference_stack import ReferenceStack

pytestmark = pytest.mark.docker

RUN = "20200101T000000Z-0000"
# Arguments, the failure, the value that its text names.
CASES: dict[str, tuple[tuple[str, ...], FailureId, str]] = {
    "host": (("status", "-l", "nonesuch"), FailureId.LIMIT_NO_HOST, "nonesuch"),
    "backup": (("restore", "nonesuch"), FailureId.BACKUP_NOT_FOUND, "nonesuch"),
    "backup to verify": (("backup", "verify", "nonesuch"), FailureId.BACKUP_NOT_FOUND, "nonesuch"),
    "backup format": (("backup", "create", "--format", "zip"), FailureId.OPTION_INVALID, "zip"),
    "revision": (("schema", "repair", "--target", "nonesuch"), FailureId.MIGRATION_NO_PATH, "nonesuch"),
    "service": (("container", "restart", "nonesuch"), FailureId.SERVICE_UNKNOWN, "nonesuch"),
    "service to archive": (("volume", "backup", "nonesuch"), FailureId.SERVICE_UNKNOWN, "nonesuch"),
    "archive": (("volume", "restore", "nonesuch.tar.gz"), FailureId.ARCHIVE_NOT_FOUND, "nonesuch.tar.gz"),
    "file": (("container", "inject", "backend/nonesuch.py"), FailureId.FILE_NOT_READABLE, "nonesuch.py"),
    "file outside": (("container", "inject", "/etc/hostname"), FailureId.INJECTION_NO_TARGET, "/etc/hostname"),
    "commits": (("container", "inject", "--git-range", "nonesuch..HEAD"), FailureId.GIT_UNKNOWN_RANGE, "nonesuch"),
    "password file": (
        ("admin", "repair", "--password-file", "/nonexistent/password"),
        FailureId.ACCOUNT_NO_PASSWORD_FILE,
        "/nonexistent/password",
    ),
    "run to undo": (("undo", RUN), FailureId.RUN_UNKNOWN, RUN),
    "malformed run to undo": (("undo", "../nonesuch"), FailureId.RUN_UNKNOWN, "../nonesuch"),
    "run to show": (("run", "show", RUN), FailureId.RUN_UNKNOWN, RUN),
    "malformed run to show": (("run", "show", "nonesuch"), FailureId.RUN_UNKNOWN, "nonesuch"),
    "run to clean up": (("cleanup", RUN), FailureId.RUN_UNKNOWN, RUN),
    "runs and all": (("cleanup", RUN, "--all"), FailureId.OPTION_CONFLICT, RUN),
    "newest copies of no run": (("cleanup", "--also-newest"), FailureId.OPTION_MISSING, "cleanup_all"),
    "copies to keep": (("cleanup", "--keep", "0"), FailureId.OPTION_INVALID, "0"),
}


def project_state(stack: ReferenceStack) -> tuple[dict[str, Any], dict[str, tuple[int, int]]]:
    """Return what Docker knows of the project, and the files of its folder, runs and locks included."""
    files = {str(path): path.lstat() for path in stack.dir.rglob("*") if not path.is_dir()}
    return stack.engine_state(), {name: (found.st_size, found.st_mtime_ns) for name, found in files.items()}


@pytest.mark.parametrize("case", CASES)
def test_one_helpful_error_and_nothing_changed(case: str, shared_stack: ReferenceStack) -> None:
    arguments, failure, value = CASES[case]
    before = project_state(shared_stack)
    result = run_as_json(*arguments, "-i", str(shared_stack.inventory))
    assert (result.error["id"], result.code) == (failure.id, failure.kind.value), result.error
    assert value in "\n".join([result.error["message"], *map(str, result.error["details"]), str(result.error["hint"])])
    assert result.next or result.error["hint"]
    assert "Traceback" not in result.shown
    assert project_state(shared_stack) == before
