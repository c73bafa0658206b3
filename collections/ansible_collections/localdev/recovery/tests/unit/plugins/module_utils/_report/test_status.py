# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import copy
import typing as t

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._core.next_command import (
    Line,
    NextCommand,
    playbook_command,
)
from ansible_collections.localdev.recovery.plugins.module_utils._report.status import (
    choose_next_command,
    format_backup_lines,
    format_database_lines,
    format_run_lines,
    format_status_report,
    format_status_warnings,
)
from ansible_collections.localdev.recovery.plugins.module_utils._stack.describe import describe_stack
from ansible_collections.localdev.recovery.plugins.module_utils._stack.facts import StackFacts
from ansible_collections.localdev.recovery.tests.unit.golden import assert_golden

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
        "locked": {},
        "unreadable": [],
        "unsettled": [],
        "unrecorded": [],
        "missing": [],
        "interrupted": [],
        "set_aside": {"count": 2, "bytes": 4096},
        "deletable": {"count": 1, "bytes": 1024},
    },
}


@pytest.fixture
def stack(facts_of: t.Callable[[str], StackFacts]) -> Json:
    described = describe_stack(facts_of("runbook"))
    described["project"]["dir"] = "/srv/clinic"
    return described


def status(**parts: t.Any) -> Json:
    """Return the status of a stack without problems, except in these parts."""
    return {**copy.deepcopy(HEALTHY), **parts}


def report(stack: Json | None, **parts: t.Any) -> list[Line]:
    """Return the report of a stack without problems, except in these parts."""
    found = status(**parts)
    return format_status_report(stack, found, {}, choose_next_command(stack, found))


def failed(message: str) -> Json:
    """Return a part that could not be collected."""
    return {"error": RecoveryError(FailureId.DOCKER_TIMEOUT, message).as_result()}


def test_a_healthy_stack_on_one_screen(stack: Json) -> None:
    lines = report(stack)
    assert_golden("status/healthy", lines)
    assert len(lines) < 24
    assert choose_next_command(stack, status()) is None
    assert format_status_warnings(stack, status()) == []
    assert playbook_command("cleanup") in [part for line in lines if isinstance(line, list) for part in line]


def test_a_schema_behind_or_unknown_leads_to_its_recovery(stack: Json) -> None:
    shown = []
    for changes in (
        {"current": ["z"], "unknown": ["z"]},
        {"current": ["a"], "pending": ["b", "c"], "heads": ["c"]},
        {"current": [], "pending": ["a"]},
    ):
        schema = {**HEALTHY["schema"], **changes}
        shown += format_database_lines(stack, HEALTHY["database"], schema)
        assert report(stack, schema=schema)[-1] == ["Next: ", playbook_command("schema_recovery")]
    assert_golden("status/schema", shown)


def test_the_failure_of_a_part_is_shown(stack: Json) -> None:
    lines = report(
        stack,
        schema=failed("docker exec did not finish within 10 s"),
        database={"bytes": None, "revisions": ["a"], "rows": {}, **failed("statement timeout")},
        data=failed("no data"),
        backups=failed("The backup folder cannot be read"),
        runs=failed("The run record cannot be read"),
        addresses=failed("no addresses"),
        injections=failed("docker diff did not finish within 10 s"),
    )
    assert_golden("status/failed_parts", lines)


def test_the_failure_of_the_list_of_containers_is_shown() -> None:
    parts = {"database": None, "schema": None, "addresses": {}, "data": []}
    lines = report(None, **parts, containers=failed("docker ps did not finish within 10 s"), error={"message": "x"})
    assert_golden("status/failed_containers", lines)


def test_a_service_may_have_the_name_error(stack: Json) -> None:
    stack["services"]["error"] = stack["services"].pop("backend")
    lines = report(stack, addresses={"error": HEALTHY["addresses"]["backend"]})
    [url] = [line.split()[-1] for line in lines if isinstance(line, str) and line.split()[1:2] == ["error"]]
    assert url == HEALTHY["addresses"]["backend"]["url"]


def test_a_database_or_an_application_that_does_not_run(stack: Json) -> None:
    lines = [*format_database_lines(stack, None, None), *format_database_lines(stack, HEALTHY["database"], None)]
    assert_golden("status/stopped", lines)


def test_a_one_shot_service_with_the_migrations_is_not_started_for_a_question(stack: Json) -> None:
    changed = copy.deepcopy(stack)
    changed["services"][changed["alembic"]["service"]]["one_shot"] = True
    assert_golden("status/one_shot_migrations", format_database_lines(changed, HEALTHY["database"], None))


INTERRUPTED = {"run_id": "R", "procedure": "restore", "started": "2026-01-31T10:00:00Z"}
LOCKED = RecoveryError(FailureId.LOCK_HELD, "The stack is locked by x").as_result()
STALE = {**HEALTHY["backups"], "last": {**LAST, "age_s": 8 * 86400}}


@pytest.mark.parametrize(
    ("parts", "command"),
    [
        ({"runs": {**HEALTHY["runs"], "locked": LOCKED}}, None),
        ({"runs": {**HEALTHY["runs"], "interrupted": [INTERRUPTED]}}, playbook_command("undo")),
        (
            {"runs": {**HEALTHY["runs"], "interrupted": [INTERRUPTED], "unsettled": [{"run_id": "B", "problem": "B"}]}},
            playbook_command("run_explain", run_explain_id="B"),
        ),
        ({"backups": {**HEALTHY["backups"], "last": None, "count": 0}}, playbook_command("backup")),
        ({"backups": STALE}, playbook_command("backup")),
        ({"error": RecoveryError(FailureId.DOCKER_NOT_RUNNING, "no daemon").as_result(), "backups": STALE}, None),
        ({"backups": failed("The backup folder cannot be read")}, None),
    ],
    ids=["locked", "interrupted", "cannot be finished", "no backup", "old backup", "error", "backups not readable"],
)
def test_the_next_command(stack: Json, parts: Json, command: NextCommand | None) -> None:
    assert choose_next_command(stack, status(**parts)) == command
    assert (report(stack, **parts)[-1] == ["Next: ", command]) == (command is not None)


def test_runs_that_are_interrupted_or_hold_the_lock_are_shown(stack: Json) -> None:
    runs = {
        "unreadable": [{"run_id": "A", "path": "/a.json", "problem": "Cannot read it."}],
        "unsettled": [{"run_id": "B", "procedure": "undo", "path": "/b.json", "problem": "Run B cannot be finished."}],
        "missing": [{"run_id": "C", "aside": "x", "problem": "It does not exist any more."}],
        "unrecorded": [
            {
                "run_id": "D",
                "puts_back": [{"kind": "volume", "name": "shop_data", "aside": "shop_data.aside-D", "bytes": 1}],
                "next": playbook_command("undo", undo_run_id="D"),
            }
        ],
    }
    lines = report(stack, runs={**HEALTHY["runs"], **runs, "interrupted": [INTERRUPTED]}, backups=STALE)
    assert_golden("status/interrupted", lines)
    assert_golden("status/locked", format_run_lines({**HEALTHY["runs"], "locked": LOCKED}))


def test_backups_of_all_kinds() -> None:
    proved = {**LAST, "last_proved_restorable": "not a time"}
    older = {**proved, "name": "shop_20260130_100000", "age_s": 3 * 86400}
    backups = HEALTHY["backups"]
    found = [
        {**backups, "last": None, "count": 0},
        {**backups, "last": None, "count": 2},
        {**backups, "proved": proved},
        {**backups, "proved": older},
    ]
    assert_golden("status/backups", [line for item in found for line in format_backup_lines(item)])


def recover(action: str, *services: str) -> NextCommand:
    return playbook_command(
        "container_recovery", container_recovery_action=action, container_recovery_services=list(services)
    )


def test_a_service_whose_health_check_has_just_begun_is_not_restarted(stack: Json) -> None:
    frontend = stack["services"]["frontend"]
    frontend["ok"] = False
    frontend["containers"][0].update(state="running", health="starting")
    assert choose_next_command(stack, status()) == playbook_command("status")
    stack["services"]["redis"]["ok"] = False
    assert choose_next_command(stack, status()) == recover("restart", "redis")


@pytest.mark.parametrize(("state", "restarts"), [("restarting", 5), ("running", 3)])
def test_a_service_that_crashes_again_and_again_is_not_restarted(stack: Json, state: str, restarts: int) -> None:
    redis = stack["services"]["redis"]
    redis["ok"] = False
    redis["containers"][0].update(state=state, health=None, restart_count=restarts)
    found: t.Any = choose_next_command(stack, status())
    assert found["argv"][:2] == ["docker", "compose"]
    assert found["argv"][-3:] == ["logs", "--tail=50", "redis"]
    redis["containers"][0]["stale_config"] = True
    assert choose_next_command(stack, status()) == recover("restart", "redis")


def test_the_next_command_for_services(stack: Json) -> None:
    stack["services"]["n8n"].update(excluded=True, ok=False)
    assert choose_next_command(stack, status()) is None
    stack["services"]["redis"]["containers"][0]["stale_config"] = True
    stack["services"]["frontend"]["ok"] = False
    assert choose_next_command(stack, status()) == recover("restart", "frontend", "redis")
    assert_golden("status/services_to_restart", report(stack))
    # Every service that is built of the same folder, or the workers would stay on the old code.
    change = {"path": "app/main.py", "kind": "source", "proved": True}
    for name in ("backend", "celery-worker"):
        stack["services"][name]["drift"]["image"] = [change]
    assert choose_next_command(stack, status()) == recover("rebuild", "backend", "celery-worker")
    assert_golden("status/services_to_rebuild", report(stack))


def test_files_that_are_only_newer_are_one_warning_and_no_command(stack: Json) -> None:
    change = {"path": "app/main.py", "kind": "source", "proved": False}
    for name in ("backend", "celery-worker"):
        stack["services"][name]["drift"]["image"] = [change]
    warnings = format_status_warnings(stack, status())
    assert_golden("status/newer_files", warnings)
    assert len(warnings) == 1
    assert choose_next_command(stack, status()) is None


def test_a_disk_that_is_nearly_full_is_named_where_it_is_seen(stack: Json) -> None:
    data = [{**HEALTHY["data"][0], "free_bytes": GIB // 2, "total_bytes": 20 * GIB}]
    [warning] = format_status_warnings(stack, status(data=data))
    assert_golden("status/full_disk", [warning])


def test_without_a_configuration_the_rest_is_shown() -> None:
    lines = report(
        None,
        database=None,
        schema=None,
        addresses={},
        data=[],
        containers=["shop-db: Up 2 hours"],
        error={"message": "x"},
    )
    assert_golden("status/without_configuration", lines)


def test_log_lines_of_a_failed_service(stack: Json) -> None:
    lines = format_status_report(stack, status(), {"api": ["one", "two"]}, None)
    assert lines[:-3] == report(stack)
    assert_golden("status/logs", lines[-3:])
