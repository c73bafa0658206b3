# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from localdev_recovery.questions import ask_open_questions

STACK: dict[str, Any] = {
    "database": None,
    "alembic": {"service": "api"},
    "services": {
        "one": {"kind": "database"},
        "two": {"kind": "database"},
        "api": {"kind": "application"},
        "noise": {"kind": "other"},
    },
}


class Answers:
    def __init__(self, *answers: str) -> None:
        self.remaining: Iterator[str] = iter(answers)
        self.choices: list[list[str]] = []

    def __call__(self, text: str, choices: list[str]) -> str:
        self.choices.append(choices)
        return next(self.remaining)


def test_only_what_is_open_must_be_answered() -> None:
    prompt = Answers("two", "noise, unknown", "python 'my seed.py'", "", "/login", "", "ADMIN")
    assert ask_open_questions(STACK, answered_variables=[], prompt=prompt) == {
        "stack_database_service": "two",
        "stack_excluded_services": ["noise"],
        "stack_seed_commands": [{"name": "my seed.py", "command": ["python", "my seed.py"]}],
        "stack_login_path": "/login",
        "stack_admin_username": "admin",
        "init_admin_password_variable": "ADMIN",
    }
    assert prompt.choices[0] == ["one", "two"]
    assert not any(prompt.choices[1:])


def test_what_the_command_line_says_is_not_asked() -> None:
    answered_variables = ["stack_database_service", "stack_excluded_services", "stack_seed_commands"]
    assert ask_open_questions(STACK, answered_variables=answered_variables, prompt=Answers("")) == {}
