from __future__ import annotations

import string
from datetime import UTC, datetime, timedelta

import jwt
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from app.core.config import get_settings

MINIMUM_PASSWORD_LENGTH = 12
MINIMUM_CHARACTER_TYPES = 3
TOKEN_ALGORITHM = "HS256"

_hasher = PasswordHasher()


def password_problems(password: str) -> list[str]:
    """Return the reasons why the policy refuses the password; empty when it does not."""
    problems = []
    if len(password) < MINIMUM_PASSWORD_LENGTH:
        problems.append(f"Password must have at least {MINIMUM_PASSWORD_LENGTH} characters")
    kinds = (
        any(c.isupper() for c in password),
        any(c.islower() for c in password),
        any(c.isdigit() for c in password),
        any(c in string.punctuation for c in password),
    )
    if sum(kinds) < MINIMUM_CHARACTER_TYPES:
        problems.append(
            f"Password must have at least {MINIMUM_CHARACTER_TYPES} of 4 character types:"
            " uppercase letters, lowercase letters, numbers, special characters"
        )
    return problems


def get_password_hash(password: str) -> str:
    return _hasher.hash(password)


def verify_password(password: str, hashed_password: str) -> bool:
    try:
        return _hasher.verify(hashed_password, password)
    except (VerificationError, InvalidHashError):
        return False


def create_access_token(username: str) -> str:
    settings = get_settings()
    expires = datetime.now(UTC) + timedelta(minutes=settings.access_token_minutes)
    return jwt.encode({"sub": username, "exp": expires}, settings.secret_key, algorithm=TOKEN_ALGORITHM)


def read_access_token(token: str) -> str | None:
    """Return the user name in a valid token."""
    try:
        return jwt.decode(token, get_settings().secret_key, algorithms=[TOKEN_ALGORITHM])["sub"]
    except (jwt.InvalidTokenError, KeyError):
        return None
