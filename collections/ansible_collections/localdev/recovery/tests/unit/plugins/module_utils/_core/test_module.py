# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils._core.module import run_module


class Left(BaseException):
    pass


class Module:
    def fail_json(self, **result: t.Any) -> t.NoReturn:
        raise Left("failed", result)

    def exit_json(self, **result: t.Any) -> t.NoReturn:
        raise Left("ok", result)


def outcome(action: t.Callable[[t.Any], dict[str, t.Any]]) -> tuple[str, dict[str, t.Any]]:
    with pytest.raises(Left) as left:
        run_module(t.cast("t.Any", Module()), action)
    return t.cast("tuple[str, dict[str, t.Any]]", left.value.args)


def test_a_result_is_handed_over() -> None:
    assert outcome(lambda _module: {"changed": True}) == ("ok", {"changed": True})


@pytest.mark.parametrize("kind", ["failed", "locked", "unsafe", "verification"])
def test_an_error_becomes_a_message_with_cause_details_remedy_and_kind(kind: str) -> None:
    def act(_module: t.Any) -> dict[str, t.Any]:
        raise RecoveryError("The cause", details="the log", next_command="the remedy", kind=kind)

    assert outcome(act) == ("failed", {"msg": "The cause\nthe log\nNext: the remedy", "failure": kind})


def test_an_old_python_is_refused_before_anything_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.version_info", (3, 8, 20))
    how, result = outcome(lambda _module: pytest.fail("it was run"))
    assert (how, result["failure"]) == ("failed", "unsafe")
    assert "is Python 3.8; the stack's host needs 3.9 or newer" in result["msg"]
    assert "ansible_python_interpreter" in result["msg"]


def test_an_error_without_details_is_one_line() -> None:
    assert str(RecoveryError("The cause")) == "The cause"
