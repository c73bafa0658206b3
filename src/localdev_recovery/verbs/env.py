# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Verbs of the env file."""

from __future__ import annotations

from localdev_recovery.verbs.definition import Noun, Option, Procedure

NOUN = Noun(
    name="env",
    summary="Repair the file .env.",
    procedures=(
        Procedure(
            verb="env repair",
            playbook="env_file",
            summary="Create or complete .env; the old file is kept.",
            explanation=(
                "Creates it from .env.example, or adds what Compose needs and is missing. Generates secrets, never "
                "changes a value that is there, and names weak ones. Works also if Compose cannot read the project "
                "without the file.\n\n"
                "A database password is not generated if data of the database exists: the server keeps the old one."
            ),
            options=(
                Option(
                    flag="--example",
                    variable="env_file_example",
                    placeholder="FILE",
                    completes="file",
                ),
                Option(
                    flag="--new-database",
                    variable="env_file_new_database",
                    kind="switch",
                ),
            ),
        ),
    ),
)
