# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Moving data between bind mounts and named volumes, cut short at each step."""

from __future__ import annotations

import typing as t

import proofs
import pytest
import stacks

FILE = "docker-compose.local.yml"
# With what one of these leaves, an undo has all to do that it has after the steps before it.
POINTS = ["change", "keep"]


@pytest.fixture
def kept_file(bind: stacks.Stack) -> t.Iterator[str]:
    """The Compose file before the test; it is there again afterwards."""
    text = (bind.dir / FILE).read_text()
    yield text
    (bind.dir / FILE).write_text(text)


def old_state_is_back(stack: stacks.Stack, text: str) -> None:
    proofs.old_data_is_back(stack)
    assert (stack.dir / FILE).read_text() == text
    proofs.nothing_unknown_is_left(stack)


@pytest.mark.fault("move to named volumes killed after {point}, undone", "P1 P2")
@pytest.mark.parametrize("point", POINTS)
def test_undo_brings_data_and_file_back(bind: stacks.Stack, kept_file: str, point: str) -> None:
    bind.kill_at(f"after:{point}", "volume_transition", volume_transition_verify_login=False)
    bind.must("undo")
    old_state_is_back(bind, kept_file)


@pytest.mark.fault("move to named volumes killed in the copy, run again, undone", "P1 P2")
def test_the_same_command_finishes(bind: stacks.Stack, kept_file: str) -> None:
    bind.kill_at("copying", "volume_transition", volume_transition_verify_login=False)
    bind.must("volume_transition", volume_transition_verify_login=False)
    assert bind.fingerprint() == bind.old
    assert "postgres_local_data:/var/lib/postgresql/data" in (bind.dir / FILE).read_text()
    bind.must("undo")
    old_state_is_back(bind, kept_file)
