# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A rebuild of a stack that holds other data keeps that data, and undo brings it back to the row."""

from __future__ import annotations

import typing as t

import proofs
import pytest
import stacks

KINDS = [("named", "pg15"), ("named", "pg15-uid70"), ("named", "pg17"), ("bind", "pg15"), ("bind", "pg15-uid70")]


@pytest.fixture
def other(request: pytest.FixtureRequest, mounts: str, variant: str) -> t.Iterator[stacks.Stack]:
    """A stack of the kind; the shared one where there is one, else one whose database alone runs, with data of another
    application: that is made in seconds."""
    if (mounts, variant) in (("named", "pg15"), ("bind", "pg15-uid70")):
        yield request.getfixturevalue(mounts)
        return
    stacks.need_docker()
    with stacks.stack_with_old_data(mounts, variant, started=["db", "redis"]) as stack:
        yield stack


@pytest.mark.fault("rebuild over other data, {mounts} {variant}", "P1 P3")
@pytest.mark.parametrize(("mounts", "variant"), KINDS)
def test_old_data_survives_a_rebuild(other: stacks.Stack, mounts: str, variant: str) -> None:
    result = other.must("full_rebuild")
    proofs.fresh_data_is_in(other)

    [aside] = other.asides()
    [entry] = other.last_run()["asides"]
    assert entry["aside"] == aside
    assert entry["bytes"] > 0
    assert aside.rpartition("/")[2] in result.text
    assert other.fingerprint_of_copy(aside) == other.old
    assert other.owner_of(aside) == stacks.VARIANTS[variant]

    other.must("undo")
    proofs.old_data_is_back(other)
    assert other.owner_of(other.data) == stacks.VARIANTS[variant]
    proofs.nothing_unknown_is_left(other)
