# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import threading
import types
import typing as t

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.modules import alembic_upgrade
from ansible_collections.localdev.recovery.tests.unit.failure_assertions import raises_failure

SHOWN = {"enabled": True, "excluded": False, "one_shot": False}
STACK: dict[str, t.Any] = {
    "project": {"name": "shop", "dir": "/", "files": [], "env_files": [], "profiles": []},
    "services": {"db": {"kind": "database", **SHOWN}, "api": {"kind": "application", **SHOWN}},
    "database": {"service": "db", "user": "owner", "name": "shop"},
}


def upgrade(
    monkeypatch: pytest.MonkeyPatch, answer: dict[str, t.Any], *, check_mode: bool
) -> tuple[dict[str, t.Any], t.Any]:
    requests: list[t.Any] = []

    def request_alembic(
        _docker: t.Any, _stack: t.Any, request: dict[str, t.Any], *, fresh: bool = False, **_more: t.Any
    ) -> dict[str, t.Any]:
        requests.append((request, fresh))
        return answer

    monkeypatch.setattr(alembic_upgrade, "run_alembic_request", request_alembic)
    params = {
        "stack": STACK,
        "run_id": "",
        "step": "",
        "target": "heads",
        "config": "",
        "from_base": True,
        "database": "",
        "python": "",
        "chdir": "",
        "environment": {},
        "connect_timeout": 60.0,
        "until_ready": [],
        "lock_timeout": 60.0,
    }
    module = types.SimpleNamespace(params=params, check_mode=check_mode)
    return alembic_upgrade.act(t.cast("t.Any", module)), requests[0]


def test_an_upgrade_returns_what_it_applied(monkeypatch: pytest.MonkeyPatch) -> None:
    answer = {"applied": ["b", "c"], "heads": ["c"], "current": ["c"], "before": ["a"]}
    result, (request, fresh) = upgrade(monkeypatch, answer, check_mode=False)
    assert (result["changed"], result["applied"]) == (True, ["b", "c"])
    assert result["diff"] == {"before": "a\n", "after": "a\nb\nc\n"}
    assert (request["do"], fresh) == ("upgrade", True)


def test_an_upgrade_at_the_heads_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    answer = {"applied": [], "heads": ["c"], "current": ["c"], "before": ["c"]}
    result, _request = upgrade(monkeypatch, answer, check_mode=False)
    assert result["changed"] is False
    assert result["diff"]["before"] == result["diff"]["after"]


def test_check_mode_only_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    answer = {"applied": ["b"], "heads": ["b"], "current": ["a"], "before": ["a"]}
    result, (request, fresh) = upgrade(monkeypatch, answer, check_mode=True)
    assert (result["changed"], result["applied"]) == (True, ["b"])
    assert (request["do"], request["from_base"], fresh) == ("plan", True, False)


def test_a_database_that_does_not_come_up_ends_alembic(monkeypatch: pytest.MonkeyPatch) -> None:
    """Check that the container, which would retry until the timeout, is removed, and that the database's error is shown."""
    removed = threading.Event()

    def request_alembic(*_args: t.Any, **_more: t.Any) -> dict[str, t.Any]:
        assert removed.wait(10)
        raise RecoveryError(FailureId.ALEMBIC_NO_ANSWER, "no answer")

    def fail_to_wait(*_args: t.Any) -> None:
        raise RecoveryError(FailureId.SERVICE_NOT_READY, "db exited")

    monkeypatch.setattr(alembic_upgrade, "run_alembic_request", request_alembic)
    monkeypatch.setattr(alembic_upgrade, "wait_for_services", fail_to_wait)
    monkeypatch.setattr(alembic_upgrade, "remove_helper_containers", lambda _docker, _run_id: removed.set())
    params = {"stack": STACK, "run_id": "r1", "until_ready": ["db"], "connect_timeout": 60.0}
    with raises_failure(FailureId.SERVICE_NOT_READY, "db exited"):
        alembic_upgrade.upgrade_database(t.cast("t.Any", None), params, {}, None)
