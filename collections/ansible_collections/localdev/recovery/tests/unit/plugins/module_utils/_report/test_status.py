# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import copy
import typing as t

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._report.status import format_status_report
from ansible_collections.localdev.recovery.plugins.module_utils._stack.describe import describe_stack
from ansible_collections.localdev.recovery.plugins.module_utils._stack.facts import StackFacts

Json = dict[str, t.Any]
GIB = 1024**3

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


@pytest.fixture
def stack(facts_of: t.Callable[[str], StackFacts]) -> Json:
    return describe_stack(facts_of("runbook"))


def report(stack: Json | None, **parts: t.Any) -> str:
    """Return the report of a stack without problems, except in these parts."""
    return "\n".join(format_status_report(stack, {**copy.deepcopy(HEALTHY), **parts}, {}))


def test_a_healthy_stack_on_one_screen(stack: Json) -> None:
    text = report(stack)
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
    text = report(stack, schema={**HEALTHY["schema"], **schema})
    assert words in text
    assert text.splitlines()[-1] == "Next: ansible-playbook localdev.recovery.schema_recovery"


def test_the_problem_of_a_part_is_shown(stack: Json) -> None:
    text = report(
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
    assert "db does not run" in report(stack, database=None, schema=None)
    assert "the heads can be asked while backend runs" in report(stack, schema=None)


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
    last = report(stack, **parts).splitlines()[-1]
    assert last == f"Next: {command}" if command else "Next" not in last


def test_the_next_command_for_services(stack: Json) -> None:
    stack["services"]["n8n"].update(excluded=True, ok=False)
    assert "Next" not in report(stack)
    stack["services"]["redis"]["containers"][0]["stale_config"] = True
    stack["services"]["frontend"]["ok"] = False
    assert report(stack).endswith("container_recovery_action=restart -e container_recovery_services=frontend,redis")
    # Every service that is built of the same folder, or the workers would stay on the old code.
    change = {"path": "app/main.py", "kind": "source", "proved": True}
    for name in ("backend", "celery-worker"):
        stack["services"][name]["drift"]["image"] = [change]
    text = report(stack)
    assert text.endswith("container_recovery_action=rebuild -e container_recovery_services=backend,celery-worker")
    assert "warning: celery-worker: image is older than its source (app/main.py)" in text


def test_files_that_are_only_newer_are_one_warning_and_no_command(stack: Json) -> None:
    change = {"path": "app/main.py", "kind": "source", "proved": False}
    for name in ("backend", "celery-worker"):
        stack["services"][name]["drift"]["image"] = [change]
    text = report(stack)
    assert "warning: Files in the build contexts of backend, celery-worker are newer than the images" in text
    assert "Next" not in text


def test_a_disk_that_is_nearly_full_is_named_where_it_is_seen(stack: Json) -> None:
    data = [{**HEALTHY["data"][0], "free_bytes": GIB // 2, "total_bytes": 20 * GIB}]
    assert "warning: Only 512.0 MiB of 20.0 GiB are free at db:/data" in report(stack, data=data)


def test_without_a_configuration_the_rest_is_shown() -> None:
    text = report(
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


def test_log_lines_of_a_failed_service(stack: Json) -> None:
    lines = format_status_report(stack, copy.deepcopy(HEALTHY), {"api": ["one", "two"]})
    assert lines[-3:] == ["--- last log lines of api", "one", "two"]
