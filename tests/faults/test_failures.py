# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Break a stack in every way: each gives an error of its own, and the old data is back."""

from __future__ import annotations

import contextlib
import re
import socket
import typing as t
from pathlib import Path

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._core.next_command import playbook_command
from ansible_collections.localdev.recovery.plugins.module_utils._docker.errors import LIST_PORTS_COMMAND
from tests.faults.assertions import (
    assert_clear_error,
    assert_nothing_unknown_is_left,
    assert_old_data_is_back,
    assert_rolled_back,
    failed_step,
)
from tests.harness.engine import require_docker_engine
from tests.harness.playbook_run import PlaybookResult
from tests.harness.reference_stack import ReferenceStack


@contextlib.contextmanager
def changed_file(path: Path, text: str) -> t.Iterator[None]:
    """Give the file another content for a while. Delete a new file afterwards."""
    before = path.read_bytes() if path.exists() else None
    path.write_text(text)
    try:
        yield
    finally:
        if before is None:
            path.unlink()
        else:
            path.write_bytes(before)


def assert_untouched(stack: ReferenceStack, before: dict[str, t.Any]) -> None:
    """Check that nothing was stopped, created or written: the fault was seen before the first step."""
    assert stack.engine_state() == before
    assert stack.fingerprint() == stack.old_data
    assert [record for record in stack.run_records() if record["steps"]] == []


def find_migration_heads(versions: Path) -> list[str]:
    found: dict[str, list[str]] = {"revision": [], "down_revision": []}
    for path in versions.glob("*.py"):
        for name, value in re.findall(r"^(down_revision|revision)\b[^=]*= *(.+)$", path.read_text(), re.M):
            found[name] += re.findall(r"[\"']([^\"']+)[\"']", value)
    return sorted(set(found["revision"]) - set(found["down_revision"]))


@pytest.mark.fault("a migration that fails ({mounts})", "P1 P2 P9")
@pytest.mark.parametrize("mounts", ["named"])
def test_broken_migration(stack: ReferenceStack, mounts: str) -> None:
    versions = stack.dir / "backend" / "alembic" / "versions"
    [head] = find_migration_heads(versions)
    broken = f'''
from alembic import op
revision = "20251231_broken"
down_revision = "{head}"
def upgrade():
    op.execute("INSERT INTO table_of_nobody VALUES (1)")
'''
    with changed_file(versions / "20251231_broken.py", broken):
        if mounts == "named":
            stack.compose("build", "--quiet", "backend")
        result = stack.try_playbook("full_rebuild")
    stack.tag_images()
    assert_clear_error(result, FailureId.MIGRATION_FAILED, "20251231_broken", "table_of_nobody")
    assert failed_step(stack) == "migrate"
    assert_rolled_back(result)
    # The application's own start command meets the broken migration too; without it, it runs.
    stack.compose("up", "--detach", "--no-deps", "--force-recreate", "backend")
    assert_old_data_is_back(stack)
    assert_nothing_unknown_is_left(stack)


@pytest.mark.fault("a seed script that exits 3", "P1 P7 P9")
def test_failing_seed(named: ReferenceStack) -> None:
    """Run a seed that prints all that it knows before it fails, secrets included."""
    script = "import os, sys\nprint(dict(os.environ))\nprint('no holidays in the calendar')\nsys.exit(3)\n"
    with changed_file(named.dir / "scripts" / "seed_blocks.py", script):
        result = named.try_playbook("full_rebuild", "-vvv")
    assert_clear_error(result, FailureId.SEED_COMMAND_FAILED, "blocks", "backend", "3", "no holidays in the calendar")
    assert failed_step(named) == "seed"
    assert_rolled_back(result)
    shown = [
        name for name, value in named.read_env().items() if value in named.read_secrets() and value in result.output
    ]
    assert shown == []
    assert_old_data_is_back(named)
    assert_nothing_unknown_is_left(named)


@pytest.mark.fault("a seed script that fails and exits 0", "P1 P3 P9")
def test_seed_that_hides_its_failure(bind: ReferenceStack) -> None:
    result = bind.try_playbook("full_rebuild", stack_seed_environment={"ADMIN_PASSWORD": "wrong"})
    assert_clear_error(result, FailureId.SEED_COMMAND_WRONG_ROWS, "people", "0 rows", "28")
    assert failed_step(bind) == "seed"
    assert_rolled_back(result)
    assert_old_data_is_back(bind)
    assert_nothing_unknown_is_left(bind)


def assert_port_taken(result: PlaybookResult, port: str, *values: str) -> None:
    """Check that a port is named as taken, with the command that shows which container has it."""
    failure = assert_clear_error(result, FailureId.PORT_TAKEN, port, *values)
    assert failure["next"] == LIST_PORTS_COMMAND


@pytest.mark.fault("port of {service} taken while the stack is down", "P3 P9")
@pytest.mark.parametrize(("service", "variable"), [("db", "POSTGRES_PORT")])
def test_port_taken(named: ReferenceStack, service: str, variable: str) -> None:
    named.compose("down", "--timeout", "1")
    before = named.engine_state()
    with socket.create_server(("127.0.0.1", int(named.ports[variable]))):
        result = named.try_playbook("full_rebuild")
    assert_port_taken(result, named.ports[variable], service)
    assert named.engine_state() == before
    named.up()
    assert_old_data_is_back(named)


@pytest.mark.fault("a new port that is taken, while the stack runs on the old one", "P3 P9")
def test_new_port_taken(named: ReferenceStack) -> None:
    before = named.engine_state()
    with socket.create_server(("127.0.0.1", 0)) as server:
        taken = server.getsockname()[1]
        named.set_env(BACKEND_PORT=str(taken))
        result = named.try_playbook("full_rebuild")
    named.set_env(BACKEND_PORT=named.ports["BACKEND_PORT"])
    assert_port_taken(result, str(taken), "backend")
    assert_untouched(named, before)


@pytest.mark.fault("a port taken in the middle of a run", "P1 P2 P9")
def test_port_taken_on_the_way(bind: ReferenceStack) -> None:
    bind.compose("down", "--timeout", "1")
    running = bind.start_playbook("full_rebuild", stop_at="after:set aside")
    try:
        running.wait_for_breakpoint("after:set aside")
        with socket.create_server(("127.0.0.1", int(bind.ports["BACKEND_PORT"]))):
            running.resume()
            result = running.wait()
    finally:
        running.kill()
    assert_port_taken(result, bind.ports["BACKEND_PORT"])
    assert_rolled_back(result)
    assert bind.running_services() == []
    bind.up()
    assert_old_data_is_back(bind)
    assert_nothing_unknown_is_left(bind)


@pytest.mark.fault("a value that .env lacks", "P3 P9")
def test_missing_value(named: ReferenceStack) -> None:
    before = named.engine_state()
    env = named.dir / ".env"
    with changed_file(env, re.sub("(?m)^SECRET_KEY=.*$", "", env.read_text())):
        result = named.try_playbook("full_rebuild")
    assert_clear_error(result, FailureId.ENV_VARIABLE_MISSING, "SECRET_KEY", ".env")
    assert_untouched(named, before)


@pytest.mark.fault("an unreachable Docker daemon", "P3 P9")
def test_unreachable_daemon(named: ReferenceStack) -> None:
    before = named.engine_state()
    result = named.try_playbook("full_rebuild", environment={"DOCKER_HOST": "unix:///nonexistent/docker.sock"})
    assert assert_clear_error(result, FailureId.DOCKER_NOT_RUNNING, "unix:///nonexistent/docker.sock")["next"]
    assert_untouched(named, before)


@pytest.mark.fault("no room for the copy of a volume", "P3 P9")
def test_no_room_for_a_volume(named: ReferenceStack) -> None:
    before = named.engine_state()
    result = named.try_playbook("full_rebuild", full_rebuild_reserve_bytes=10**15)
    failure = assert_clear_error(result, FailureId.DISK_TOO_SMALL, named.cluster_place, "TiB")
    assert failure["next"] == playbook_command("cleanup")
    assert_untouched(named, before)


@pytest.mark.fault("a stack without a database", "P3 P9")
def test_no_database(named: ReferenceStack, tmp_path: Path) -> None:
    image = named.read_env()["REDIS_IMAGE"]
    (tmp_path / "compose.yaml").write_text(f"name: {named.name}-no-database\nservices:\n  cache:\n    image: {image}\n")
    (tmp_path / ".env").write_text("ADMIN_PASSWORD=none\n")
    result = named.try_playbook("full_rebuild", stack_dir=str(tmp_path), stack_excluded_services=[])
    failure = assert_clear_error(result, FailureId.DATABASE_NOT_FOUND, f"{named.name}-no-database")
    assert "stack_database_service" in failure["msg"]
    assert sorted(path.name for path in tmp_path.iterdir()) == [".env", "compose.yaml"]


@pytest.mark.fault("{variable} names a service that is not there", "P3 P9")
@pytest.mark.parametrize(
    ("variable", "value"), [("stack_excluded_services", ["n8m"]), ("stack_database_service", "n8m")]
)
def test_unknown_service(named: ReferenceStack, variable: str, value: t.Any) -> None:
    before = named.engine_state()
    result = named.try_playbook("full_rebuild", **{variable: value})
    assert_clear_error(result, FailureId.SERVICE_UNKNOWN, "n8m", "n8n")
    assert_untouched(named, before)


@pytest.fixture(scope="module")
def small_disk() -> t.Iterator[ReferenceStack]:
    """Yield a stack whose bind mounts are on a disk of their own, with 24 MB left: too little for a second cluster."""
    require_docker_engine()
    with contextlib.ExitStack() as cleaning:
        stack = ReferenceStack("bind", "pg15", started=["db", "redis"])
        cleaning.callback(stack.remove)
        cleaning.enter_context(stack.small_disk(160))
        stack.up()
        stack.plant_data()
        stack.save_data()
        stack.fill_disk(leave_mb=24)
        yield stack


@pytest.mark.fault("too small a disk for the new data", "P3 P9")
def test_no_room_for_new_data(small_disk: ReferenceStack) -> None:
    before = small_disk.engine_state()
    result = small_disk.try_playbook("full_rebuild")
    failure = assert_clear_error(result, FailureId.DISK_TOO_SMALL, str(small_disk.cluster_place))
    assert failure["next"] == playbook_command("cleanup")
    assert_untouched(small_disk, before)


@pytest.mark.fault("a disk that is full in the middle of it", "P1 P2 P9")
def test_disk_full_on_the_way(small_disk: ReferenceStack) -> None:
    result = small_disk.try_playbook("full_rebuild", full_rebuild_reserve_bytes=0)
    assert_clear_error(result, FailureId.SERVICE_NOT_READY, "db", "No space left on device")
    assert_rolled_back(result)
    assert_old_data_is_back(small_disk)
    assert_nothing_unknown_is_left(small_disk)
