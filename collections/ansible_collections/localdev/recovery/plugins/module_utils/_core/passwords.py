# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Check passwords against a policy and generate new ones."""

from __future__ import annotations

import secrets
import string
import typing as t

_CLASSES: dict[str, t.Callable[[str], bool]] = {
    "uppercase letters": str.isupper,
    "lowercase letters": str.islower,
    "numbers": str.isdigit,
    "special characters": lambda character: not character.isalnum() and not character.isspace(),
}
# Safe in URLs, shells, YAML and env files.
_ALPHABET = string.ascii_letters + string.digits


def find_character_classes(password: str) -> set[str]:
    """Return which of the four types of characters the password has."""
    return {name for name, matches in _CLASSES.items() if any(map(matches, password))}


def check_password_policy(password: str, minimum_length: int, minimum_classes: int) -> list[str]:
    """Return why the policy refuses the password, or an empty list. No message holds a part of the password."""
    problems = []
    if len(password) < minimum_length:
        problems.append(f"it has fewer than {minimum_length} characters")
    if len(find_character_classes(password)) < minimum_classes:
        problems.append(f"it has fewer than {minimum_classes} of the 4 types of characters {', '.join(_CLASSES)}")
    return problems


def generate_password(length: int, minimum_classes: int = 3) -> str:
    """Return a random password with as many types of characters as the policy requires."""
    alphabet = _ALPHABET + ("-_.~" if minimum_classes > 3 else "")
    length = max(length, minimum_classes)
    while True:
        password = "".join(secrets.choice(alphabet) for _character in range(length))
        if len(find_character_classes(password)) >= minimum_classes:
            return password
