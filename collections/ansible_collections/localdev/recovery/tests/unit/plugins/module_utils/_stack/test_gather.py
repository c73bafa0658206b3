# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import typing as t
from pathlib import Path

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils._core.masking import MASK, Masker
from ansible_collections.localdev.recovery.plugins.module_utils._docker.cli import CompletedCommand, Docker, Project
from ansible_collections.localdev.recovery.plugins.module_utils._stack import source_code
from ansible_collections.localdev.recovery.plugins.module_utils._stack.compose_config import (
    parse_compose_warnings,
    read_compose_config,
    read_config_hashes,
    read_secret_values,
)
from ansible_collections.localdev.recovery.plugins.module_utils._stack.compose_files import resolve_project_files
from ansible_collections.localdev.recovery.plugins.module_utils._stack.facts import SourcePath
from ansible_collections.localdev.recovery.plugins.module_utils._stack.gather import (
    _engine_host,
    _list_container_ids,
    _plain_version,
    _reaches_containers,
    build_file_reader,
    find_host_file,
    gather_stack,
    read_database_credentials,
    read_last_logs,
)
from ansible_collections.localdev.recovery.plugins.module_utils._stack.source_code import inspect_source_path

# Compose 2.26's own words.
MISSING_VARIABLE = (
    "error while interpolating services.db.environment.POSTGRES_PASSWORD: required variable DB_PASSWORD is missing a "
    "value: set DB_PASSWORD in .env\n"
)


@pytest.fixture(autouse=True)
def own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("COMPOSE_FILE", "COMPOSE_PROFILES", "COMPOSE_PATH_SEPARATOR", "DOCKER_HOST"):
        monkeypatch.delenv(name, raising=False)


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
    assert all(call[0] == "compose" for call in docker.calls)
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


def test_compose_config_is_resolved_and_unescaped(replay: t.Any) -> None:
    config = read_compose_config(replay("runbook"))
    assert config["services"]["db"]["environment"]["POSTGRES_PASSWORD"] == "planted-pa$word@1"
    assert config["name"] == "clinic-scheduler"


@pytest.mark.parametrize(
    ("stderr", "message", "next_command"),
    [
        pytest.param(
            MISSING_VARIABLE,
            "needs the variable DB_PASSWORD, which has no value: set DB_PASSWORD in .env",
            "set DB_PASSWORD in the .env file",
            id="missing variable",
        ),
        pytest.param(
            "no configuration file provided: not found", "no Compose file in", "stack_compose_files", id="no file"
        ),
        pytest.param(
            "yaml: line 3: did not find expected ',' or ']'",
            "cannot read the project in .*: yaml: line 3: did not find",
            "docker compose config --quiet",
            id="broken YAML",
        ),
        pytest.param(
            'time="x" level=warning msg="y"\nvalidating c.yml: services.a Additional property imag is not allowed',
            "Additional property imag is not allowed",
            "docker compose config --quiet",
            id="unknown key",
        ),
        pytest.param(
            "open /x/nope.yml: no such file or directory",
            "needs the file /x/nope.yml, which does not exist",
            "docker compose config --quiet",
            id="named file missing",
        ),
        pytest.param(
            "env file /x/app.env not found: stat /x/app.env: no such file or directory",
            "needs the file /x/app.env, which does not exist",
            "docker compose config --quiet",
            id="env file missing",
        ),
        pytest.param(
            "docker: unknown command: docker compose", "no Compose v2 plugin", "docker_engine", id="no Compose plugin"
        ),
    ],
)
def test_compose_complaints_become_helpful_errors(replay: t.Any, stderr: str, message: str, next_command: str) -> None:
    docker = replay("runbook")
    docker.instead = {" config ": (15, "", stderr)}
    with pytest.raises(RecoveryError, match=message) as raised:
        gather_stack(docker)
    assert next_command in raised.value.next_command


def test_a_daemon_that_does_not_answer(replay: t.Any) -> None:
    docker = replay("runbook")
    answer = (
        1,
        "",
        "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?",
    )
    docker.instead = {"version --format": answer, "ps ": answer}
    with pytest.raises(RecoveryError, match="daemon does not answer"):
        gather_stack(docker)
    assert gather_stack(docker, live=False)["database"]["service"] == "db"


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
    """Optional dependencies on services that are not enabled do not count; Compose drops them at up."""
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


def test_database_secrets_of_a_stack(replay: t.Any) -> None:
    docker = replay("bitnami")
    found = read_database_credentials(docker, gather_stack(docker))
    assert found == {"user": "archivist", "password": "planted-archive", "name": "archive"}
    with pytest.raises(RecoveryError, match="no database service") as raised:
        read_database_credentials(docker, {"database": None, "warnings": ["why"]})
    assert "why" in str(raised.value)


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


# --- files ---


def write(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")


@pytest.mark.parametrize(
    ("present", "project", "wanted"),
    [
        pytest.param(["docker-compose.yml"], {}, ["docker-compose.yml"], id="one"),
        pytest.param(
            ["compose.yaml", "docker-compose.yml", "compose.override.yml", "docker-compose.override.yml"],
            {},
            ["compose.yaml", "compose.override.yml"],
            id="the first of several, with its override",
        ),
        pytest.param(
            ["a.yml", "sub/b.yml"], {"files": ("a.yml", "sub/b.yml")}, ["a.yml", "sub/b.yml"], id="named by the user"
        ),
        pytest.param([], {}, [], id="none"),
    ],
)
def test_compose_files(tmp_path: Path, present: list[str], project: dict[str, t.Any], wanted: list[str]) -> None:
    write(tmp_path, *present)
    directory, files, env_files, profiles = resolve_project_files(Project(str(tmp_path), **project))
    assert list(files) == [str(tmp_path / name) for name in wanted]
    assert (directory, env_files, profiles) == (str(tmp_path), (), ())


def test_compose_looks_in_the_parents(tmp_path: Path) -> None:
    write(tmp_path, "compose.yml", ".env", "sub/deep/x")
    directory, files, env_files = resolve_project_files(Project(str(tmp_path / "sub/deep")))[:3]
    assert (directory, files) == (str(tmp_path), (str(tmp_path / "compose.yml"),))
    assert env_files == (str(tmp_path / ".env"),)


def test_settings_of_compose_in_env_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, "one.yml", "two.yml")
    (tmp_path / ".env").write_text("X=1\nexport COMPOSE_FILE='one.yml:two.yml'\nCOMPOSE_PROFILES=a, b\n")
    _rest, files, _rest, profiles = resolve_project_files(Project(str(tmp_path)))
    assert (files, profiles) == ((str(tmp_path / "one.yml"), str(tmp_path / "two.yml")), ("a", "b"))
    (tmp_path / "other.env").write_text("COMPOSE_PROFILES=c\n")
    named = Project(str(tmp_path), env_files=("other.env",))
    assert resolve_project_files(named)[2:] == ((str(tmp_path / "other.env"),), ("c",))
    monkeypatch.setenv("COMPOSE_PROFILES", "from-the-shell")
    assert resolve_project_files(named)[3] == ("from-the-shell",)
    assert resolve_project_files(Project(str(tmp_path), profiles=("d",)))[3] == ("d",)


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


def test_only_short_and_readable_secret_files_are_masked(tmp_path: Path) -> None:
    (tmp_path / "short").write_text("hush\n")
    (tmp_path / "long").write_text("x" * 5000)
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    files = {name: {"file": str(tmp_path / name)} for name in ("short", "long", "binary", "missing")}
    assert list(read_secret_values({"secrets": {**files, "elsewhere": {"environment": "X"}}})) == ["hush"]


@pytest.mark.parametrize(
    ("present", "wanted"),
    [
        pytest.param(["alembic.ini", "app.py"], SourcePath(code=True, alembic=("alembic.ini",)), id="at the top"),
        pytest.param(
            ["x/y/z/alembic.ini", "x/alembic.ini"],
            SourcePath(code=True, alembic=("x/alembic.ini", "x/y/z/alembic.ini")),
            id="the nearest first",
        ),
        pytest.param(["a/b/c/d/alembic.ini"], SourcePath(), id="too deep"),
        pytest.param(
            ["node_modules/alembic.ini", ".git/alembic.ini", "data/alembic.ini"], SourcePath(), id="elsewhere"
        ),
        pytest.param(["notes.txt", "a/b/deep.py"], SourcePath(), id="no code"),
        pytest.param(["package.json"], SourcePath(code=True), id="code without Alembic"),
    ],
)
def test_read_source(tmp_path: Path, present: list[str], wanted: SourcePath) -> None:
    write(tmp_path, *present)
    assert inspect_source_path(str(tmp_path)) == wanted


def test_read_source_of_other_things(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, "file", "full/1.py", "full/2.py", "sub/alembic.ini")
    assert inspect_source_path(str(tmp_path / "file")) == SourcePath(folder=False)
    assert inspect_source_path(str(tmp_path / "nothing")) == SourcePath(exists=False)
    (tmp_path / "pyproject.toml").write_text("[tool.ruff]\n")
    assert inspect_source_path(str(tmp_path)).alembic == ("sub/alembic.ini",)
    monkeypatch.setattr(source_code, "MAX_FOLDER_ENTRIES", 1)
    assert inspect_source_path(str(tmp_path / "full")) == SourcePath()
    monkeypatch.setattr(source_code, "MAX_SOURCE_FILES", 0)
    assert inspect_source_path(str(tmp_path / "sub")) == SourcePath()


def test_compose_warnings() -> None:
    stderr = (
        'time="10:00:00Z" level=warning msg="The \\"X\\" variable is not set. Defaulting to a blank string."\n'
        'time="10:00:00Z" level=warning msg="/p/compose.yml: `version` is obsolete"\nother words\n'
    )
    assert parse_compose_warnings(stderr * 2) == (
        'Compose: The "X" variable is not set. Defaulting to a blank string.',
    )


# --- the engine ---


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
    ("server", "wanted"),
    [
        ({"Platform": {"Name": "Docker Engine - Community"}, "Components": [{"Name": "Engine"}]}, True),
        ({"Platform": {"Name": "Docker Desktop 4.30.0 (149282)"}}, False),
        ({"Components": [{"Name": "Engine"}, {"Name": "rootlesskit"}]}, False),
        ({}, True),
    ],
)
def test_reaches_containers(server: dict[str, t.Any], wanted: bool) -> None:
    assert _reaches_containers({"Server": server}) is wanted


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
    with pytest.raises(ValueError, match="no project"):
        gather_stack(Docker())
