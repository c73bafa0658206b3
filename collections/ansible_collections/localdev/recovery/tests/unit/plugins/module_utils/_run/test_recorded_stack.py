# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._docker.cli import CompletedCommand, Docker, Project
from ansible_collections.localdev.recovery.plugins.module_utils._run import project_index
from ansible_collections.localdev.recovery.plugins.module_utils._run.project_index import write_index_entry
from ansible_collections.localdev.recovery.plugins.module_utils._run.record import RunRecord
from ansible_collections.localdev.recovery.plugins.module_utils._run.recorded_stack import describe_recorded_stack
from ansible_collections.localdev.recovery.plugins.module_utils._run.store import RunStore
from ansible_collections.localdev.recovery.tests.unit.failure_assertions import raises_failure

ERROR = RecoveryError(FailureId.ENV_VARIABLE_MISSING, "Compose needs SECRET_KEY")


class Silent(Docker):
    """A CLI that must not be asked: the index knows the stack."""

    def run(self, *args: str, **options: t.Any) -> CompletedCommand:
        raise AssertionError(args)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.delenv("COMPOSE_PROJECT_NAME", raising=False)
    monkeypatch.setattr(project_index, "SYSTEM_ROOT", str(tmp_path / "system"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    folder = tmp_path / "project"
    folder.mkdir()
    root = tmp_path / "system"
    (root / ".projects").mkdir(parents=True)
    write_index_entry({"root": str(root), "folder": str(root / "shop"), "group": None}, str(folder), "shop")
    return Project(str(folder))


def test_a_project_without_records_keeps_its_error(project: Project) -> None:
    with raises_failure(FailureId.ENV_VARIABLE_MISSING, "SECRET_KEY"):
        describe_recorded_stack(Silent(), project, ERROR)


def test_a_project_with_records_is_described_without_services(
    project: Project, tmp_path: Path, make_record: t.Callable[..., RunRecord]
) -> None:
    RunStore(str(tmp_path / "system" / "shop")).save(make_record("env_file"))
    stack = describe_recorded_stack(Silent(), project, ERROR)
    assert stack["unreadable"]["failure"] == FailureId.ENV_VARIABLE_MISSING.id
    assert (stack["project"]["name"], stack["project"]["dir"], stack["services"]) == ("shop", project.src, {})
    assert len(RunStore.from_stack(stack).load_all()) == 1
    assert (stack["managed_services"], stack["database"], stack["services_without_containers"]) == ([], None, [])
