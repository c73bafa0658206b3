# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import typing as t

import pytest
from ansible.module_utils.testing import patch_module_args

from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._core.next_command import playbook_command
from ansible_collections.localdev.recovery.plugins.module_utils._docker.cli import CompletedCommand
from ansible_collections.localdev.recovery.plugins.module_utils._report.status import format_status_report
from ansible_collections.localdev.recovery.plugins.modules import stack_status
from ansible_collections.localdev.recovery.tests.unit.golden import assert_golden

NO_DAEMON = (1, "", "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?")


@pytest.fixture
def run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], replay: t.Any
) -> t.Callable[..., dict[str, t.Any]]:
    """Run the module on the recorded project; commands that are not recorded fail as if the container was gone."""

    def call(*, daemon: bool = True, config: tuple[int, str, str] | None = None, **params: t.Any) -> dict[str, t.Any]:
        docker = replay("runbook")
        recorded = docker.run

        def answer(*args: str, check: bool = True, **options: t.Any) -> CompletedCommand:
            failed = None
            if config and "config" in args:
                failed = config
            elif not daemon and args[0] != "compose":
                failed = NO_DAEMON
            elif args[0] in ("exec", "diff", "history"):
                failed = (1, "", "Error: No such container: planted-broken")
            if failed is None:
                return t.cast("CompletedCommand", recorded(*args, check=check, **options))
            result = CompletedCommand(args, *failed)
            if check:
                raise docker.build_error(result)
            return result

        monkeypatch.setattr(docker, "run", answer)
        monkeypatch.setattr(stack_status, "DockerWithTimeout", lambda project, timeout: docker)
        with patch_module_args({"project_src": docker.project.src, **params}), pytest.raises(SystemExit):
            stack_status.main()
        return t.cast("dict[str, t.Any]", json.loads(capsys.readouterr().out))

    return call


@pytest.mark.parametrize("check_mode", [False, True], ids=["run", "check"])
def test_the_module_returns_what_it_can_read_and_never_fails(
    run: t.Callable[..., dict[str, t.Any]], check_mode: bool
) -> None:
    found = run(expected_rows={"people": 28}, logs=3, _ansible_check_mode=check_mode)
    assert found["changed"] is False
    assert found["status"]["error"] == {}
    assert found["stack"]["services"]["backend"]["drift"]["edited"] == []
    assert found["lines"] == format_status_report(found["stack"], found["status"], {}, found["next"])
    assert found["next"] == playbook_command("backup")
    assert found["lines"][-1] == ["Next: ", found["next"]]
    # Every docker exec fails here.
    assert found["status"]["schema"]["error"]["failure"] == FailureId.ALEMBIC_NO_ANSWER.id
    assert found["status"]["database"]["error"]["failure"] == FailureId.DATABASE_QUERY_FAILED.id
    assert "planted" not in json.dumps(found["stack"])


def test_without_a_daemon_the_module_returns_the_configuration(run: t.Callable[..., dict[str, t.Any]]) -> None:
    found = run(daemon=False)
    assert found["status"]["error"]["failure"] == FailureId.DOCKER_NOT_RUNNING.id
    assert found["next"] is None
    conditions = {service["condition"] for service in found["stack"]["services"].values()}
    assert_golden("conditions/without_the_engine", conditions)
    assert found["status"]["data"]


def test_with_a_configuration_that_compose_cannot_read(run: t.Callable[..., dict[str, t.Any]]) -> None:
    found = run(config=(1, "", "required variable DB_PASSWORD is missing a value: set DB_PASSWORD in .env"))
    assert found["stack"] == {}
    assert found["status"]["error"]["failure"] == FailureId.ENV_VARIABLE_MISSING.id
    assert "DB_PASSWORD" in found["status"]["error"]["message"]
    assert found["next"] is None
    assert found["status"]["disk"]
    assert "containers" in found["status"]
