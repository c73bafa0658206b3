# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Verbs of volumes and data folders."""

from __future__ import annotations

from localdev_recovery.verbs.definition import Noun, Option, Procedure, no_login_option

_RESTORED = "If a step fails, the previous state is restored. After a success, localdev undo restores it."

NOUN = Noun(
    name="volume",
    summary="Move, archive and restore the files of volumes and folders.",
    procedures=(
        Procedure(
            verb="volume to-named",
            playbook="volume_transition",
            summary="Move the data from bind mounts to named volumes.",
            explanation=(
                "Stops the services, copies the data and compares every file, changes the mounts in the Compose file "
                "and nothing else of it, starts and verifies. The old data is kept until localdev cleanup.\n\n"
                f"{_RESTORED}"
            ),
            preset_variables={"volume_transition_to": "volume"},
        ),
        Procedure(
            verb="volume to-bind",
            playbook="volume_transition",
            summary="Move the data from named volumes to bind mounts.",
            explanation=(
                "The opposite of localdev volume to-named: afterwards the data is in folders of the project.\n\n"
                f"{_RESTORED}"
            ),
            options=(
                Option(
                    flag="--folder",
                    variable="volume_transition_folder",
                    placeholder="FOLDER",
                    completes="dir",
                ),
            ),
            preset_variables={"volume_transition_to": "bind"},
        ),
        Procedure(
            verb="volume backup",
            playbook="volume_backup",
            summary="Archive the data files of services, in volumes and folders alike.",
            explanation=(
                "Stops the services that use the data, archives it with a manifest of every file, and starts what ran "
                "before. Such an archive fits only the same major version of PostgreSQL; localdev backup creates a "
                "dump, and stops nothing."
            ),
            options=(
                Option(
                    variable="volume_backup_services",
                    kind="list",
                    placeholder="SERVICE",
                    completes="services",
                ),
                Option(
                    flag="--folder",
                    variable="volume_backup_dir",
                    placeholder="FOLDER",
                    completes="dir",
                ),
            ),
        ),
        Procedure(
            verb="volume restore",
            playbook="volume_restore",
            summary="Restore the data of volume archives; the old data is kept.",
            explanation=(
                "Unpacks the archives beside the data and compares every file with the manifest, then stops the "
                "services, swaps the data, starts and verifies. Archives of tar czf are restored too.\n\n"
                f"{_RESTORED}"
            ),
            options=(
                Option(
                    variable="volume_restore_select",
                    placeholder="ARCHIVES",
                ),
                Option(
                    flag="--service",
                    variable="volume_restore_services",
                    placeholder="SERVICE",
                    completes="services",
                ),
                Option(
                    flag="--folder",
                    variable="volume_restore_dir",
                    placeholder="FOLDER",
                    completes="dir",
                ),
                no_login_option("volume_restore_verify_login"),
            ),
        ),
    ),
)
