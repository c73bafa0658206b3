# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run a procedure from Python: ``run("full_rebuild", stack_dir="/srv/shop")``."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._core.next_command import program_command
from ansible_collections.localdev.recovery.plugins.module_utils._stack.project_folder import (
    find_project_folder,
    find_project_inventory,
)
from localdev_recovery.results import Failure, Result
from localdev_recovery.sessions import GatheredStack
from localdev_recovery.updates import Update
from localdev_recovery.variable_names import check_variable_names
from localdev_recovery.variables import ExtraVariables, VariableError, is_utf8, list_magic_variables, mark_as_data
from localdev_recovery.verbs.catalog import PROCEDURES, find_procedure

PathInput = str | os.PathLike[str]
VariablesInput = Mapping[str, Any] | PathInput | Sequence[Mapping[str, Any] | PathInput] | None


def run(
    procedure: str,
    *,
    stack_dir: PathInput | None = None,
    inventory: PathInput | Sequence[PathInput] | None = None,
    limit: str | None = None,
    check: bool = False,
    diff: bool = False,
    extra_vars: VariablesInput = None,
    arguments: Sequence[str] = (),
    on_event: Callable[[Update], None] | None = None,
) -> Result:
    """Run a procedure and wait for it.

    procedure: name of its playbook, such as ``full_rebuild`` or ``status``.
    stack_dir: folder of the Compose project on this machine, or a folder within; default: the current folder. A
    localdev.yml in the project is the inventory. With another inventory, that names the folders instead.
    extra_vars: role variables; they never reach a disk or a command line, and no value is a template. A sequence holds
    such mappings and paths of YAML files, which may hold templates; later ones win.
    arguments: more options for ansible-playbook; the values of an -e among them are templates. on_event: called with
    each update as it happens, in the order of events. Expected failures do not raise: they are in the result.

    In the main thread, the first SIGINT, SIGTERM or SIGHUP ends the run safely and a second one at once.
    An exception of on_event is raised when the run is over.
    """
    inventories, variables = _list_inventories(inventory), _list_variables(extra_vars)
    try:
        _check_procedure(procedure)
        _check_target(stack_dir, inventories)
        _check_variables(inventories, limit, variables)
    except RecoveryError as exc:
        return build_error_result(procedure, exc, check=check)

    # Starting ansible-runner takes a third of a second, which a wrong folder and --help need not cost.
    from localdev_recovery.runner import Request, run_playbook

    folder, inventories = _locate_stack(stack_dir, inventories)
    return run_playbook(
        Request(
            procedure=procedure,
            stack_dir=folder,
            inventories=tuple(inventories),
            limit=limit,
            check=check,
            diff=diff,
            extra_vars=variables,
            arguments=tuple(arguments),
        ),
        on_event or (lambda update: None),
    )


def gather_stack(
    *,
    stack_dir: PathInput | None = None,
    inventory: PathInput | Sequence[PathInput] | None = None,
    limit: str | None = None,
    extra_vars: VariablesInput = None,
) -> tuple[Result, Mapping[str, GatheredStack]]:
    """Describe the stacks and the connections to their machines, by host. Changes nothing. Parameters: see run."""
    inventories, variables = _list_inventories(inventory), _list_variables(extra_vars)
    try:
        _check_target(stack_dir, inventories)
        _check_variables(inventories, limit, variables)
    except RecoveryError as exc:
        return build_error_result("gather_stack", exc), {}
    from localdev_recovery import runner

    folder, inventories = _locate_stack(stack_dir, inventories)
    return runner.gather_stack(
        runner.Request(
            procedure="gather_stack",
            stack_dir=folder,
            inventories=tuple(inventories),
            limit=limit,
            extra_vars=variables,
        )
    )


def build_error_result(procedure: str, error: RecoveryError, *, check: bool = False) -> Result:
    """Return the result of a run that ended before it began."""
    failure = Failure.from_error(error)
    return Result(procedure, failure.outcome, check, error=failure, next=error.next_command)


def _list_inventories(inventory: PathInput | Sequence[PathInput] | None) -> list[str]:
    if inventory is None:
        return []
    if isinstance(inventory, (str, os.PathLike)):
        return [os.fspath(inventory)]
    return [os.fspath(item) for item in inventory]


def _list_variables(extra_vars: VariablesInput) -> tuple[ExtraVariables, ...]:
    """Return the mappings and paths. A path alone is no sequence of characters."""
    items = (extra_vars,) if isinstance(extra_vars, (Mapping, str, os.PathLike)) else tuple(extra_vars or ())
    return tuple(os.fspath(item) if isinstance(item, os.PathLike) else item for item in items)


def _check_variables(inventories: Sequence[str], limit: str | None, variables: Sequence[ExtraVariables]) -> None:
    """Raise RecoveryError for a value that Ansible cannot take as data, an unknown name, or an unreadable file."""
    list_magic_variables(inventories, limit)
    try:
        for item in variables:
            if not isinstance(item, (Mapping, str)):
                raise VariableError(f"Cannot read variables from {type(item).__name__}: a mapping or a path is needed")
            mark_as_data(item)
            if not isinstance(item, str):
                check_variable_names(item)
    except RecursionError:
        raise VariableError("Cannot pass variables to Ansible that are nested too deep, or within themselves") from None
    for item in variables:
        # Ansible's own message is one about the inventory.
        path = os.path.expandvars(os.path.expanduser(item)) if isinstance(item, str) else ""
        if path and not os.access(path, os.R_OK):
            raise _describe_unreadable(
                path,
                "file of variables",
                missing=FailureId.VARIABLES_FILE_MISSING,
                unreadable=FailureId.VARIABLES_FILE_UNREADABLE,
            )


def _describe_unreadable(path: str, what: str, *, missing: FailureId, unreadable: FailureId) -> RecoveryError:
    """Return the error of a path that cannot be read. what: the kind of file, for the message."""
    exists = os.path.exists(path)
    nearest = next(folder for folder in Path(path).absolute().parents if folder.is_dir())
    return RecoveryError(
        unreadable if exists else missing,
        f"The {what} {path} {'cannot be read' if exists else 'does not exist'}",
        next_command=program_command("ls", *(["-ld", path] if exists else ["-l", str(nearest)])),
    )


def _locate_stack(stack_dir: PathInput | None, inventories: list[str]) -> tuple[str | None, list[str]]:
    """Return the folder of the stack, or the inventories that name the folder."""
    if inventories:
        return None, inventories
    folder = find_project_folder(os.path.abspath(os.path.expanduser(stack_dir or os.getcwd())))
    project_inventory = find_project_inventory(folder)
    return (None, [project_inventory]) if project_inventory else (folder, [])


def _check_procedure(name: str) -> None:
    if find_procedure(name) is None:
        known = ", ".join(sorted({p.playbook for p in PROCEDURES}))
        raise RecoveryError(
            FailureId.PROCEDURE_UNKNOWN, f"There is no procedure {name!r}", hint=f"The procedures are {known}."
        )


def _check_target(stack_dir: PathInput | None, inventories: Sequence[str]) -> None:
    """Raise RecoveryError for a folder or an inventory that cannot be read."""
    if inventories and stack_dir is not None:
        raise RecoveryError(
            FailureId.OPTION_CONFLICT,
            "A folder and an inventory exclude each other",
            hint="The inventory names the folder in stack_dir.",
        )
    for item in inventories:
        # A list of hosts, as in -i one,two, is no file.
        if "," not in item and not os.access(item, os.R_OK):
            raise _describe_unreadable(
                item, "inventory", missing=FailureId.INVENTORY_MISSING, unreadable=FailureId.INVENTORY_UNREADABLE
            )
    if not inventories:
        _check_project_folder(Path(stack_dir).expanduser() if stack_dir is not None else Path.cwd())


def _check_project_folder(folder: Path) -> None:
    if not folder.is_dir():
        exists = folder.exists()
        raise RecoveryError(
            FailureId.PROJECT_FOLDER_NOT_A_FOLDER if exists else FailureId.PROJECT_FOLDER_MISSING,
            f"The project folder {folder} {'is not a folder' if exists else 'does not exist'}",
            hint="Name the folder that holds the Compose file.",
        )
    if not is_utf8(str(folder.absolute())):
        raise RecoveryError(
            FailureId.PROJECT_FOLDER_NOT_UTF8,
            f"Cannot use the project folder {str(folder)!a}: its path is not valid UTF-8",
        )
    if not os.access(folder, os.R_OK | os.X_OK):
        raise RecoveryError(
            FailureId.PROJECT_FOLDER_UNREADABLE,
            f"The project folder {folder} cannot be read",
            next_command=program_command("ls", "-ld", str(folder)),
        )
