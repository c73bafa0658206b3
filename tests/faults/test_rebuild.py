# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A rebuild of a stack that holds other data keeps that data, and undo brings it back to the row."""

from __future__ import annotations

import typing as t

import pytest

from tests.faults.assertions import (
    assert_fresh_data,
    assert_nothing_unknown_is_left,
    assert_old_data_is_back,
    assert_shows,
)
from tests.harness.engine import require_docker_engine
from tests.harness.images import VARIANT_OWNERS
from tests.harness.reference_stack import ReferenceStack, running_stack_with_old_data

KINDS = [
    ("named", "pg15"),
    pytest.param("named", "pg15-uid70", marks=pytest.mark.soak(reason="bind-pg15-uid70 and named-pg15 here")),
    pytest.param(
        "named", "pg17", marks=pytest.mark.soak(reason="named-pg15 here; test_projects[clinic] rebuilds pg17")
    ),
    pytest.param("bind", "pg15", marks=pytest.mark.soak(reason="bind-pg15-uid70 and named-pg15 here")),
    ("bind", "pg15-uid70"),
]


@pytest.fixture
def other(request: pytest.FixtureRequest, mounts: str, variant: str) -> t.Iterator[ReferenceStack]:
    """Yield a stack of the kind: the shared one where there is one, else one with data of another application.

    Of the latter only the database runs: that takes seconds.
    """
    if (mounts, variant) in (("named", "pg15"), ("bind", "pg15-uid70")):
        yield request.getfixturevalue(mounts)
        return
    require_docker_engine()
    with running_stack_with_old_data(mounts, variant, started=["db", "redis"]) as stack:
        yield stack


@pytest.mark.fault("rebuild over other data, {mounts} {variant}", "P1 P3")
@pytest.mark.parametrize(("mounts", "variant"), KINDS)
def test_old_data_survives_a_rebuild(other: ReferenceStack, mounts: str, variant: str) -> None:
    result = other.run_playbook("full_rebuild")
    assert_fresh_data(other)

    [aside] = other.kept_copies()
    [entry] = other.last_run()["asides"]
    assert entry["aside"] == aside
    assert entry["bytes"] > 0
    assert_shows(result, aside.rpartition("/")[2])
    assert other.fingerprint_of_copy(aside) == other.old_data
    assert other.cluster_owner(aside) == VARIANT_OWNERS[variant]

    other.run_playbook("undo")
    assert_old_data_is_back(other)
    assert other.cluster_owner(other.cluster_place) == VARIANT_OWNERS[variant]
    assert_nothing_unknown_is_left(other)
