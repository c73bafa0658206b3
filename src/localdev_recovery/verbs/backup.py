# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Verbs of backups of the database."""

from __future__ import annotations

from localdev_recovery.verbs.definition import Noun, Option, Procedure, backup_argument

NOUN = Noun(
    name="backup",
    summary="Back up the database; list, verify and move backups.",
    default="create",
    procedures=(
        Procedure(
            verb="backup create",
            playbook="backup",
            summary="Back up the database while the services run.",
            explanation=(
                "Writes a dump and its metadata (revision, exact row counts, checksums) from one snapshot, with the "
                "client programs of the running server's own image. Then deletes backups beyond the retention, but "
                "never the newest verified one."
            ),
            options=(
                Option(
                    flag="--format",
                    variable="backup_format",
                    placeholder="FORMAT",
                ),
                Option(
                    flag="--test-restore",
                    variable="backup_prove",
                    kind="switch",
                ),
                Option(
                    flag="--keep",
                    variable="backup_keep",
                    kind="integer",
                    placeholder="COUNT",
                ),
                Option(
                    flag="--keep-days",
                    variable="backup_keep_days",
                    kind="number",
                    placeholder="DAYS",
                ),
            ),
        ),
        Procedure(
            verb="backup list",
            playbook="backup_list",
            summary="List the backups.",
            explanation="Newest first: size, age, revision, and when each was last verified. Changes nothing.",
            options=(
                Option(
                    flag="--checksums",
                    variable="backup_list_checksums",
                    kind="switch",
                ),
            ),
            data_source=("backup_info", "backups"),
        ),
        Procedure(
            verb="backup verify",
            playbook="backup_verify",
            summary="Check that a backup can be restored.",
            explanation=(
                "Restores it into a temporary database, compares rows and revision with its metadata, and drops the "
                "temporary database."
            ),
            options=(backup_argument("backup_verify_select", completes="backups"),),
        ),
        Procedure(
            verb="backup fetch",
            playbook="backup_fetch",
            summary="Copy a backup from a host to this machine.",
            explanation=(
                "Checks its checksums on the host and again here. A backup that is here already is not copied; "
                "another one of the same name is never overwritten."
            ),
            options=(
                backup_argument("backup_fetch_select"),
                Option(
                    flag="--to",
                    variable="backup_fetch_folder",
                    placeholder="FOLDER",
                    completes="dir",
                ),
            ),
        ),
        Procedure(
            verb="backup push",
            playbook="backup_distribute",
            summary="Copy a backup from this machine to hosts.",
            explanation=(
                "Checks its checksums here and again on each host. Restores nothing. A host that has it already is "
                "skipped; another one of the same name is never overwritten."
            ),
            options=(
                backup_argument("backup_distribute_select"),
                Option(
                    flag="--from",
                    variable="backup_distribute_folder",
                    placeholder="FOLDER",
                    completes="dir",
                ),
            ),
        ),
    ),
)
