# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.localdev.recovery.plugins.action.schema_plan import ActionModule
from ansible_collections.localdev.recovery.plugins.module_utils._core.next_command import format_line
from ansible_collections.localdev.recovery.plugins.module_utils._stack.description import build_alembic_settings
from ansible_collections.localdev.recovery.tests.unit.plugins.action.plans import run_plan

STACK = {
    "project": {"name": "shop", "dir": "/srv/shop", "files": [], "env_files": [], "profiles": []},
    "database": {"service": "db"},
    "alembic": {
        "service": "backend",
        "source": "/srv/shop/backend",
        "config": "alembic.ini",
        "settings": build_alembic_settings({}),
    },
    "services": {},
}


def schema(**changes: t.Any) -> dict[str, t.Any]:
    up_to_date = {"heads": ["c3"], "current": ["c3"], "unknown": [], "unknown_found": [], "overlapping": []}
    return {**up_to_date, "pending": [], "schema_diff": [], **changes}


@pytest.mark.parametrize(
    ("options", "action", "revisions"),
    [
        ({"schema": schema()}, "none", []),
        ({"schema": schema(current=["a1"], pending=["b2", "c3"])}, "upgrade", ["b2", "c3"]),
        (
            {"schema": schema(current=["a1"], pending=["b2", "c3"]), "target": "b2", "planned": ["b2"]},
            "upgrade",
            ["b2"],
        ),
        ({"schema": schema(current=["zz"], unknown=["zz"], pending=None)}, "refuse", []),
        ({"schema": schema(current=["zz"], unknown=["zz"], pending=None), "allow_rebuild": "true"}, "rebuild", []),
    ],
    ids=["up to date", "behind", "target", "unknown", "rebuild"],
)
def test_the_decision_follows_from_the_schema(
    monkeypatch: pytest.MonkeyPatch, options: dict[str, t.Any], action: str, revisions: list[str]
) -> None:
    result = run_plan(monkeypatch, ActionModule, stack=STACK, **options)
    assert (result["changed"], result["decision"]["action"], result["decision"]["revisions"]) == (
        False,
        action,
        revisions,
    )


def test_lines_do_not_repeat_the_decision(monkeypatch: pytest.MonkeyPatch) -> None:
    unknown = schema(current=["zz"], unknown=["zz"], pending=None)
    result = run_plan(monkeypatch, ActionModule, stack=STACK, schema=unknown)
    assert [finding["id"] for finding in result["findings"]] == ["schema.unknown_revision"]
    [finding], decision = result["findings"], result["decision"]
    assert (decision["findings"], decision["failure"]) == ([finding["id"]], finding["id"])
    assert (decision["hint"], decision["next"]) == (finding["hint"], finding["next"])
    lines = "\n".join(map(format_line, result["lines"]))
    assert finding["id"] in lines
    assert finding["message"] not in lines
    assert format_line(finding["hint"]) not in lines


def test_tables_of_a_database_without_a_revision_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    unstamped = schema(current=[], pending=["a1"])
    counted = run_plan(monkeypatch, ActionModule, stack=STACK, schema=unstamped, tables=3)
    unknown = run_plan(monkeypatch, ActionModule, stack=STACK, schema=unstamped)
    assert counted["findings"] != unknown["findings"]
