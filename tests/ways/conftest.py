# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A stack to run playbooks on, the built artifacts, and environments to install them into."""

from __future__ import annotations

import sys
import typing as t
from pathlib import Path

import pytest
from pythons import interpreters

from tests.harness.engine import require_docker_engine
from tests.harness.reference_stack import ReferenceStack
from tests.ways import support

AVAILABLE = interpreters()
OLDEST, NEWEST = next(iter(AVAILABLE)), list(AVAILABLE)[-1]


@pytest.fixture(scope="session")
def stack() -> t.Iterator[ReferenceStack]:
    """Yield a running stack."""
    require_docker_engine()
    stack = ReferenceStack()
    try:
        stack.up()
        yield stack
    finally:
        stack.remove()


@pytest.fixture(scope="session")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with both artifacts, built from what git tracks, uncommitted changes included."""
    target = tmp_path_factory.mktemp("dist")
    support.run_isolated(sys.executable, support.ROOT / "tools/dist.py", "--output", target, cwd=target)
    return target


@pytest.fixture(scope="session")
def wheel(dist: Path) -> Path:
    """Return the wheel."""
    (built,) = dist.glob("*.whl")
    return built


@pytest.fixture(scope="session")
def artifact(dist: Path) -> Path:
    """Return the Galaxy artifact."""
    (built,) = dist.glob("*.tar.gz")
    return built


@pytest.fixture(scope="session")
def bare(wheel: Path) -> support.Environment:
    """Return the oldest Python with what the product requires, without the product."""
    return support.provide_environment(AVAILABLE[OLDEST], wheel)


@pytest.fixture(scope="session")
def newest(wheel: Path) -> support.Environment:
    """Return the newest supported Python here with what the product requires, without the product."""
    if NEWEST == OLDEST:
        pytest.skip(f"Python {OLDEST} is the only supported one here")
    return support.provide_environment(AVAILABLE[NEWEST], wheel)


@pytest.fixture(scope="module", params=["bare", "newest"], ids=["oldest", "newest"])
def installed(request: pytest.FixtureRequest, wheel: Path) -> t.Iterator[support.Environment]:
    """Yield the wheel in an environment of the oldest and of the newest supported Python."""
    environment: support.Environment = request.getfixturevalue(request.param)
    environment.pip("install", "--no-deps", "--no-compile", wheel)
    yield environment
    environment.uninstall_product()
