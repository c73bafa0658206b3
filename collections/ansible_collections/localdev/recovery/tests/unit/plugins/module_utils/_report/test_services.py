# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import dataclasses
import typing as t
from pathlib import Path

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._report.services import (
    format_outdated_notes,
    format_service_summary,
)
from ansible_collections.localdev.recovery.plugins.module_utils._stack.describe import describe_stack
from ansible_collections.localdev.recovery.plugins.module_utils._stack.facts import StackFacts
from ansible_collections.localdev.recovery.tests.unit.golden import assert_golden

PROJECTS = sorted(
    path.parent.name for path in (Path(__file__).parents[3] / "fixtures/projects").glob("*/recording.json")
)
FactsOf = t.Callable[[str], StackFacts]


def test_notes_name_files_that_make_a_service_outdated() -> None:
    service = {
        "containers": [{"stale_image": True, "stale_config": True}],
        "drift": {
            "config": ["environment GREETING", "ports"],
            "image": [
                {"path": "Dockerfile", "kind": "dockerfile", "proved": True},
                *({"path": f"a{n}.py", "kind": "source", "proved": True} for n in range(5)),
                {"path": "uv.lock", "kind": "dependencies", "proved": False},
            ],
            "edited": ["/app/x.py"],
        },
    }
    notes = format_outdated_notes(service)
    assert_golden("report/outdated_notes", notes)
    # Without what is only newer.
    assert format_outdated_notes(service, only_proved=True) == [note for note in notes if "uv.lock" not in note]


@pytest.mark.parametrize("project", PROJECTS)
def test_the_summary_shows_no_secret(facts_of: FactsOf, project: str) -> None:
    assert "planted" not in "".join(format_service_summary(describe_stack(facts_of(project))))


def test_the_summary_shows_containers_of_an_older_image_or_configuration(
    facts_of: FactsOf, changed: t.Callable[..., StackFacts]
) -> None:
    def rebuild(facts: StackFacts) -> None:
        next(item for item in facts.images if "clinic-scheduler-backend:latest" in item["RepoTags"])["Id"] = (
            "sha256:new"
        )

    facts = changed(facts_of("runbook"), rebuild)
    stack = describe_stack(dataclasses.replace(facts, hashes={**facts.hashes, "redis": "other"}))
    lines = format_service_summary(stack)
    assert_golden("report/services_outdated", lines)
    outdated = {name for name, service in stack["services"].items() if format_outdated_notes(service)}
    assert outdated == {"backend", "redis"}
    assert [line.split()[1] for line in lines] == list(stack["services"])
