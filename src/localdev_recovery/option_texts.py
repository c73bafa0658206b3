# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Describe options of verbs. The texts are those of the role variables: tools/option_texts.py writes them as JSON."""

from __future__ import annotations

import functools
import json
import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from localdev_recovery.verbs.definition import Option

_TEXTS = os.path.join(os.path.dirname(__file__), "option_texts.json")
# The text of a variable that a switch sets begins like this.
SWITCH_BEGIN = "Whether to "


@functools.cache
def _read_texts() -> dict[str, dict[str, Any]]:
    with open(_TEXTS, encoding="utf-8") as handle:
        texts: dict[str, dict[str, Any]] = json.load(handle)
    return texts


def describe_option(option: Option) -> str:
    """Return the help of an option: its own, else the text of its variable."""
    if option.help:
        return option.help
    text = str(_read_texts()[option.variable]["text"])
    if option.kind != "switch":
        return text
    action = text.removeprefix(SWITCH_BEGIN)
    return action[0].upper() + action[1:] if option.switch_value else f"Do not {action}"


def list_choices(option: Option) -> list[str]:
    """Return the values that the variable of an option can have; nothing if it can have any."""
    return list(_read_texts()[option.variable]["choices"]) if not option.help else []
