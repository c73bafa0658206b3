# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.localdev.recovery.plugins.module_utils._core.passwords import (
    check_password_policy,
    generate_password,
)


@pytest.mark.parametrize(
    ("password", "words"),
    [
        ("SecureP@ss1234", []),
        ("alllowercase1X", []),
        ("Short1!", ["fewer than 12 characters"]),
        ("onlylowercaseletters", ["fewer than 3 of the 4"]),
        ("two classes 123", ["fewer than 3 of the 4"]),
        ("", ["fewer than 12", "fewer than 3"]),
    ],
)
def test_the_policy(password: str, words: list[str]) -> None:
    problems = check_password_policy(password, 12, 3)
    assert len(problems) == len(words)
    assert all(word in problem for word, problem in zip(words, problems, strict=True))
    assert not password or all(password not in problem for problem in problems)


@given(st.integers(1, 80), st.integers(1, 4))
def test_what_is_made_up_keeps_the_policy(length: int, classes: int) -> None:
    password = generate_password(length, classes)
    assert check_password_policy(password, length, classes) == []
    assert not set(password) & set(" '\"\\$#%@:/?&")
