# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Verbs of the administrator's account."""

from __future__ import annotations

from localdev_recovery.verbs.definition import Noun, Option, Procedure

NOUN = Noun(
    name="admin",
    summary="Repair the account of the administrator.",
    procedures=(
        Procedure(
            verb="admin repair",
            playbook="admin_account",
            summary="Let the administrator log in again; the old row is kept.",
            explanation=(
                "Finds out why the administrator cannot log in, and fixes it: creates the account, gives it the role, "
                "activates it, sets the password. Other users are never changed. If the cause is another one (the API, "
                "the database, the key that signs tokens), it names the cause and changes nothing.\n\n"
                "The password is stack_admin_password of the inventory, or comes from one of these options; it is "
                "never shown. If a step fails, the old row is restored. After a success, localdev undo restores it."
            ),
            options=(
                Option(
                    flag="--password-file",
                    variable="admin_account_password_file",
                    placeholder="FILE",
                    completes="file",
                ),
                Option(
                    flag="--password-variable",
                    variable="admin_account_password_file",
                    help="Environment variable that holds the password.",
                    kind="environment",
                    placeholder="NAME",
                ),
                Option(
                    flag="--ask",
                    variable="admin_account_password_file",
                    help="Ask for the password on the terminal.",
                    kind="prompt",
                ),
                Option(
                    flag="--generate",
                    variable="admin_account_generate",
                    kind="switch",
                ),
            ),
        ),
    ),
)
