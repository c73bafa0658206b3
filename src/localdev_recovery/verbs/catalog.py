# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""List every verb: command line, Python interface, next commands and documentation come from this list."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from localdev_recovery.verbs import (
    admin,
    backup,
    container,
    env,
    host,
    registration,
    run,
    schema,
    session,
    single_words,
    volume,
)
from localdev_recovery.verbs.definition import Noun, Procedure

NOUNS: Mapping[str, Noun] = {
    module.NOUN.name: module.NOUN for module in (schema, container, registration, admin, env, run, backup, volume, host)
}
PROCEDURES = (*single_words.PROCEDURES, *(procedure for noun in NOUNS.values() for procedure in noun.procedures))
SESSIONS = session.SESSIONS

# ``localdev --help``: what a person needs -> the word to type. The verbs of a noun are added.
OVERVIEW: Mapping[str, Mapping[str, str]] = {
    "Look": {
        "status": "See what runs, what is out of date, and the next command.",
        "logs": "Read the logs of services.",
        "psql": "Open psql on the database.",
        "shell": "Open a shell in a service.",
    },
    "Repair": {
        "schema": "Columns or tables are missing",
        "rebuild": "Start fresh: a new database from migrations and seeds.",
        "restore": "Get the data of a backup back.",
        "container": "Containers are stuck or old",
        "registration": "Constraints, plugins or routes are not registered",
        "admin": "The administrator cannot log in",
        "env": "The file .env is missing, incomplete or weak",
    },
    "Keep and undo": {
        "undo": "Undo the last run: get the previous state back.",
        "run": "See what was run, and what it keeps",
        "cleanup": "Free the space of what old runs have set aside.",
        "backup": "Dump the database",
        "volume": "Move or archive data",
    },
    "Set up": {
        "init": "Write an inventory for what cannot be discovered.",
        "host": "Make a bare machine run the stack",
        "completion": "Complete verbs and names in your shell.",
        "help": "Explain a verb.",
    },
}


def find_procedure(playbook: str, variables: Mapping[str, Any] | None = None) -> Procedure | None:
    """Return the procedure of a playbook. variables: choose between several verbs by the variables that they preset."""
    candidates = [procedure for procedure in PROCEDURES if procedure.playbook == playbook]
    wanted = variables or {}
    return next(
        (
            item
            for item in candidates
            if all(wanted.get(name) == value for name, value in item.preset_variables.items())
        ),
        candidates[0] if candidates and not variables else None,
    )
