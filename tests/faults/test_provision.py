# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A machine with a stack is left alone. A machine whose first rebuild was interrupted does not count as one."""

from __future__ import annotations

import typing as t

import pytest

from tests.faults.assertions import assert_fresh_data, assert_unchanged
from tests.harness.engine import require_docker_engine
from tests.harness.reference_stack import ReferenceStack


@pytest.fixture
def fresh() -> t.Iterator[ReferenceStack]:
    """Yield a checkout with its env file. None of its services has run."""
    require_docker_engine()
    stack = ReferenceStack()
    try:
        yield stack
    finally:
        stack.remove()


@pytest.mark.fault("provisioning where a stack with data lives", "P1")
def test_a_stack_with_data_is_left_alone(named: ReferenceStack) -> None:
    before = named.engine_state()
    result = named.run_playbook("provision", provision_backup="latest", provision_verify_login=False)
    assert_unchanged(result)
    assert result.report("provision").data["decision"]["action"] == "keep"
    assert named.engine_state() == before
    assert named.fingerprint() == named.old_data
    assert not named.run_records()


@pytest.mark.fault("kill in the first rebuild of a new machine", "P2")
def test_a_provisioning_that_was_killed_goes_on(fresh: ReferenceStack) -> None:
    fresh.kill_playbook_at("after:migrate", "provision")
    fresh.run_playbook("provision")
    assert_fresh_data(fresh)
    assert_unchanged(fresh.run_playbook("provision"))
