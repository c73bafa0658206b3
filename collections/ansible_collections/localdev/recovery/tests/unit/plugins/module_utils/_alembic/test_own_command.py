# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._alembic.own_command import (
    OwnCommand,
    choose_own_command,
    list_applied_revisions,
)


def stack(command: list[str], migration_service: str | None) -> t.Any:
    settings = {"command": command}
    return {"alembic": {"service": "api", "settings": settings, "migration_service": migration_service}}


@pytest.mark.parametrize(
    ("command", "service", "current", "own"),
    [
        ([], None, [], None),
        (["flask", "init"], "migrate", ["a"], OwnCommand("api", ("flask", "init"))),
        ([], "migrate", [], OwnCommand("migrate")),
        # Alembic itself goes on from a revision.
        ([], "migrate", ["a"], None),
    ],
)
def test_who_migrates(command: list[str], service: str | None, current: list[str], own: OwnCommand | None) -> None:
    assert choose_own_command(stack(command, service), current) == own


def test_a_stack_without_alembic() -> None:
    assert choose_own_command(t.cast(t.Any, {"alembic": None}), []) is None


def test_the_revisions_between_two_states() -> None:
    revisions = [
        {"revision": "a", "down_revisions": [], "depends_on": []},
        {"revision": "b", "down_revisions": ["a"], "depends_on": ["x"]},
        {"revision": "x", "down_revisions": [], "depends_on": []},
        {"revision": "c", "down_revisions": ["b"], "depends_on": []},
    ]
    assert list_applied_revisions(revisions, ["a"], ["c"]) == ["b", "c", "x"]
    assert list_applied_revisions(revisions, ["c"], ["c"]) == []
    assert list_applied_revisions(revisions, [], ["a"]) == ["a"]
