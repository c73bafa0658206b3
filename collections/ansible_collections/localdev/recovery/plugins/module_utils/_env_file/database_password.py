# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Refuse a new database password while data with the old one exists."""

from __future__ import annotations

from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._core.masking import is_secret_name
from ansible_collections.localdev.recovery.plugins.module_utils._core.next_command import playbook_command
from ansible_collections.localdev.recovery.plugins.module_utils._env_file.compose_project import EnvProject
from ansible_collections.localdev.recovery.plugins.module_utils._env_file.requirements import (
    EnvFilePlan,
    RequiredVariables,
    find_database_password_variables,
    make_placeholders,
)

_NEW_PASSWORD_COMMAND = playbook_command("env_file", env_file_new_database=True)


def refuse_new_database_password(
    project: EnvProject, plan: EnvFilePlan, required: RequiredVariables, path: str
) -> None:
    """Raise RecoveryError if a new database password would not match that of the existing data."""
    # Never put secrets into an environment. A placeholder shows as well which service uses them.
    placeholders = make_placeholders(
        [*plan.generated, *(n for n in plan.added if is_secret_name(n)), *(n.name for n in plan.unmet)]
    )
    plain = {name: value for name, value in plan.added.items() if name not in placeholders and value}
    variables = {**plain, **placeholders}
    result = project.read_config(required, variables)
    new = set(plan.added)
    if result.config is None:
        password_names = [name for name in plan.generated if "PASS" in name.upper()]
    else:
        password_names = [name for name in find_database_password_variables(result.config, variables) if name in new]
    if not password_names:
        return
    names = ", ".join(password_names)
    try:
        data = project.find_database_data(variables) if result.config is not None else None
        error = result.error
    except RecoveryError as exc:
        data, error = None, exc
    if data is None:
        raise RecoveryError(
            FailureId.DATABASE_PASSWORD_DATA_UNKNOWN,
            f"{names} would be a new database password, and it is not known whether data of the database exists"
            + (f": {error.message}" if error else ""),
            hint=["If there is no such data, generate the password: ", _NEW_PASSWORD_COMMAND],
            next_command=error.next_command if error else None,
        )
    if data:
        raise RecoveryError(
            FailureId.DATABASE_PASSWORD_DATA_EXISTS,
            f"{names} would be a new database password, but data of the database exists ({', '.join(data)}), and its "
            "server keeps the old password: the application could no longer log in",
            details=[
                "The environment of the database's container may hold the old password, or an older copy of the file.",
                "If it is lost, set a new one in the server (ALTER ROLE ... PASSWORD) and in the file.",
                ["If the data is to be replaced, generate a password before you rebuild: ", _NEW_PASSWORD_COMMAND],
            ],
            hint=f"Write {names} into {path}.",
        )
