# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A cause outside the account keeps an administrator from logging in: it is named, and nothing is changed."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from tests.faults.assertions import assert_clear_error
from tests.harness.engine import docker
from tests.harness.reference_stack import ReferenceStack
from tests.harness.stack_settings import ACCOUNT_VARIABLES

# Without the time of the last login, which the application writes before it signs the token.
USERS = "SELECT username, hashed_password, role, is_active FROM users ORDER BY 1"


@pytest.fixture
def stack(named: ReferenceStack) -> t.Iterator[ReferenceStack]:
    """Yield a stack whose administrator can log in, until a fault is planted."""
    compose = named.dir / "docker-compose.yml"
    whole = compose.read_text()
    named.write_inventory(**ACCOUNT_VARIABLES)
    named.run_playbook("admin_account")
    try:
        yield named
    finally:
        compose.write_text(whole)
        named.write_inventory()
        named.kill_playbooks()
        docker("rm", "--force", "--volumes", f"{named.name}-backend", check=False)


@pytest.mark.fault(
    "no key to sign tokens with, no database, no application: each distinguished from a wrong password", "P3 P9"
)
def test_what_is_not_the_fault_of_the_account(stack: ReferenceStack) -> None:
    runs, users = stack.run_ids(), stack.psql(USERS)

    docker("stop", "--time", "1", f"{stack.name}-backend")
    assert assert_clear_error(stack.try_playbook("admin_account"), FailureId.ACCOUNT_API_UNREACHABLE)["next"]

    docker("start", f"{stack.name}-backend")
    docker("stop", f"{stack.name}-db")
    assert assert_clear_error(stack.try_playbook("admin_account"), FailureId.ACCOUNT_DATABASE)["next"]

    docker("start", f"{stack.name}-db")
    stack.wait_for_database()

    compose = stack.dir / "docker-compose.yml"
    compose.write_text(compose.read_text().replace("${SECRET_KEY:?set SECRET_KEY in .env}", '""'))
    stack.compose("create", "--no-build", "backend")
    stack.start()
    failure = assert_clear_error(
        stack.try_playbook("admin_account"), FailureId.ACCOUNT_SIGNING_KEY, "SECRET_KEY", "backend"
    )
    assert failure["next"]

    assert stack.psql(USERS) == users
    assert stack.run_ids() == runs
