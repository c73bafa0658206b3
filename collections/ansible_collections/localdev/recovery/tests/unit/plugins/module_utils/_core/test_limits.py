# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import errno
import os
import types
import typing as t
from pathlib import Path

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._core import failures
from ansible_collections.localdev.recovery.plugins.module_utils._core.failed_task import describe_failed_task
from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._core.limits import (
    describe_limit,
    describe_limit_in_text,
)
from ansible_collections.localdev.recovery.plugins.module_utils._core.module import fail_on_recovery_error
from ansible_collections.localdev.recovery.plugins.module_utils._core.next_command import program_command
from ansible_collections.localdev.recovery.plugins.module_utils._docker.cli_errors import build_docker_error

LIMIT = FailureId.HOST_LIMIT_REACHED


@pytest.fixture
def no_inodes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(failures.os, "statvfs", lambda _path: types.SimpleNamespace(f_files=1000, f_favail=0))


@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENFILE, errno.EDQUOT])
def test_the_limit_is_named(number: int) -> None:
    error = OSError(number, os.strerror(number), "/srv/x")
    found = describe_limit(error)
    assert found is not None
    assert (found.failure, FailureId.from_write_error(error)) == (LIMIT, LIMIT)
    assert found.hint


def test_a_full_disk_and_a_missing_file_are_no_limits(tmp_path: Path) -> None:
    full = OSError(errno.ENOSPC, "No space left on device", str(tmp_path / "x"))
    assert (describe_limit(full), FailureId.from_write_error(full)) == (None, FailureId.DISK_FULL)
    assert describe_limit(FileNotFoundError(errno.ENOENT, "No such file", "x")) is None
    assert FailureId.from_write_error(PermissionError(errno.EACCES, "no")) is FailureId.FILE_NOT_WRITABLE


@pytest.mark.usefixtures("no_inodes")
def test_a_file_system_without_inodes_names_its_folder(tmp_path: Path) -> None:
    error = OSError(errno.ENOSPC, "No space left on device", str(tmp_path / "x"))
    found = describe_limit(error)
    assert found is not None
    assert str(tmp_path) in found.message
    assert found.next_command == program_command("df", "-i", str(tmp_path))
    assert FailureId.from_write_error(error) is LIMIT
    assert describe_limit(OSError(errno.ENOSPC, "No space left on device")) is None


@pytest.mark.parametrize(
    "text",
    [
        "OSError: [Errno 24] Too many open files: '/srv'",
        "accept: too many open files in system",
        "RuntimeError: can't start new thread",
        "/bin/sh: 1: fork: Resource temporarily unavailable",
        "fatal error: Cannot allocate memory",
        "write: disk quota exceeded",
    ],
)
def test_the_output_of_a_program_names_the_limit(text: str) -> None:
    found = describe_limit_in_text(text)
    assert found is not None
    assert found.failure is LIMIT
    assert build_docker_error(["ps"], 1, text).failure is LIMIT
    for result in ({"module_stderr": f"Traceback\n{text}", "msg": "MODULE FAILURE"}, {"msg": text}):
        assert describe_failed_task(result, "Look")["failure"] == LIMIT.id


def test_other_output_names_none() -> None:
    assert describe_limit_in_text("connection refused") is None
    assert build_docker_error(["up"], 1, "all predefined address pools have been fully subnetted").failure is LIMIT


def test_a_module_fails_with_the_limit() -> None:
    answers: list[dict[str, t.Any]] = []

    class Module:
        no_log_values: t.ClassVar[set[str]] = set()
        params: t.ClassVar[dict[str, t.Any]] = {}

        def fail_json(self, **result: t.Any) -> t.NoReturn:
            answers.append(result)
            raise SystemExit(1)

    with pytest.raises(SystemExit), fail_on_recovery_error(Module().fail_json):
        raise OSError(errno.EMFILE, "Too many open files")
    assert answers[0]["failure"] == LIMIT.id
    with pytest.raises(FileNotFoundError), fail_on_recovery_error(Module().fail_json):
        raise FileNotFoundError(errno.ENOENT, "No such file")
