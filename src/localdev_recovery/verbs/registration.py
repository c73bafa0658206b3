# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Verbs of what the application registers."""

from __future__ import annotations

from localdev_recovery.verbs.definition import Noun, Procedure

NOUN = Noun(
    name="registration",
    summary="Check what the application has registered.",
    procedures=(
        Procedure(
            verb="registration repair",
            playbook="constraint_registration",
            summary="Check that everything is registered; inject what is missing.",
            explanation=(
                "Asks the application in its container, by stack_registration_check, which constraints (plugins, "
                "tasks, routes) it has registered, and compares them with what is expected and with what the source "
                "defines. If some are missing, it injects their sources as localdev container inject does, and asks "
                "again.\n\n"
                "If names are still missing, the originals are restored. After a success, localdev undo restores them."
            ),
        ),
    ),
)
