# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import socket
import typing as t

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._core.next_command import program_command
from ansible_collections.localdev.recovery.plugins.module_utils._docker.cli import CompletedCommand, Docker
from ansible_collections.localdev.recovery.plugins.module_utils._stack.ports import (
    check_ports_available,
    is_port_taken,
    list_published_ports,
)
from ansible_collections.localdev.recovery.tests.unit.failure_assertions import raises_failure
from ansible_collections.localdev.recovery.tests.unit.plugins.module_utils._stack.scripted_docker import (
    service,
    stack_of,
)


def test_wanted_ports_are_those_that_are_certain() -> None:
    config = {
        "services": {
            "web": {
                "ports": [
                    {"target": 80, "published": "8080", "host_ip": "127.0.0.1", "protocol": "tcp"},
                    {"target": 81, "published": "9000-9010", "protocol": "tcp"},
                    {"target": 82, "protocol": "tcp"},
                    {"target": 53, "published": "53", "protocol": "udp"},
                ]
            },
            "db": {"ports": [{"target": 5432, "published": "5432"}]},
            "cache": {},
        }
    }
    assert list_published_ports(config, ["web", "db", "cache", "gone"]) == [
        ("db", "", 5432),
        ("web", "127.0.0.1", 8080),
    ]


@pytest.mark.parametrize("address", ["127.0.0.1", "", "0.0.0.0"])
def test_a_port_is_taken_while_a_process_listens(address: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert is_port_taken(address, port)
    assert not is_port_taken(address, port)


class PortsDocker(Docker):
    """A Docker that answers the questions of the look at ports."""

    def __init__(self, port: int, *, engine: str = "unix:///var/run/docker.sock", own: bool = False) -> None:
        super().__init__()
        self.port = port
        self.engine = engine
        self.own = own
        self.asked: list[str] = []

    def run(self, *args: str, **kwargs: t.Any) -> CompletedCommand:
        self.asked.append(args[0])
        return CompletedCommand(args, 0, self.engine + "\n")

    def compose_json(self, *args: str) -> t.Any:
        port = {"target": 5432, "published": str(self.port), "host_ip": "127.0.0.1"}
        return {"services": {"db": {"ports": [port]}}}

    def containers(self, project_name: str) -> list[dict[str, t.Any]]:
        bindings = [{"HostIp": "127.0.0.1", "HostPort": str(self.port)}] if self.own else None
        return [{"NetworkSettings": {"Ports": {"5432/tcp": bindings}}}]


@pytest.fixture
def taken() -> t.Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def database(**container: t.Any) -> dict[str, t.Any]:
    return stack_of(db=service("database", containers=[container] if container else []))


@pytest.mark.parametrize(
    "stack",
    [database(), database(state="exited", stale_config=False), database(state="running", stale_config=True)],
    ids=["no container", "stopped", "configured otherwise"],
)
def test_a_taken_port_is_refused_by_name(taken: int, stack: dict[str, t.Any]) -> None:
    with raises_failure(FailureId.PORT_TAKEN, f"127.0.0.1:{taken}", "service db", "ss -ltnp") as error:
        check_ports_available(PortsDocker(taken), stack, ["db"])
    assert error.value.next_command == program_command("docker", "ps", "--format", "{{.Names}} {{.Ports}}")


def test_a_service_that_runs_as_configured_holds_its_ports_itself(taken: int) -> None:
    docker = PortsDocker(taken)
    check_ports_available(docker, database(state="running", stale_config=False), ["db"])
    assert docker.asked == []


def test_ports_of_the_project_itself_count_as_free(taken: int) -> None:
    check_ports_available(PortsDocker(taken, own=True), database(), ["db"])


def test_ports_of_a_remote_engine_are_not_checked_from_here(taken: int) -> None:
    check_ports_available(PortsDocker(taken, engine="ssh://elsewhere"), database(), ["db"])
