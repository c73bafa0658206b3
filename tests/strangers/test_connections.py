# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Servers that let a client in by other ways than the official image does: each is backed up, restored and copied.

All are services of one project. A service imitates an image that cannot be had here: it has the same user, port,
pg_hba.conf and variables.
"""

from __future__ import annotations

import json
import typing as t
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.harness.images import provide_base_images
from tests.harness.module_run import run_module
from tests.strangers.stranger_project import SERVER_COMMAND, StrangerProject, run_project

pytestmark = pytest.mark.docker

PASSWORD = "it's a:p\\ss w0rd"
ROWS = "CREATE TABLE people (name text); INSERT INTO people SELECT 'person ' || i FROM generate_series(1, 200) i;"
REQUIRE_PASSWORDS = "sed -i 's/trust$/scram-sha-256/' $PGDATA/pg_hba.conf && kill -HUP 1"
SUPERUSER = "CREATE ROLE postgres SUPERUSER LOGIN PASSWORD 'r00t'; ALTER ROLE app NOSUPERUSER"


@dataclass(frozen=True)
class Server:
    """A service. setup: SQL as its superuser. shell: a command in its container afterwards. restart: at the end."""

    situation: str
    command: tuple[str, ...] = ()
    environment: dict[str, str] = field(default_factory=dict)
    setup: str = ""
    shell: str = ""
    restart: bool = False
    port: int = 5432

    @property
    def first_port(self) -> str:
        """Return the port of its first start; what shell changes counts after a restart."""
        return str(self.port) if self.command else "5432"


SERVERS = {
    "port": Server("The server's command names another port", ("-p", "5433"), port=5433),
    "configured": Server(
        "Only postgresql.conf names the port and the folder of the socket",
        shell="printf \"port = 5499\\nunix_socket_directories = '/tmp'\\n\" >> $PGDATA/postgresql.conf",
        restart=True,
        port=5499,
    ),
    "password": Server("Every connection needs a password", shell=REQUIRE_PASSWORDS),
    "client_settings": Server(
        "The container's environment has settings for clients",
        environment={"PGOPTIONS": "-c search_path=nowhere", "PGDATESTYLE": "German"},
    ),
    "limits": Server(
        "The database and the role limit statements and forbid to write",
        setup="ALTER DATABASE app SET statement_timeout = 1; ALTER ROLE app SET default_transaction_read_only = on",
    ),
    "superuser": Server(
        "The application's account is no superuser; the image's variables have the superuser's password",
        environment={"POSTGRESQL_POSTGRES_PASSWORD": "r00t"},
        setup=SUPERUSER,
        shell=REQUIRE_PASSWORDS,
    ),
    "collation": Server(
        "Each connection prints a warning, because the collation has another version",
        setup="UPDATE pg_database SET datcollversion = '2.31' WHERE datcollversion IS NOT NULL",
    ),
    "refused": Server("No account is known that may administer the server", setup=f"{SUPERUSER} NOCREATEDB"),
    "login": Server(
        "The password in Compose is not that of the cluster",
        setup="ALTER ROLE app PASSWORD 'changed'",
        shell=REQUIRE_PASSWORDS,
    ),
}
WORKING = [name for name in SERVERS if name not in ("refused", "login")]


class ServerProject(StrangerProject):
    """A project whose services are all servers."""

    def start(self) -> None:
        image = provide_base_images()["POSTGRES_IMAGE"]
        services = {
            name: {
                "image": image,
                "command": [*SERVER_COMMAND, *server.command],
                "environment": {
                    "POSTGRES_USER": "app",
                    "POSTGRES_PASSWORD": PASSWORD.replace("$", "$$"),
                    **server.environment,
                },
                "healthcheck": {
                    "test": ["CMD", "env", "-u", "PGOPTIONS", "pg_isready", "-h", "127.0.0.1", "-p", server.first_port],
                    "interval": "1s",
                    "retries": 90,
                },
            }
            for name, server in SERVERS.items()
        }
        (self.dir / "compose.yaml").write_text(json.dumps({"services": services}))
        self.compose("up", "--detach", "--wait")
        for name, server in SERVERS.items():
            psql = ["exec", "--no-TTY", name, "env", "-u", "PGOPTIONS", "psql", "-qv", "ON_ERROR_STOP=1", "-U", "app"]
            self.compose(*psql, "-p", server.first_port, "-c", ROWS)
            if server.setup:
                self.compose(*psql, "-p", server.first_port, "-c", server.setup)
            if server.shell:
                self.compose("exec", "--no-TTY", name, "sh", "-c", server.shell)
        restarted = [name for name, server in SERVERS.items() if server.restart]
        self.compose("restart", "--timeout", "10", *restarted)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[ServerProject]:
    yield from run_project(ServerProject(tmp_path_factory.mktemp("servers"), "ldr-int-servers"))


@pytest.mark.parametrize("name", WORKING)
def test_a_server_is_backed_up_restored_and_replaced(project: ServerProject, name: str) -> None:
    stack, folder = project.describe(database_service=name), project.dir / "backups" / name
    backup = run_module("database_backup", {"stack": stack, "folder": str(folder), "format": "directory"})
    assert backup.get("failed") is not True, backup
    assert backup["backup"]["metadata"]["rows"] == {"public.people": 200}
    restored = run_module("database_restore", {"stack": stack, "path": backup["backup"]["path"], "database": "again"})
    assert restored.get("failed") is not True, restored
    assert restored["rows"] == {"public.people": 200}
    plain = run_module("database_backup", {"stack": stack, "folder": str(folder / "plain"), "format": "plain"})
    restored = run_module("database_restore", {"stack": stack, "path": plain["backup"]["path"], "database": "plain"})
    assert restored["rows"] == {"public.people": 200}
    warnings = [text for result in (backup, restored) for text in result.get("warnings", [])]
    assert any("REFRESH COLLATION VERSION" in str(text) for text in warnings) is (name == "collation")
    assert PASSWORD not in json.dumps([backup, restored])


def test_a_server_is_ready_on_the_port_of_its_own_file(project: ServerProject) -> None:
    stack = project.describe(database_service="configured")
    # As it is described before the container has ever run.
    stack["database"]["port"] = 5432
    waited = run_module("stack_services", {"stack": stack, "state": "ready", "services": ["configured"], "timeout": 60})
    assert waited.get("failed") is not True, waited
    assert [(item["service"], item["condition"]) for item in waited["services"]] == [("configured", "ready")]


def test_the_account_that_could_administer_is_named_before_anything_changes(project: ServerProject) -> None:
    stack = project.describe(database_service="refused")
    backup = run_module("database_backup", {"stack": stack, "folder": str(project.dir / "backups" / "refused")})
    assert backup["backup"]["metadata"]["rows"] == {"public.people": 200}
    options = {"stack": stack, "path": backup["backup"]["path"], "database": "again"}
    failed = run_module("database_restore", options)
    assert failed["failure"] == "database.no_privileges"
    assert "superusers of this server: postgres" in failed["details"]


def test_a_server_that_refuses_every_account_says_so(project: ServerProject) -> None:
    options = {"stack": project.describe(database_service="login"), "folder": str(project.dir / "backups" / "login")}
    failed = run_module("database_backup", options)
    assert failed["failure"] == "database.login_refused"
    assert not list(Path(options["folder"]).glob("*"))
