# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Read what ansible-playbook itself prints about a wrong inventory or option. It has no other form than text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._core.limits import describe_limit_in_text
from ansible_collections.localdev.recovery.plugins.module_utils._core.next_command import program_command
from localdev_recovery.results import Failure

if TYPE_CHECKING:
    from ansible_collections.localdev.recovery.plugins.module_utils._core.next_command import NextCommand

_COLOUR_CODE = re.compile(r"\x1b\[[0-9;]*m")


def remove_colours(text: str) -> str:
    """Return a text without the colours of a terminal."""
    return _COLOUR_CODE.sub("", text)


def find_ansible_error(lines: Iterable[str]) -> tuple[str, list[str]]:
    """Return the error of Ansible itself in one line, else its last line, and its warnings."""
    errors: list[str] = []
    warnings: list[str] = []
    target: list[str] | None = None
    last_line = ""
    for line in lines:
        last_line = line.strip() or last_line
        if line.startswith(("[ERROR]: ", "ERROR! ")):
            target = errors
            target.append(line.partition(" ")[2].strip())
        elif line.startswith("[WARNING]: "):
            target = warnings
            target.append(line.partition(" ")[2].strip())
        elif not line.strip() or line.startswith(("[", "<")):
            target = None
        elif target is not None:
            # Ansible breaks lines at the width of its terminal.
            target[-1] += " " + line.strip()
    return (errors[0] if errors else last_line), warnings


def describe_ansible_failure(
    lines: Iterable[str], *, limit: str | None, inventories: Sequence[str], has_reached_hosts: bool
) -> tuple[Failure, NextCommand | None]:
    """Return the error of an ansible-playbook in which no task failed, and the next command."""
    message, warnings = find_ansible_error(lines)
    failure = FailureId.ANSIBLE_FAILED if has_reached_hosts else FailureId.ANSIBLE_REFUSED
    if limit and "host pattern" in message:
        failure, message = FailureId.LIMIT_NO_HOST, f"No host of the inventory matches --limit {limit}"
    reached = describe_limit_in_text(message)
    if reached is not None:
        return Failure.from_error(reached), None
    message = message or "ansible-playbook ended without a message; -v shows all that it printed"
    options = [word for item in inventories for word in ("-i", item)]
    next_command = program_command("ansible-inventory", *options, "--graph") if options else None
    return Failure(failure.id, message, details=tuple(warnings)), next_command
