# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Running a procedure from Python: ``run("full_rebuild", stack_dir="/srv/shop")``."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from localdev_recovery import procedures
from localdev_recovery.progress import Update
from localdev_recovery.results import Failure, Outcome, Result
from localdev_recovery.sessions import Place

Path_ = str | os.PathLike[str]
# A project's own inventory, as init writes it.
INVENTORY = "localdev.yml"


def run(
    procedure: str,
    *,
    stack_dir: Path_ | None = None,
    inventory: Path_ | Sequence[Path_] | None = None,
    limit: str | None = None,
    check: bool = False,
    diff: bool = False,
    extra_vars: Mapping[str, Any] | None = None,
    arguments: Sequence[str] = (),
    on_event: Callable[[Update], None] | None = None,
) -> Result:
    """Run a procedure and wait for it.

    procedure: name of its playbook, such as ``full_rebuild`` or ``status``.
    stack_dir: folder of the Compose project on this machine; default: the current folder. A localdev.yml in it is the
    inventory. With another inventory, that names the folders instead.
    extra_vars: role variables; they never reach a disk or a command line.
    arguments: more options for ansible-playbook. on_event: called with each update as it happens, in the order of
    events. Expected failures do not raise: they are in the result.

    Called in the main thread, the first SIGINT, SIGTERM or SIGHUP ends the run safely and a second one at once.
    What on_event raises is raised when the run is over.
    """
    inventories = _as_list(inventory)
    wrong = _wrong_usage(procedure, stack_dir, inventories)
    if wrong is not None:
        message, command = wrong
        return Result(procedure, Outcome.USAGE, check, error=Failure(message, kind="usage"), next=command)

    # Starting ansible-runner takes a third of a second, which a wrong folder and --help need not cost.
    from localdev_recovery.playbook import Request, play

    folder, inventories = _place(stack_dir, inventories)
    return play(
        Request(
            procedure=procedure,
            stack_dir=folder,
            inventories=tuple(inventories),
            limit=limit,
            check=check,
            diff=diff,
            extra_vars=dict(extra_vars or {}),
            arguments=tuple(arguments),
        ),
        on_event or (lambda update: None),
    )


def look(
    *,
    stack_dir: Path_ | None = None,
    inventory: Path_ | Sequence[Path_] | None = None,
    limit: str | None = None,
    arguments: Sequence[str] = (),
) -> tuple[Result, Mapping[str, Place]]:
    """Describe stacks, and how their machines are reached, by host. Changes nothing; parameters as run has them."""
    inventories = _as_list(inventory)
    wrong = _wrong_place(stack_dir, inventories)
    if wrong is not None:
        return Result("look", Outcome.USAGE, error=Failure(wrong[0], kind="usage"), next=wrong[1]), {}
    from localdev_recovery import playbook

    folder, inventories = _place(stack_dir, inventories)
    return playbook.look(
        playbook.Request("look", folder, inventories=tuple(inventories), limit=limit, arguments=tuple(arguments))
    )


def _as_list(inventory: Path_ | Sequence[Path_] | None) -> list[str]:
    if inventory is None:
        return []
    if isinstance(inventory, (str, os.PathLike)):
        return [os.fspath(inventory)]
    return [os.fspath(item) for item in inventory]


def _place(stack_dir: Path_ | None, inventories: list[str]) -> tuple[str | None, list[str]]:
    """The folder whose stack is meant, or the inventories that name it."""
    if inventories:
        return None, inventories
    folder = os.path.abspath(os.path.expanduser(stack_dir or os.getcwd()))
    own = os.path.join(folder, INVENTORY)
    return (None, [own]) if os.path.isfile(own) else (folder, [])


def _wrong_usage(procedure: str, stack_dir: Path_ | None, inventories: Sequence[str]) -> tuple[str, str | None] | None:
    """What is wrong before Ansible is asked, and what to do about it."""
    if procedures.find(procedure) is None:
        known = ", ".join(sorted(p.playbook for p in procedures.PROCEDURES))
        return f"There is no procedure {procedure!r}; there are {known}", None
    return _wrong_place(stack_dir, inventories)


def _wrong_place(stack_dir: Path_ | None, inventories: Sequence[str]) -> tuple[str, str | None] | None:
    if inventories and stack_dir is not None:
        return "A folder and an inventory exclude each other: the inventory names the folder in stack_dir", None
    for item in inventories:
        # A list of hosts, as in -i one,two, is no file.
        if "," not in item and not os.access(item, os.R_OK):
            how = "cannot be read" if os.path.exists(item) else "does not exist"
            return f"The inventory {item} {how}", f"ls -l {Path(item).parent}"
    if not inventories:
        folder = Path(stack_dir).expanduser() if stack_dir is not None else Path.cwd()
        if not folder.is_dir():
            how = "is not a folder" if folder.exists() else "does not exist"
            return f"The project folder {folder} {how}", "name the folder that holds the Compose file"
        if not os.access(folder, os.R_OK | os.X_OK):
            return f"The project folder {folder} cannot be read", f"ls -ld {folder}"
    return None
