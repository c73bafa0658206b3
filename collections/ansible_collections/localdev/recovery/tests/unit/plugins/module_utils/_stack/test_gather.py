# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import typing as t

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._core.masking import MASK, Masker
from ansible_collections.localdev.recovery.plugins.module_utils._docker.cli import CompletedCommand, Docker
from ansible_collections.localdev.recovery.plugins.module_utils._stack.gather import (
    _engine_host,
    _list_container_ids,
    _plain_version,
    build_file_reader,
    find_host_file,
    gather_stack,
    read_database_credentials,
    read_last_logs,
)
from ansible_collections.localdev.recovery.tests.unit.failure_assertions import raises_failure


def test_gather_asks_little(replay: t.Any) -> None:
    docker = replay("runbook")
    described = gather_stack(docker)
    assert described["database"]["service"] == "db"
    assert described["engine"]["compose_version"].startswith("2.")
    assert described["engine"]["version"].count(".") == 2
    assert len(docker.calls) == 8


def test_gather_without_the_engine_asks_no_daemon(replay: t.Any) -> None:
    docker = replay("runbook")
    described = gather_stack(docker, live=False)
    # The context of the CLI says where the engine would be.
    assert {call[0] for call in docker.calls} <= {"compose", "context"}
    assert described["engine"]["version"] == ""
    assert described["alembic"]["service"] == "backend"


def test_gather_passes_on_what_the_user_says(replay: t.Any) -> None:
    described = gather_stack(
        replay("two-databases"),
        database_service="stats-db",
        application_service="collector",
        excluded_services=["nightly-backup"],
    )
    assert described["database"]["service"] == "stats-db"
    assert described["alembic"]["service"] == "collector"
    assert described["services"]["nightly-backup"]["excluded"] is True


def test_a_daemon_that_does_not_answer(replay: t.Any) -> None:
    docker = replay("runbook")
    answer = (
        1,
        "",
        "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?",
    )
    docker.instead = {"version --format": answer, "ps ": answer}
    with raises_failure(FailureId.DOCKER_NOT_RUNNING, "unix:///var/run/docker.sock"):
        gather_stack(docker)
    assert gather_stack(docker, live=False)["database"]["service"] == "db"


def test_database_secrets_of_a_stack(replay: t.Any) -> None:
    docker = replay("bitnami")
    found = read_database_credentials(docker, gather_stack(docker))
    assert found == {"user": "archivist", "password": "planted-archive", "name": "archive"}
    without = {"database": None, "warnings": ["why"], "project": {"name": "shop"}, "services": {"api": {}, "web": {}}}
    with raises_failure(FailureId.DATABASE_NOT_FOUND, "shop", "stack_database_service", "api, web") as raised:
        read_database_credentials(docker, without)
    assert raised.value.details == ["why"]


def test_logs_of_what_is_broken_are_masked(replay: t.Any) -> None:
    docker = replay("broken")
    logs = read_last_logs(docker, gather_stack(docker), Masker(["planted-broken"]), 5)
    assert sorted(logs) == ["backend", "late", "migrate", "worker"]
    assert logs["worker"][-1] == f"{MASK} appears here"


def test_logs_of_what_is_well_are_read_by_kind(replay: t.Any) -> None:
    docker = replay("runbook")
    described = gather_stack(docker)
    well = sorted(
        name for name, service in described["services"].items() if service["kind"] in ("application", "worker")
    )
    assert well
    assert sorted(read_last_logs(docker, described, Masker(), 5, ["application", "worker"])) == well
    assert read_last_logs(docker, described, Masker(), 5) == {}


def test_a_failing_health_check_has_the_last_word() -> None:
    class Ill(Docker):
        def run(self, *args: str, check: bool = True, **kwargs: t.Any) -> CompletedCommand:
            if args[0] == "logs":
                return CompletedCommand(args, 0, "Ready\n\n")
            log = [{"ExitCode": 1, "Output": "Traceback\n  no planted-secret here\n"}, {"ExitCode": 0, "Output": "ok"}]
            return CompletedCommand(args, 0, json.dumps([{"State": {"Health": {"Status": "unhealthy", "Log": log}}}]))

    ill = {"ok": False, "kind": "cache", "excluded": False, "containers": [{"id": "1", "health": "unhealthy"}]}
    logs = read_last_logs(Ill(), {"services": {"redis": ill}}, Masker(["planted-secret"]), 5)
    assert logs == {"redis": ["Ready", f"health check, exit code 1: no {MASK} here"]}


def test_container_file() -> None:
    config = {
        "services": {
            "db": {
                "secrets": [{"source": "pw", "target": "password"}, {"source": "env"}],
                "configs": [{"source": "conf", "target": "/etc/x.conf"}],
                "volumes": [
                    {"type": "bind", "source": "/host/d", "target": "/mnt/d"},
                    {"type": "volume", "target": "/v"},
                ],
            }
        },
        "secrets": {"pw": {"file": "/host/pw"}, "env": {"environment": "PW"}},
        "configs": {"conf": {"file": "/host/x.conf"}},
    }
    paths = ["/run/secrets/password", "/run/secrets/env", "/etc/x.conf", "/mnt/d/e", "/mnt/dd", "/v/a"]
    assert [find_host_file(config, "db", path) for path in paths] == [
        *("/host/pw", None, "/host/x.conf", "/host/d/e", None, None),
    ]


def test_a_file_may_be_only_in_the_container() -> None:
    class Container(Docker):
        def run(self, *args: str, **kwargs: t.Any) -> CompletedCommand:
            return CompletedCommand(args, 0 if args[-1] == "/run/secrets/pw" else 1, "from the container\n")

    labels = {"com.docker.compose.service": "db"}
    running = {"Id": "1", "Config": {"Labels": labels}, "State": {"Status": "running"}}
    read = build_file_reader({"services": {"db": {}}}, Container(), [running])
    assert read("db", "/run/secrets/pw") == "from the container\n"
    assert read("db", "/nowhere") is None
    stopped = {**running, "State": {"Status": "exited"}}
    assert build_file_reader({"services": {"db": {}}}, Container(), [stopped])("db", "/run/secrets/pw") is None
    # A file that this user may not read, or that is on the engine's host.
    secrets = {"services": {"db": {"secrets": [{"source": "pw"}]}}, "secrets": {"pw": {"file": "/nowhere/pw"}}}
    assert build_file_reader(secrets, Container(), [running])("db", "/run/secrets/pw") == "from the container\n"


@pytest.mark.parametrize(
    ("docker_host", "context", "wanted"),
    [
        ("", "default", "127.0.0.1"),
        ("unix:///run/docker.sock", "default", "127.0.0.1"),
        ("tcp://engine.example.org:2376", "default", "engine.example.org"),
        ("ssh://me@box", "default", "box"),
        ("", "desktop-linux", "127.0.0.1"),
        ("", "far", "far.example.org"),
    ],
)
def test_engine_host(monkeypatch: pytest.MonkeyPatch, docker_host: str, context: str, wanted: str) -> None:
    class Contexts(Docker):
        def run(self, *args: str, **kwargs: t.Any) -> CompletedCommand:
            hosts = {"far": "ssh://far.example.org", "desktop-linux": "unix:///home/me/.docker/desktop/docker.sock"}
            return CompletedCommand(args, 0, json.dumps([{"Endpoints": {"docker": {"Host": hosts[args[-1]]}}}]))

    monkeypatch.setenv("DOCKER_HOST", docker_host)
    assert _engine_host(Contexts(), {"Client": {"Context": context}}) == wanted


@pytest.mark.parametrize(
    ("text", "wanted"),
    [("20.10.24+dfsg1", "20.10.24"), ("v2.26.1-4\n", "2.26.1"), ("28.2.2", "28.2.2"), ("dev", "dev")],
)
def test_plain_version(text: str, wanted: str) -> None:
    assert _plain_version(text) == wanted


def test_one_off_containers_are_left_out() -> None:
    class Listing(Docker):
        def run(self, *args: str, **kwargs: t.Any) -> CompletedCommand:
            return CompletedCommand(args, 0, "1 p False\n2 p True\n3 q\n4 p\n")

    assert _list_container_ids(Listing()) == {"p": ["1", "4"], "q": ["3"]}


def test_a_docker_without_project_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="project"):
        gather_stack(Docker())
