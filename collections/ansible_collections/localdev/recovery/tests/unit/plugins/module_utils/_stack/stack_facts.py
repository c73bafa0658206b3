# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Example projects for the tests of this folder, and functions that select a part of a description."""

from __future__ import annotations

import typing as t
from pathlib import Path

from ansible_collections.localdev.recovery.plugins.module_utils._stack.describe import (
    describe_stack,
)
from ansible_collections.localdev.recovery.plugins.module_utils._stack.facts import (
    Engine,
    Json,
    ProjectFiles,
    StackFacts,
)

PROJECTS = sorted(
    path.parent.name for path in (Path(__file__).parents[3] / "fixtures/projects").glob("*/recording.json")
)


FactsOf = t.Callable[[str], StackFacts]


Changed = t.Callable[[StackFacts, t.Callable[[StackFacts], t.Any]], StackFacts]


def config_of(**services: Json) -> StackFacts:
    """Return the facts of a project that was never started."""
    return StackFacts(config={"name": "p", "services": services}, project=ProjectFiles("/p"), engine=Engine())


def service_of(facts: StackFacts, name: str) -> Json:
    return t.cast("Json", describe_stack(facts)["services"][name])


def container_of(facts: StackFacts, service: str) -> Json:
    return next(item for item in facts.containers if item["Config"]["Labels"]["com.docker.compose.service"] == service)
