# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Verbs of the schema of the database."""

from __future__ import annotations

from localdev_recovery.verbs.definition import Noun, Option, Procedure

NOUN = Noun(
    name="schema",
    summary="Bring the schema of the database to the migrations.",
    default="repair",
    procedures=(
        Procedure(
            verb="schema repair",
            playbook="schema_recovery",
            summary="Upgrade the schema to the migrations; the old schema and rows are kept.",
            explanation=(
                "For errors about missing columns or tables, as after a restore or a change of branch. Finds the cause "
                "and, if pending migrations fix it, applies them: stops the services that write, keeps a copy of the "
                "database, upgrades, starts and verifies. If they do not fix it, names what does.\n\n"
                "If a step fails, the previous state is restored. After a success, localdev undo restores it."
            ),
            options=(
                Option(
                    flag="--target",
                    variable="schema_recovery_target",
                    placeholder="REVISION",
                ),
                Option(
                    flag="--allow-rebuild",
                    variable="schema_recovery_allow_rebuild",
                    kind="switch",
                ),
            ),
        ),
    ),
)
