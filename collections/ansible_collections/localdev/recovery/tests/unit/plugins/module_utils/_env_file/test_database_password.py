# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import os
import typing as t
from pathlib import Path

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._core.next_command import (
    playbook_command,
    program_command,
)
from ansible_collections.localdev.recovery.plugins.module_utils._docker.cli import CompletedCommand, Docker, Project
from ansible_collections.localdev.recovery.plugins.module_utils._env_file.compose_project import EnvProject
from ansible_collections.localdev.recovery.plugins.module_utils._env_file.database_password import (
    refuse_new_database_password,
)
from ansible_collections.localdev.recovery.plugins.module_utils._env_file.requirements import (
    EnvFilePlan,
    RequiredVariables,
)
from ansible_collections.localdev.recovery.tests.unit.failure_assertions import raises_failure

NEW_PASSWORD = playbook_command("env_file", env_file_new_database=True)
PLAN = EnvFilePlan(added={"DB_SECRET": "new"}, generated=["DB_SECRET"])
# Compose's own words.
MISSING = "error while interpolating services.web.environment.X: required variable {} is missing a value: set it\n"


class ComposeOf(Docker):
    """Compose that misses variables, one after the other, and then resolves DB_SECRET into the database's password."""

    def __init__(self, project: Project, missing: t.Sequence[str] = (), broken: str = "") -> None:
        super().__init__(project)
        self.missing, self.broken = list(missing), broken
        self.asked = 0

    def run(self, *args: str, **kwargs: t.Any) -> CompletedCommand:

        self.asked += 1
        absent = next((name for name in self.missing if name not in os.environ), "")
        if self.broken or absent:
            return CompletedCommand(args, 15, "", self.broken or MISSING.format(absent))
        password = os.environ["DB_SECRET"]
        config = {"name": "shop", "services": {"db": {"environment": {"POSTGRES_PASSWORD": password}}}}
        return CompletedCommand(args, 0, json.dumps(config), "")


def project_of(folder: Path, monkeypatch: pytest.MonkeyPatch, *, data: t.Any = (), **answers: t.Any) -> EnvProject:
    project = EnvProject(Project(str(folder)), str(folder / ".env"))
    project.docker = ComposeOf(project.project, **answers)

    def find_data(variables: t.Mapping[str, str]) -> list[str]:
        if isinstance(data, RecoveryError):
            raise data
        return list(data)

    monkeypatch.setattr(project, "find_database_data", find_data)
    return project


def test_variables_that_compose_misses_are_added_one_after_the_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = project_of(tmp_path, monkeypatch, missing=["LATE", "LATER"])
    required, variables = RequiredVariables(), {"DB_SECRET": "1"}
    assert project.read_config(required, variables).config is not None
    assert sorted(required.found) == ["LATE", "LATER"]
    assert sorted(variables) == ["DB_SECRET", "LATE", "LATER"]


def test_a_project_that_cannot_be_read_has_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = project_of(tmp_path, monkeypatch, broken="yaml: line 3: did not find expected key")
    result = project.read_config(RequiredVariables(), {})
    assert result.config is None
    assert result.error is not None
    assert result.error.failure is FailureId.COMPOSE_FILE_INVALID


def test_a_variable_that_stays_missing_ends_the_search(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = project_of(tmp_path, monkeypatch, broken=MISSING.format("DB_SECRET"))
    result = project.read_config(RequiredVariables(), {"DB_SECRET": "1"})
    assert result.error is not None
    assert result.error.failure is FailureId.ENV_VARIABLE_MISSING
    assert t.cast(ComposeOf, project.docker).asked == 2


def test_a_new_password_without_data_is_allowed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    refuse_new_database_password(project_of(tmp_path, monkeypatch), PLAN, RequiredVariables(), "/srv/shop/.env")


def test_a_new_password_for_existing_data_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = project_of(tmp_path, monkeypatch, data=["shop_pgdata"])
    with raises_failure(
        FailureId.DATABASE_PASSWORD_DATA_EXISTS, "DB_SECRET", "shop_pgdata", "/srv/shop/.env"
    ) as caught:
        refuse_new_database_password(project, PLAN, RequiredVariables(), "/srv/shop/.env")
    assert any(NEW_PASSWORD in line for line in caught.value.details if isinstance(line, list))
    assert caught.value.next_command is None


def test_a_new_password_is_refused_where_the_data_is_not_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    start = program_command("sudo", "systemctl", "start", "docker")
    down = RecoveryError(FailureId.DOCKER_NOT_RUNNING, "No answer from docker.sock", next_command=start)
    project = project_of(tmp_path, monkeypatch, data=down)
    with raises_failure(FailureId.DATABASE_PASSWORD_DATA_UNKNOWN, "DB_SECRET", "docker.sock") as caught:
        refuse_new_database_password(project, PLAN, RequiredVariables(), "/srv/shop/.env")
    assert caught.value.next_command == start
    assert NEW_PASSWORD in caught.value.hint


def test_a_name_decides_where_compose_cannot_read_the_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = "yaml: line 3: did not find expected key"
    project = project_of(tmp_path, monkeypatch, broken=broken)
    plan = EnvFilePlan(added={"DB_PASS": "new", "TOKEN": "new"}, generated=["DB_PASS", "TOKEN"])
    with raises_failure(FailureId.DATABASE_PASSWORD_DATA_UNKNOWN, "DB_PASS", broken) as caught:
        refuse_new_database_password(project, plan, RequiredVariables(), "/srv/shop/.env")
    assert "TOKEN" not in str(caught.value)
    assert caught.value.next_command == project.project.compose_command("config", "--quiet")
    refuse_new_database_password(project, PLAN, RequiredVariables(), "/srv/shop/.env")
