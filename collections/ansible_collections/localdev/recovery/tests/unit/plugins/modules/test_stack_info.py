# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import typing as t

import pytest
from ansible.module_utils.testing import patch_module_args

from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.modules import stack_info


def run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], docker: t.Any, **params: t.Any
) -> dict[str, t.Any]:
    monkeypatch.setattr(stack_info, "Docker", lambda project: docker)
    with patch_module_args({"project_src": docker.project.src, **params}), pytest.raises(SystemExit):
        stack_info.main()
    return t.cast("dict[str, t.Any]", json.loads(capsys.readouterr().out))


@pytest.mark.parametrize("check_mode", [False, True], ids=["run", "check"])
def test_it_describes_and_changes_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], replay: t.Any, check_mode: bool
) -> None:
    result = run(monkeypatch, capsys, replay("runbook"), _ansible_check_mode=check_mode)
    assert result["changed"] is False
    assert result["stack"]["database"]["service"] == "db"
    assert result["summary"][0].split()[:3] == ["ok", "backend", "application"]
    assert len(result["summary"]) == len(result["stack"]["services"])
    assert "logs" not in result


def test_logs_are_returned_on_request_without_secrets(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], replay: t.Any
) -> None:
    result = run(monkeypatch, capsys, replay("broken"), logs=3)
    assert sorted(result["logs"]) == ["backend", "late", "migrate", "worker"]
    assert "planted" not in json.dumps(result)


def test_log_lines_of_kinds_of_services_are_returned_too(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], replay: t.Any
) -> None:
    result = run(monkeypatch, capsys, replay("broken"), logs=3, log_kinds=["database"])
    assert sorted(result["logs"]) == ["backend", "db", "late", "migrate", "worker"]
    assert "planted" not in json.dumps(result)


def test_choices_reach_the_description(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], replay: t.Any
) -> None:
    result = run(
        monkeypatch,
        capsys,
        replay("two-databases"),
        database_service="stats-db",
        application_service="api",
        excluded_services=["collector"],
    )
    assert result["stack"]["database"]["service"] == "stats-db"
    assert result["stack"]["services"]["collector"]["excluded"] is True


def test_an_error_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], replay: t.Any
) -> None:
    result = run(monkeypatch, capsys, replay("runbook"), database_service="nope")
    assert result["failed"] is True
    assert result["failure"] == FailureId.SERVICE_UNKNOWN.id
    assert "stack_database_service" in result["message"]
    assert "nope" in result["message"]
    assert "celery-beat" in result["hint"]
