# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import typing as t
from pathlib import Path

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._core.next_command import playbook_command
from ansible_collections.localdev.recovery.plugins.module_utils._docker.cli import CompletedCommand, Docker
from ansible_collections.localdev.recovery.plugins.module_utils._docker.errors import DockerError
from ansible_collections.localdev.recovery.plugins.module_utils._stack.compose_config import (
    parse_compose_warnings,
    read_compose_config,
    read_config_hashes,
    read_secret_values,
)
from ansible_collections.localdev.recovery.plugins.module_utils._stack.gather import (
    gather_stack,
)
from ansible_collections.localdev.recovery.tests.unit.failure_assertions import raises_failure

# Compose 2.26's own words.
MISSING_VARIABLE = (
    "error while interpolating services.db.environment.POSTGRES_PASSWORD: required variable DB_PASSWORD is missing a "
    "value: set DB_PASSWORD in .env\n"
)


def test_compose_config_is_resolved_and_unescaped(replay: t.Any) -> None:
    config = read_compose_config(replay("runbook"))
    assert config["services"]["db"]["environment"]["POSTGRES_PASSWORD"] == "planted-pa$word@1"
    assert config["name"] == "clinic-scheduler"


@pytest.mark.parametrize(
    ("stderr", "failure", "value", "next_arguments"),
    [
        pytest.param(
            MISSING_VARIABLE,
            FailureId.ENV_VARIABLE_MISSING,
            "DB_PASSWORD",
            None,
            id="missing variable",
        ),
        pytest.param(
            "no configuration file provided: not found",
            FailureId.COMPOSE_FILE_MISSING,
            "stack_compose_files",
            None,
            id="no file",
        ),
        pytest.param(
            "yaml: line 3: did not find expected ',' or ']'",
            FailureId.COMPOSE_FILE_INVALID,
            "yaml: line 3: did not find expected ',' or ']'",
            ["config", "--quiet"],
            id="broken YAML",
        ),
        pytest.param(
            'time="x" level=warning msg="y"\nvalidating c.yml: services.a Additional property imag is not allowed',
            FailureId.COMPOSE_FILE_INVALID,
            "validating c.yml: services.a Additional property imag is not allowed",
            ["config", "--quiet"],
            id="unknown key",
        ),
        pytest.param(
            "open /x/nope.yml: no such file or directory",
            FailureId.PROJECT_FILE_MISSING,
            " /x/nope.yml,",
            ["config", "--quiet"],
            id="named file missing",
        ),
        pytest.param(
            "env file /x/app.env not found: stat /x/app.env: no such file or directory",
            FailureId.PROJECT_FILE_MISSING,
            " /x/app.env,",
            ["config", "--quiet"],
            id="env file missing",
        ),
        pytest.param(
            "docker: unknown command: docker compose",
            FailureId.COMPOSE_NOT_INSTALLED,
            "Compose",
            playbook_command("docker_engine"),
            id="no Compose plugin",
        ),
    ],
)
def test_compose_complaints_become_helpful_errors(
    replay: t.Any, stderr: str, failure: FailureId, value: str, next_arguments: t.Any
) -> None:
    docker = replay("runbook")
    docker.instead = {" config ": (15, "", stderr)}
    with raises_failure(failure, value) as raised:
        gather_stack(docker)
    own = isinstance(next_arguments, list)
    wanted = docker.project.compose_command(*next_arguments) if own else next_arguments
    assert raised.value.next_command == wanted
    error = t.cast(DockerError, raised.value)
    assert (error.returncode, error.stderr) == (15, stderr)


def test_a_mistake_in_an_inactive_profile_stops_nothing(replay: t.Any) -> None:
    described = gather_stack(replay("profiles"))
    assert sorted(described["services"]) == ["app", "db", "worker"]
    assert "missing.env" in described["warnings"][0]
    assert described["project"]["profiles"] == ["jobs"]


def test_staleness_is_unknown_where_compose_cannot_hash(replay: t.Any) -> None:
    docker = replay("runbook")
    docker.instead = {"--hash": (1, "", "unknown flag")}
    services = gather_stack(docker)["services"].values()
    assert not any(container["stale_config"] for service in services for container in service["containers"])


def test_hashes_are_made_of_the_resolved_configuration() -> None:
    """Ignore optional dependencies on services that are not enabled, because Compose drops them at up."""
    given: dict[str, t.Any] = {}

    class Hashing(Docker):
        def run(self, *args: str, **kwargs: t.Any) -> CompletedCommand:
            given.update(json.loads(kwargs["stdin"]))
            return CompletedCommand(args, 0, "a 1\nb 2\n")

    optional = {"condition": "service_started", "required": False}
    document = {
        "services": {
            "a": {"depends_on": {"b": optional, "off": optional}},
            "b": {"depends_on": {"off": optional}, "image": "x"},
            "off": {"depends_on": {"gone": optional}},
        }
    }
    assert read_config_hashes(Hashing(), document, frozenset({"a", "b"})) == {"a": "1", "b": "2"}
    assert given["services"] == {
        "a": {"depends_on": {"b": optional}},
        "b": {"image": "x"},
        "off": {"depends_on": {"gone": optional}},
    }


def test_only_short_and_readable_secret_files_are_masked(tmp_path: Path) -> None:
    (tmp_path / "short").write_text("hush\n")
    (tmp_path / "long").write_text("x" * 5000)
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    files = {name: {"file": str(tmp_path / name)} for name in ("short", "long", "binary", "missing")}
    assert list(read_secret_values({"secrets": {**files, "elsewhere": {"environment": "X"}}})) == ["hush"]


def test_compose_warnings() -> None:
    stderr = (
        'time="10:00:00Z" level=warning msg="The \\"X\\" variable is not set. Defaulting to a blank string."\n'
        'time="10:00:00Z" level=warning msg="/p/compose.yml: `version` is obsolete"\nother words\n'
    )
    assert parse_compose_warnings(stderr * 2) == (
        'Compose: The "X" variable is not set. Defaulting to a blank string.',
    )
