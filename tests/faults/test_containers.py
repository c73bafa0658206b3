# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A rebuild of images that is killed: wholly the old images or wholly the new ones, and the same command finishes."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from tests.faults.assertions import (
    assert_clear_error,
    assert_old_data_is_back,
    assert_rolled_back,
    assert_unchanged,
)
from tests.faults.secrecy import SecretWatch, assert_hidden
from tests.harness.engine import docker, wait_until
from tests.harness.reference_stack import ReferenceStack

REBUILD = {"container_recovery_action": "rebuild", "container_recovery_verify_login": False}


def tagged_image(stack: ReferenceStack) -> str:
    return docker("image", "inspect", "--format", "{{.Id}}", f"{stack.name}-backend")


def container_image(stack: ReferenceStack) -> str:
    return docker("inspect", "--format", "{{.Image}}", f"{stack.name}-backend")


def remove_kept_images(stack: ReferenceStack) -> None:
    names = docker("image", "ls", "--filter", f"reference={stack.name}-*", "--format", "{{.Repository}}:{{.Tag}}")
    if others := [name for name in names.split() if not name.endswith(":latest")]:
        docker("image", "rm", *others, check=False)


def fingerprint_without_databases(stack: ReferenceStack) -> dict[str, str]:
    """Return the fingerprint without the list of databases, to which copies are added."""
    return {name: value for name, value in stack.fingerprint().items() if name != "databases"}


@pytest.fixture
def changed_source(named: ReferenceStack) -> t.Iterator[ReferenceStack]:
    """Yield a stack whose source has one more migration than its images. The application applies it when it starts."""
    path = named.dir / "backend" / "alembic" / "versions" / "20251231_planted.py"
    path.write_text(
        "from alembic import op\nrevision = '20251231_planted'\ndown_revision = '20251225_schema_ver'\n"
        "def upgrade():\n    op.execute('DROP TABLE audit_log')\n"
    )
    try:
        yield named
    finally:
        path.unlink()
        named.kill_playbooks()
        named.tag_images()
        remove_kept_images(named)
        named.psql(r"SELECT format('DROP DATABASE %I', datname) FROM pg_database WHERE datname ~ '\.aside-' \gexec")
        # The next test finds the containers of the images that it knows.
        named.compose("create", "--no-build", *named.started_services)
        named.start()


@pytest.mark.fault("rebuild of images, with a migration, killed after start, run again, undone", "P1 P2 P4 P7")
def test_the_same_command_finishes_a_killed_rebuild(changed_source: ReferenceStack) -> None:
    stack = changed_source
    old = tagged_image(stack)
    stack.kill_playbook_at("after:start", "container_recovery", **REBUILD)
    with SecretWatch(stack.read_secrets()) as watch:
        done = stack.run_playbook("container_recovery", "-vvv", "--diff", **REBUILD)
    assert watch.caught == set()
    assert_hidden(stack, stack.read_secrets(), [done.output])
    assert tagged_image(stack) == container_image(stack) != old
    assert_unchanged(stack.run_playbook("container_recovery", **REBUILD))
    assert "public.audit_log" not in stack.fingerprint()
    stack.run_playbook("undo")
    stack.wait_until_up()
    assert tagged_image(stack) == container_image(stack) == old
    # The old image would not start on the new schema.
    assert fingerprint_without_databases(stack) == {
        name: value for name, value in stack.old_data.items() if name != "databases"
    }
    assert stack.helper_containers() == {}


@pytest.mark.fault("exited database, application that is stopped, no cache: restarted", "P3 P5")
def test_whatever_state_the_containers_are_in(named: ReferenceStack) -> None:
    docker("stop", f"{named.name}-db")
    docker("rm", "--force", f"{named.name}-redis")
    docker("exec", "--user", "0", f"{named.name}-backend", "sh", "-c", "kill -STOP -1 1")
    backend = named.containers()[f"{named.name}-backend"]["Id"]
    named.run_playbook("container_recovery", container_recovery_verify_login=False)
    assert_old_data_is_back(named)
    assert named.containers()[f"{named.name}-backend"]["Id"] == backend


@pytest.mark.fault("application restarting for ever, cache alive but unhealthy, both broken by hand", "P1 P5 P9")
def test_containers_that_no_restart_repairs(named: ReferenceStack) -> None:
    """Check that each is reported with its own message, works when it is recreated, and keeps edited files."""

    def write(service: str, lines: str, path: str) -> None:
        script = f"rm {path}; printf '{lines}' >{path}; chmod 755 {path}"
        docker("exec", "--user", "0", f"{named.name}-{service}", "sh", "-c", script)

    write("backend", 'print("changed by hand", flush=True); raise SystemExit(9)', "/app/alembic/env.py")
    docker("restart", "--time", "1", f"{named.name}-backend")
    state = ("inspect", "--format", "{{.RestartCount}}", f"{named.name}-backend")
    wait_until(lambda: int(docker(*state)) > 0, "restarting")
    options = {"container_recovery_services": ["backend"], "container_recovery_verify_login": False}
    restarting = named.try_playbook("container_recovery", **options)
    assert_clear_error(restarting, FailureId.SERVICE_NOT_READY, "backend", "changed by hand")

    write("redis", "#!/bin/sh\\necho sick today; exit 1\\n", "/usr/bin/redis-cli")
    options["container_recovery_services"] = ["redis"]
    sick = named.try_playbook("container_recovery", stack_ready_timeout=3, **options)
    assert_clear_error(sick, FailureId.SERVICE_NOT_READY, "3 s", "redis", "sick today")
    assert_rolled_back(sick)

    options["container_recovery_services"] = ["backend", "redis"]
    named.run_playbook("container_recovery", container_recovery_recreate=True, **options)
    assert_old_data_is_back(named)
    assert docker("exec", f"{named.name}-redis", "redis-cli", "ping") == "PONG"
    kept = named.last_run("container_recovery")["asides"]
    assert [(entry["kind"], entry["state"]) for entry in kept] == [("container", "live")] * 2
