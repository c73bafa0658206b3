from __future__ import annotations

import pytest

from app.core.security import (
    create_access_token,
    get_password_hash,
    password_problems,
    read_access_token,
    verify_password,
)


@pytest.mark.parametrize(
    ("password", "problems"),
    [
        ("SecureP@ss1234", 0),
        ("Longenough1234", 0),
        ("Short1@", 1),
        ("onlylowercaseletters", 1),
        ("short", 2),
    ],
)
def test_password_policy(password: str, problems: int) -> None:
    assert len(password_problems(password)) == problems


def test_a_password_matches_its_own_hash_only() -> None:
    hashed = get_password_hash("SecureP@ss1234")
    assert verify_password("SecureP@ss1234", hashed)
    assert not verify_password("SecureP@ss1235", hashed)
    assert not verify_password("SecureP@ss1234", "not a hash")


def test_a_token_names_its_user() -> None:
    token = create_access_token("admin")
    assert read_access_token(token) == "admin"
    assert read_access_token(token[:-2]) is None
