# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Add what only the command line knows to the errors of a result. Pure, but for the current folder."""

from __future__ import annotations

import dataclasses
import os
from typing import TYPE_CHECKING

from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._core.next_command import program_command
from localdev_recovery.results import Outcome, Result
from localdev_recovery.verbs.definition import Procedure

if TYPE_CHECKING:
    from ansible_collections.localdev.recovery.plugins.module_utils._core.next_command import Line

# The folder may be the wrong one.
_FOLDER_FAILURES = {
    failure.id
    for failure in (
        FailureId.COMPOSE_FILE_INVALID,
        FailureId.COMPOSE_FILE_MISSING,
        FailureId.PROJECT_FILE_MISSING,
        FailureId.PROJECT_FOLDER_MISSING,
    )
}


def add_folder_hint(result: Result, folder: str | None) -> Result:
    """Add the project folder to the error of a folder that is not that of a project."""
    hosts = dict(result.hosts)
    for name, host in hosts.items():
        if host.error is not None and host.error.id in _FOLDER_FAILURES:
            project_folder = os.path.abspath(folder) if folder else f"{os.getcwd()} (the current one)"
            hint = f"The project folder is {project_folder}; -C DIR names another."
            error = dataclasses.replace(host.error, hint=join_lines(host.error.hint, hint))
            hosts[name] = dataclasses.replace(host, error=error)
    return dataclasses.replace(result, hosts=hosts)


def join_lines(first: Line, second: Line) -> Line:
    """Return two lines as one, with a line break between them if neither is empty."""
    if not first or not second:
        return first or second
    return [*([first] if isinstance(first, str) else first), "\n", *([second] if isinstance(second, str) else second)]


def add_help_command(result: Result, procedure: Procedure) -> Result:
    """Add the verb's help as the next command to an error about a wrong value."""
    help_command = program_command("localdev", *procedure.verb.split(), "--help")
    hosts = {
        name: dataclasses.replace(host, next=help_command)
        if host.outcome is Outcome.USAGE and host.next is None
        else host
        for name, host in result.hosts.items()
    }
    return dataclasses.replace(result, hosts=hosts)
