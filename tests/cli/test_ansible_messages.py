# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._core.next_command import program_command
from localdev_recovery.ansible_messages import describe_ansible_failure, find_ansible_error


def test_lines_that_ansible_has_wrapped_are_joined() -> None:
    lines = ["[WARNING]: a.yml: bad", "[ERROR]: Specified inventory leaves us with", "no hosts to target."]
    assert find_ansible_error(lines) == (
        "Specified inventory leaves us with no hosts to target.",
        ["a.yml: bad"],
    )


def test_without_an_error_of_its_own_ansibles_last_line_counts() -> None:
    words = "The command was not found or was not executable: ansible-playbook."
    assert find_ansible_error([words, ""]) == (words, [])


@pytest.mark.parametrize(
    ("line", "limit", "has_reached_hosts", "failure"),
    [
        ("[ERROR]: Could not match supplied host pattern, ignoring: nix", "nix", False, FailureId.LIMIT_NO_HOST),
        ("[ERROR]: no such file", "nix", False, FailureId.ANSIBLE_REFUSED),
        ("[ERROR]: no such file", None, True, FailureId.ANSIBLE_FAILED),
        ("", None, False, FailureId.ANSIBLE_REFUSED),
    ],
)
def test_a_failure_of_ansible_itself(line: str, limit: str | None, has_reached_hosts: bool, failure: FailureId) -> None:
    error, next_command = describe_ansible_failure(
        [line], limit=limit, inventories=["a b.yml"], has_reached_hosts=has_reached_hosts
    )
    assert error.id == failure.id
    assert error.message
    assert next_command == program_command("ansible-inventory", "-i", "a b.yml", "--graph")
    assert describe_ansible_failure([line], limit=None, inventories=[], has_reached_hosts=False)[1] is None
