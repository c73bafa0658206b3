# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._alembic.commands import (
    build_alembic_command,
    build_command_in_source,
)
from ansible_collections.localdev.recovery.plugins.module_utils._stack.description import build_alembic_settings


def describe_shop(**options: t.Any) -> t.Any:
    return {
        "project": {"name": "shop", "dir": "/srv/shop", "files": [], "env_files": [], "profiles": []},
        "alembic": {
            "service": "web",
            "source": "/srv/shop",
            "config": "db/alembic.ini",
            "settings": build_alembic_settings(options),
        },
    }


@pytest.mark.parametrize(
    ("options", "python", "words"),
    [
        ({}, "", ["alembic"]),
        ({}, "/usr/local/bin/python3", ["alembic"]),
        ({}, "/srv/.venv/bin/python", ["/srv/.venv/bin/python", "-m", "alembic"]),
        ({"alembic_python": "/opt/py"}, "/srv/.venv/bin/python", ["/opt/py", "-m", "alembic"]),
        ({"alembic_section": ["a", "b"]}, "", ["alembic", "-n", "a"]),
        ({"alembic_x_arguments": ["tenant=1"]}, "", ["alembic", "-x", "tenant=1"]),
    ],
)
def test_a_shown_command_runs_alembic_as_the_project_does(
    options: dict[str, t.Any], python: str, words: list[str]
) -> None:
    command = build_alembic_command(describe_shop(**options), "stamp", "heads", python=python)
    assert command is not None
    assert command["argv"][-len(words) - 3 :] == ["web", *words, "stamp", "heads"]


def test_a_command_for_the_source_names_the_section_too() -> None:
    command = build_command_in_source(describe_shop(alembic_section=["a"]), "merge", "heads")
    assert command is not None
    assert (command["argv"], command["cwd"]) == (["alembic", "-n", "a", "merge", "heads"], "/srv/shop/db")
