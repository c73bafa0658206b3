# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import copy
import http.server
import socket
import threading
import typing as t
from pathlib import Path

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils._docker.cli import CompletedCommand, Docker
from ansible_collections.localdev.recovery.plugins.module_utils._report.status import format_status_report
from ansible_collections.localdev.recovery.plugins.module_utils._stack.describe import describe_stack
from ansible_collections.localdev.recovery.plugins.module_utils._stack.facts import StackFacts
from ansible_collections.localdev.recovery.plugins.module_utils._status.collect import (
    collect_addresses,
    collect_backups,
    collect_data_mounts,
    collect_disk_space,
    collect_parts,
    collect_runs,
    parse_mount_sizes,
)
from ansible_collections.localdev.recovery.plugins.module_utils._status.queries import (
    build_status_query,
    parse_status_answer,
)

Json = dict[str, t.Any]
GIB = 1024**3

PAGES = {"/": (200, "hello"), "/health": (503, "no"), "/docs": (200, "<title>Swagger UI</title>"), "/redoc": (404, "")}


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        code, text = PAGES.get(self.path, (404, ""))
        self.send_response(code)
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *words: object) -> None:
        pass


@pytest.fixture
def web() -> t.Iterator[int]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()


@pytest.fixture
def mute() -> t.Iterator[int]:
    """A port that is open and speaks no HTTP."""
    server = socket.create_server(("127.0.0.1", 0))

    def hang_up() -> None:
        try:
            while True:
                server.accept()[0].close()
        except OSError:
            pass

    threading.Thread(target=hang_up, daemon=True).start()
    yield server.getsockname()[1]
    server.close()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def stack(facts_of: t.Callable[[str], StackFacts]) -> Json:
    return describe_stack(facts_of("runbook"))


# --- asking ------------------------------------------------------------------------------------------------------


def test_a_part_that_fails_leaves_the_others_and_shows_no_secret() -> None:
    def refuse() -> None:
        raise RecoveryError("it said hunter2", next_command="something")

    def missing() -> None:
        raise FileNotFoundError(2, "No such file", "/x")

    found = collect_parts({"a": refuse, "b": lambda: 7, "c": missing}, lambda text: text.replace("hunter2", "***"))
    assert found["a"] == {"problem": "it said ***"}
    assert found["b"] == 7
    assert "/x" in found["c"]["problem"]


def test_addresses_tell_what_really_answers(stack: Json, web: int, mute: int) -> None:
    for name, port in {"backend": web, "frontend": free_port(), "db": mute}.items():
        stack["services"][name]["ports"] = [{"target": 1, "published": port, "host_ip": "127.0.0.1", "protocol": "tcp"}]
    found = collect_addresses(stack)
    assert found["backend"] == {
        "url": f"http://127.0.0.1:{web}",
        "answers": True,
        "pages": {"/health": 503, "/docs": 200},
    }
    assert found["frontend"]["answers"] is False
    assert (found["db"]["url"], found["db"]["answers"]) == (f"127.0.0.1:{mute}", None)


def test_a_port_that_speaks_no_http_is_no_url(stack: Json, mute: int) -> None:
    stack["services"]["frontend"]["ports"] = [
        {"target": 25, "published": mute, "host_ip": "127.0.0.1", "protocol": "tcp"}
    ]
    assert collect_addresses(stack)["frontend"] == {"url": f"127.0.0.1:{mute}", "answers": True, "pages": {}}


def test_sizes_of_what_containers_see() -> None:
    text = (
        "/var/lib/postgresql/data|47980|/dev/vda 264212084 32346792 74044120 31% /var/lib/postgresql/data\n"
        "/slow|?|overlay 100 50 50 50% /\n/gone||\n"
    )
    assert parse_mount_sizes(text.replace("?", "")) == {
        "/var/lib/postgresql/data": {
            "bytes": 47980 * 1024,
            "free_bytes": 74044120 * 1024,
            "total_bytes": 264212084 * 1024,
        },
        "/slow": {"bytes": None, "free_bytes": 50 * 1024, "total_bytes": 100 * 1024},
        "/gone": {"bytes": None},
    }


def test_data_that_nothing_sees_is_not_measured(stack: Json) -> None:
    class Hanging(Docker):
        def run(self, *args: str, check: bool = True, **options: t.Any) -> CompletedCommand:
            raise RecoveryError("docker exec did not finish within 10 s")

    found = collect_data_mounts(Hanging(), stack)
    assert {(item["service"], item["bytes"]) for item in found} == {("db", None), ("redis", None)}


def test_what_is_asked_of_the_database() -> None:
    sql = build_status_query(["people", "odd|name", "audit.log"], "ops.alembic_version")
    assert "statement_timeout" in sql
    assert """n.nspname = 'ops'""" in sql
    assert """FROM "audit"."log\"""" in sql
    answer = "bytes|8192\nrevision|b\nrevision|a\nrows|odd|name|3\nrows|people|28\n"
    assert parse_status_answer(answer, "", ["people", "odd|name", "gone"]) == {
        "bytes": 8192,
        "revisions": ["a", "b"],
        "rows": {"odd|name": 3, "people": 28, "gone": None},
    }


def test_a_count_that_takes_too_long_leaves_what_was_answered() -> None:
    error = "psql:<stdin>:4: ERROR:  canceling statement due to statement timeout\n"
    found = parse_status_answer("bytes|1\nrevision|a\n", error, ["people"])
    assert (found["bytes"], found["rows"]) == (1, {})
    assert "statement timeout" in found["problem"]


def test_runs_and_backups_of_a_folder_without_any(tmp_path: Path) -> None:
    nothing = {"count": 0, "bytes": 0}
    assert collect_runs(str(tmp_path)) == {"locked": "", "interrupted": [], "set_aside": nothing, "deletable": nothing}
    assert collect_backups(str(tmp_path / "none"), "shop")["last"] is None
    assert len(collect_disk_space([str(tmp_path), str(tmp_path), "/no/such"])) == 1


# --- telling -----------------------------------------------------------------------------------------------------

LAST = {
    "name": "shop_20260131_100000",
    "created": "2026-01-31T10:00:00Z",
    "age_s": 7200,
    "bytes": 2048,
    "alembic_versions": ["a"],
    "last_proved_restorable": None,
}
HEALTHY: Json = {
    "error": {},
    "addresses": {
        "backend": {"url": "http://localhost:8000", "answers": True, "pages": {"/health": 200, "/docs": 200}}
    },
    "schema": {"heads": ["a"], "current": ["a"], "pending": [], "unknown": [], "overlapping": []},
    "database": {"bytes": 9 * 1024**2, "revisions": ["a"], "rows": {"people": 28, "blocks": 731}},
    "expected_rows": {"people": 28, "blocks": 730},
    "backups": {"folder": "/srv/b", "count": 1, "last": LAST, "proved": None},
    "data": [
        {
            "service": "db",
            "type": "volume",
            "source": "shop_data",
            "target": "/data",
            "bytes": 2048,
            "free_bytes": 50 * GIB,
            "total_bytes": 100 * GIB,
        }
    ],
    "disk": [{"path": "/srv", "free_bytes": 50 * GIB, "total_bytes": 100 * GIB}],
    "runs": {
        "locked": "",
        "interrupted": [],
        "set_aside": {"count": 2, "bytes": 4096},
        "deletable": {"count": 1, "bytes": 1024},
    },
}


def told(stack: Json | None, **parts: t.Any) -> str:
    return "\n".join(format_status_report(stack, {**copy.deepcopy(HEALTHY), **parts}, {}))


def test_a_healthy_stack_on_one_screen(stack: Json) -> None:
    text = told(stack)
    for words in (
        "ok  backend        application  running, healthy  http://localhost:8000\n",
        "pages       http://localhost:8000/health\n            http://localhost:8000/docs\n",
        f"database    {stack['database']['name']} as {stack['database']['user']}, 9.0 MiB, at a (head)\n",
        "rows        people 28, blocks 731 (freshly seeded 730)\n",
        "backup      shop_20260131_100000, 120 min old, 2.0 KiB; no backup was ever proved restorable\n".replace(
            "120 min", "2 h"
        ),
        "data        db: volume shop_data, 2.0 KiB\n",
        "disk        50.0 GiB of 100.0 GiB free at /srv\n",
        "2 things set aside, 4.0 KiB; ansible-playbook localdev.recovery.cleanup would free 1.0 KiB",
    ):
        assert words in text + "\n"
    assert len(text.splitlines()) < 24
    assert "Next:" not in text
    assert "warning" not in text


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"current": ["z"], "unknown": ["z"]}, "at z, which is not among the migrations"),
        ({"current": ["a"], "pending": ["b", "c"], "heads": ["c"]}, "at a, the migrations end at c, 2 pending"),
        ({"current": [], "pending": ["a"]}, "at no revision, the migrations end at a, 1 pending"),
    ],
)
def test_a_schema_behind_or_unknown_leads_to_its_recovery(stack: Json, schema: Json, words: str) -> None:
    text = told(stack, schema={**HEALTHY["schema"], **schema})
    assert words in text
    assert text.splitlines()[-1] == "Next: ansible-playbook localdev.recovery.schema_recovery"


def test_what_cannot_be_asked_says_so(stack: Json) -> None:
    text = told(
        stack,
        schema={"problem": "docker exec did not finish within 10 s"},
        database={"bytes": None, "revisions": ["a"], "rows": {}, "problem": "statement timeout"},
        data={"problem": "no data"},
        backups={"problem": "The backup folder cannot be read"},
        runs={"problem": "The run record cannot be read"},
        addresses={"problem": "x"},
    )
    for words in (
        "at a; Alembic: docker exec did not",
        "warning: The database: statement timeout",
        "no data",
        "record",
    ):
        assert words in text


def test_a_database_that_does_not_run_and_an_application_that_does_not(stack: Json) -> None:
    assert "db does not run" in told(stack, database=None, schema=None)
    assert "the heads can be asked while backend runs" in told(stack, schema=None)


@pytest.mark.parametrize(
    ("parts", "command"),
    [
        ({"runs": {**HEALTHY["runs"], "locked": "locked by x"}}, None),
        (
            {
                "runs": {
                    **HEALTHY["runs"],
                    "interrupted": [{"run_id": "R", "procedure": "restore", "started": "2026-01-31T10:00:00Z"}],
                }
            },
            "ansible-playbook localdev.recovery.undo",
        ),
        ({"backups": {**HEALTHY["backups"], "last": None, "count": 0}}, "ansible-playbook localdev.recovery.backup"),
        (
            {"backups": {**HEALTHY["backups"], "last": {**LAST, "age_s": 8 * 86400}}},
            "ansible-playbook localdev.recovery.backup",
        ),
        ({"error": {"message": "no daemon", "next_command": "start it"}, "backups": HEALTHY["backups"]}, None),
    ],
    ids=["locked", "interrupted", "no backup", "old backup", "error"],
)
def test_the_next_command(stack: Json, parts: Json, command: str | None) -> None:
    last = told(stack, **parts).splitlines()[-1]
    assert last == f"Next: {command}" if command else "Next" not in last


def test_the_next_command_for_services(stack: Json) -> None:
    stack["services"]["n8n"].update(excluded=True, ok=False)
    assert "Next" not in told(stack)
    stack["services"]["redis"]["containers"][0]["stale_config"] = True
    stack["services"]["frontend"]["ok"] = False
    assert told(stack).endswith("container_recovery_action=restart -e container_recovery_services=frontend,redis")
    # Every service that is built of the same folder, or the workers would stay on the old code.
    change = {"path": "app/main.py", "kind": "source", "proved": True}
    for name in ("backend", "celery-worker"):
        stack["services"][name]["drift"]["image"] = [change]
    text = told(stack)
    assert text.endswith("container_recovery_action=rebuild -e container_recovery_services=backend,celery-worker")
    assert "warning: celery-worker: image is older than its source (app/main.py)" in text


def test_what_is_not_proved_is_one_warning_and_no_command(stack: Json) -> None:
    change = {"path": "app/main.py", "kind": "source", "proved": False}
    for name in ("backend", "celery-worker"):
        stack["services"][name]["drift"]["image"] = [change]
    text = told(stack)
    assert "warning: Files in the build contexts of backend, celery-worker are newer than the images" in text
    assert "Next" not in text


def test_a_disk_that_is_nearly_full_is_named_where_it_is_seen(stack: Json) -> None:
    data = [{**HEALTHY["data"][0], "free_bytes": GIB // 2, "total_bytes": 20 * GIB}]
    assert "warning: Only 512.0 MiB of 20.0 GiB are free at db:/data" in told(stack, data=data)


def test_without_a_configuration_the_rest_is_told() -> None:
    text = told(
        None,
        database=None,
        schema=None,
        addresses={},
        data=[],
        containers=["shop-db: Up 2 hours"],
        error={"message": "x"},
    )
    assert text.startswith("containers  shop-db: Up 2 hours")
    assert "backup " in text
    assert "disk " in text


def test_log_lines_of_what_is_broken(stack: Json) -> None:
    lines = format_status_report(stack, copy.deepcopy(HEALTHY), {"api": ["one", "two"]})
    assert lines[-3:] == ["--- last log lines of api", "one", "two"]
