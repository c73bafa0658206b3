# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Check the names of variables that a person types against those of the roles."""

from __future__ import annotations

import difflib
import functools
import json
from collections.abc import Iterable
from pathlib import Path

from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId

_NAMES = Path(__file__).with_name("variable_names.json")


@functools.cache
def _read_names() -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the prefixes of the roles' variables, and the variables."""
    content = json.loads(_NAMES.read_text(encoding="utf-8"))
    return tuple(content["prefixes"]), tuple(content["names"])


def check_variable_names(names: Iterable[str]) -> None:
    """Raise RecoveryError for a name that begins as the variables of a role do, and that no role reads."""
    prefixes, known = _read_names()
    for name in names:
        if name.startswith(prefixes) and name not in known:
            [nearest] = difflib.get_close_matches(name, known, n=1, cutoff=0)
            raise RecoveryError(
                FailureId.VARIABLE_UNKNOWN,
                f"There is no variable {name}; the nearest is {nearest}",
                hint="An inventory or a file of -e @FILE may have variables of other names.",
            )
