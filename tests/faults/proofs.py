# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the fault tests prove again and again."""

from __future__ import annotations

import re

from stacks import Result, Stack


def old_data_is_back(stack: Stack) -> None:
    """To the row, and whatever ran before runs again."""
    stack.wait_until_up()
    assert stack.running() == stack.started
    assert stack.fingerprint() == stack.old


def fresh_data_is_in(stack: Stack) -> None:
    fresh = stack.fingerprint()
    assert "public.planted" not in fresh
    assert "planted_beside" not in fresh["databases"]
    assert stack.rows("people", "blocks", "rotation_templates") == (28, 730, 32)


def says(result: Result, *patterns: str) -> None:
    missing = [pattern for pattern in patterns if not re.search(pattern, result.text)]
    assert not missing, f"the output says nothing of {missing}:\n{result.output[-3000:]}"


def clear_error(result: Result, *patterns: str) -> None:
    """A failure that names its object, its cause and the next command, in words."""
    assert result.rc != 0
    assert "Traceback" not in result.output
    says(result, *patterns)


def nothing_unknown_is_left(stack: Stack) -> None:
    """Every volume and folder beside the data, and every helper, is known to a run record as something set aside."""
    known = {entry["aside"] for record in stack.records() for entry in record["asides"] if entry["state"] != "deleted"}
    assert set(stack.asides()) <= known
    assert stack.helpers() == {}
