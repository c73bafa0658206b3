# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Verbs of hosts."""

from __future__ import annotations

from localdev_recovery.verbs.definition import Noun, Option, Procedure

NOUN = Noun(
    name="host",
    summary="Prepare machines for the stack.",
    procedures=(
        Procedure(
            verb="host provision",
            playbook="provision",
            summary="Make bare machines run the stack; what is there stays as it is.",
            explanation=(
                "Installs Docker Engine and Compose, then sets up the checkout, .env and images, and if there is no "
                "data yet, migrations and seeds or a backup of this machine. Verifies the result by a login. For "
                "machines that are reached over SSH by a user who may become root. A database that holds data is "
                "neither rebuilt nor restored.\n\n"
                "After an interruption, run it again: it continues where it was."
            ),
            options=(
                Option(
                    flag="--repository",
                    variable="provision_repository",
                    placeholder="URL",
                ),
                Option(
                    flag="--source",
                    variable="provision_source",
                    placeholder="FOLDER",
                    completes="dir",
                ),
                Option(
                    flag="--images-from",
                    variable="provision_images_from",
                    placeholder="WHERE",
                ),
                Option(
                    flag="--from-backup",
                    variable="provision_backup",
                    placeholder="BACKUP",
                ),
            ),
        ),
    ),
)
