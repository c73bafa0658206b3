# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Events of real runs, and a small stack for those tests that need one."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.harness.fixtures import share_stack
from tests.harness.reference_stack import ReferenceStack

Event = dict[str, Any]
FIXTURES = Path(__file__).resolve().parent / "fixtures"


@pytest.fixture
def load_events() -> Callable[[str], list[Event]]:
    """Return a function that reads the events of a recorded run."""

    def load(name: str) -> list[Event]:
        return [json.loads(line) for line in (FIXTURES / f"{name}.jsonl").read_text().splitlines()]

    return load


@pytest.fixture(scope="session")
def shared_stack() -> Iterator[ReferenceStack]:
    yield from share_stack("named", "pg15")


@pytest.fixture
def stack(shared_stack: ReferenceStack) -> Iterator[ReferenceStack]:
    """Yield a running stack that holds old data."""
    shared_stack.reset()
    yield shared_stack
    shared_stack.kill_playbooks()
