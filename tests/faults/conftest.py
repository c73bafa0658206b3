# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Stacks for the fault tests."""

from __future__ import annotations

import typing as t

import pytest

from tests.harness.fixtures import share_stack
from tests.harness.reference_stack import ReferenceStack


@pytest.fixture(scope="session")
def shared_named() -> t.Iterator[ReferenceStack]:
    yield from share_stack("named", "pg15")


@pytest.fixture(scope="session")
def shared_bind() -> t.Iterator[ReferenceStack]:
    yield from share_stack("bind", "pg15-uid70")


@pytest.fixture
def named(shared_named: ReferenceStack) -> t.Iterator[ReferenceStack]:
    """Yield a running stack on named volumes with old data, files of uid 999."""
    shared_named.reset()
    yield shared_named
    shared_named.kill_playbooks()


@pytest.fixture
def bind(shared_bind: ReferenceStack) -> t.Iterator[ReferenceStack]:
    """Yield a running stack on bind mounts with old data, files of uid 70."""
    shared_bind.reset()
    yield shared_bind
    shared_bind.kill_playbooks()


@pytest.fixture
def stack(request: pytest.FixtureRequest) -> ReferenceStack:
    """Return the stack that the test's parameter ``mounts`` names."""
    return t.cast(ReferenceStack, request.getfixturevalue(request.node.callspec.params["mounts"]))
