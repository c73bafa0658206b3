# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Assertions of several fault tests."""

from __future__ import annotations

import re

from tests.harness.playbook_run import PlaybookResult
from tests.harness.reference_stack import ReferenceStack


def assert_old_data_is_back(stack: ReferenceStack) -> None:
    """Check that the old data is back to the row, and that the services of before run."""
    stack.wait_until_up()
    assert stack.running_services() == stack.started_services
    assert stack.fingerprint() == stack.old_data


def assert_fresh_data(stack: ReferenceStack) -> None:
    fresh = stack.fingerprint()
    assert "public.planted" not in fresh
    assert "planted_beside" not in fresh["databases"]
    assert stack.count_rows("people", "blocks", "rotation_templates") == (28, 730, 32)


def assert_output_has(result: PlaybookResult, *patterns: str) -> None:
    missing = [pattern for pattern in patterns if not re.search(pattern, result.text)]
    assert not missing, f"the output says nothing of {missing}:\n{result.output[-3000:]}"


def assert_clear_error(result: PlaybookResult, *patterns: str) -> None:
    """Check that the run failed with words that name its object, its cause and the next command."""
    assert result.rc != 0
    assert "Traceback" not in result.output
    assert_output_has(result, *patterns)


def known_copies(stack: ReferenceStack) -> set[str]:
    """Return what the run records know to be set aside."""
    entries = [entry for record in stack.run_records() for entry in record["asides"]]
    return {entry["aside"] for entry in entries if entry["state"] != "deleted"}


def assert_nothing_unknown_is_left(stack: ReferenceStack) -> None:
    """Check that the run records know each volume and folder beside the data, and that no helper is left."""
    assert set(stack.kept_copies()) <= known_copies(stack)
    assert stack.helper_containers() == {}
