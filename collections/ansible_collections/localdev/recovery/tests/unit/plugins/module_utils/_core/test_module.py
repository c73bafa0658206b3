# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

import pytest
from ansible.module_utils.common.parameters import remove_values

from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._core.module import fail_on_recovery_error
from ansible_collections.localdev.recovery.plugins.module_utils._core.next_command import (
    playbook_command,
    program_command,
)


class Left(BaseException):
    pass


class Module:
    """A stand-in for AnsibleModule that keeps its result."""

    def __init__(self) -> None:
        self.no_log_values: set[str] = set()
        self.params: dict[str, t.Any] = {}

    def fail_json(self, **result: t.Any) -> t.NoReturn:
        raise Left("failed", remove_values(result, self.no_log_values))

    def exit_json(self, **result: t.Any) -> t.NoReturn:
        raise Left("ok", result)


def outcome(action: t.Callable[[t.Any], dict[str, t.Any]]) -> tuple[str, dict[str, t.Any]]:
    module: t.Any = Module()
    with pytest.raises(Left) as left, fail_on_recovery_error(module.fail_json):
        module.exit_json(**action(module))
    return t.cast("tuple[str, dict[str, t.Any]]", left.value.args)


def test_a_result_is_handed_over() -> None:
    assert outcome(lambda _module: {"changed": True}) == ("ok", {"changed": True})


def test_an_error_becomes_a_failed_result() -> None:
    undo = playbook_command("undo", undo_run_id="1")
    error = RecoveryError(FailureId.DISK_FULL, "The cause", details=["the log"], hint="the hint", next_command=undo)

    def act(_module: t.Any) -> dict[str, t.Any]:
        raise error

    assert outcome(act) == (
        "failed",
        {
            "failure": "disk.full",
            "msg": str(error),
            "message": "The cause",
            "details": ["the log"],
            "hint": "the hint",
            "next": undo,
            "invocation": {"module_args": {}},
        },
    )


def test_a_password_hides_no_id_and_no_command() -> None:
    module: t.Any = Module()
    module.no_log_values, module.params = {"docker"}, {"password": "docker", "service": "db"}
    command = program_command("docker", "ps")
    error = RecoveryError(FailureId.DOCKER_NOT_RUNNING, "the password is docker", next_command=command)
    with pytest.raises(Left) as left, fail_on_recovery_error(module.fail_json):
        raise error
    result = left.value.args[1]
    assert (result["failure"], result["next"]) == ("docker.not_running", command)
    assert "docker" not in result["message"] + result["msg"]
    assert "docker" not in result["invocation"]["module_args"].values()


def test_an_old_python_is_refused_before_anything_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.version_info", (3, 8, 20))
    how, result = outcome(lambda _module: pytest.fail("it was run"))
    assert (how, result["failure"]) == ("failed", "host.python_too_old")
    assert "3.8" in result["message"]
    assert "3.9" in result["message"]
    assert "ansible_python_interpreter" in result["hint"]
