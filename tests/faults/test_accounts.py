# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What keeps an administrator from logging in and is no fault of the account is named, and nothing is changed."""

from __future__ import annotations

import typing as t

import pytest
import stacks
from proofs import clear_error

# Without the time of the last login, which the application writes before it signs the token.
USERS = "SELECT username, hashed_password, role, is_active FROM users ORDER BY 1"


@pytest.fixture
def stack(named: stacks.Stack) -> t.Iterator[stacks.Stack]:
    """A stack whose administrator can log in, until something is planted."""
    compose = named.dir / "docker-compose.yml"
    whole = compose.read_text()
    named.write_inventory(**stacks.ACCOUNT)
    named.must("admin_account")
    try:
        yield named
    finally:
        compose.write_text(whole)
        named.write_inventory()
        named.end_runs()
        stacks.docker("rm", "--force", "--volumes", f"{named.name}-backend", check=False)


@pytest.mark.fault("no key to sign tokens with, no database, no application: each told from a wrong password", "P3 P9")
def test_what_is_not_the_fault_of_the_account(stack: stacks.Stack) -> None:
    runs, users = stack.run_ids(), stack.psql(USERS)

    stacks.docker("stop", "--time", "1", f"{stack.name}-backend")
    clear_error(stack.playbook("admin_account"), "finding: api_unreachable", "Next: ")

    stacks.docker("start", f"{stack.name}-backend")
    stacks.docker("stop", f"{stack.name}-db")
    clear_error(stack.playbook("admin_account"), "finding: database", "Next: ")

    stacks.docker("start", f"{stack.name}-db")
    stack.wait_for_database()

    compose = stack.dir / "docker-compose.yml"
    compose.write_text(compose.read_text().replace("${SECRET_KEY:?set SECRET_KEY in .env}", '""'))
    stack.compose("create", "--no-build", "backend")
    stack.start()
    clear_error(
        stack.playbook("admin_account"), "finding: signing_key", "SECRET_KEY of service backend is empty", "Next: "
    )

    assert stack.psql(USERS) == users
    assert stack.run_ids() == runs
