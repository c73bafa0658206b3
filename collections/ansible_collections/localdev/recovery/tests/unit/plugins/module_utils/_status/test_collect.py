# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import http.server
import socket
import threading
import typing as t
from pathlib import Path

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._core.next_command import playbook_command
from ansible_collections.localdev.recovery.plugins.module_utils._docker.cli import CompletedCommand, Docker
from ansible_collections.localdev.recovery.plugins.module_utils._run.lock import RunLock
from ansible_collections.localdev.recovery.plugins.module_utils._run.process import describe_process
from ansible_collections.localdev.recovery.plugins.module_utils._run.record import RunRecord, build_run_record
from ansible_collections.localdev.recovery.plugins.module_utils._run.retention import MissingCopy
from ansible_collections.localdev.recovery.plugins.module_utils._run.store import RunStore
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

Json = dict[str, t.Any]
STATUS = playbook_command("status")
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
    """Return a port that is open and speaks no HTTP."""
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


def test_a_part_that_fails_leaves_the_others_and_shows_no_secret() -> None:
    def refuse() -> None:
        raise RecoveryError(
            FailureId.DOCKER_COMMAND_FAILED,
            "docker exec printed hunter2",
            details=["hunter2", ["hunter2: ", STATUS]],
            hint="Hide hunter2.",
            next_command=STATUS,
        )

    def missing() -> None:
        raise FileNotFoundError(2, "No such file", "/x")

    found = collect_parts({"a": refuse, "b": lambda: 7, "c": missing}, lambda text: text.replace("hunter2", "***"))
    failure = found["a"]["error"]
    assert failure["failure"] == FailureId.DOCKER_COMMAND_FAILED.id
    assert failure["details"] == ["***", ["***: ", STATUS]]
    assert failure["next"] == STATUS
    assert "hunter2" not in str(found)
    assert all("***" in str(failure[key]) for key in ("msg", "message", "hint"))
    assert found["b"] == 7
    assert found["c"]["error"]["failure"] == FailureId.FILE_NOT_READABLE.id
    assert "/x" in found["c"]["error"]["message"]


def test_addresses_show_whether_something_answers(stack: Json, web: int, mute: int) -> None:
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


def test_sizes_as_containers_see_them() -> None:
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


def test_data_without_a_running_container_is_not_measured(stack: Json) -> None:
    class Hanging(Docker):
        def run(self, *args: str, check: bool = True, **options: t.Any) -> CompletedCommand:
            raise RecoveryError(FailureId.DOCKER_TIMEOUT, "docker exec did not finish within 10 s")

    found = collect_data_mounts(Hanging(), stack)
    assert {(item["service"], item["bytes"]) for item in found} == {("db", None), ("redis", None)}


def test_runs_and_backups_of_a_folder_without_any(tmp_path: Path) -> None:
    nothing = {"count": 0, "bytes": 0}
    assert collect_runs(RunStore(str(tmp_path / "shop"), str(tmp_path))) == {
        "locked": {},
        "unreadable": [],
        "unsettled": [],
        "unrecorded": [],
        "missing": [],
        "interrupted": [],
        "set_aside": nothing,
        "deletable": nothing,
    }
    assert collect_backups(str(tmp_path / "none"), "shop")["last"] is None
    assert len(collect_disk_space([str(tmp_path), str(tmp_path), "/no/such"])) == 1


def test_runs_show_the_holder_of_the_lock_and_records_that_cannot_be_used(tmp_path: Path) -> None:
    store = RunStore(str(tmp_path / "shop"), str(tmp_path))
    record, unrecorded = (
        build_run_record(name, project="shop", user="anna", controller_host="laptop", parameters={})
        for name in ("restore", "full_rebuild")
    )
    unrecorded["outcome"] = "succeeded"
    unrecorded["asides"].append(
        {"kind": "volume", "name": "shop_data", "aside": "shop_data.aside", "bytes": 1, "state": "live"}
    )
    RunLock(store).start(record, describe_process())
    Path(store.path("20260101T000000Z-0000")).write_text("no record")
    missing: MissingCopy = {"run_id": record["run_id"], "kind": "volume", "name": "shop_pg", "aside": "shop_pg.aside"}

    def find_existing(_store: RunStore, records: t.Sequence[RunRecord]) -> tuple[t.Any, t.Any]:
        return records, [missing]

    found = collect_runs(store, find_existing, lambda _store: [unrecorded])
    assert found["locked"]["failure"] == FailureId.LOCK_HELD.id
    assert found["locked"]["holder"]["run_id"] == record["run_id"]
    assert [item["run_id"] for item in found["unreadable"]] == ["20260101T000000Z-0000"]
    assert {key: found["missing"][0][key] for key in missing} == missing
    [run] = found["unrecorded"]
    assert run["next"] == playbook_command("undo", undo_run_id=unrecorded["run_id"])
    assert found["set_aside"] == {"count": 1, "bytes": 1}
    assert found["interrupted"] == []
