# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Verbs of one word: what people type in a hurry."""

from __future__ import annotations

from localdev_recovery.verbs.definition import Option, Procedure, backup_argument

PROCEDURES = (
    Procedure(
        verb="status",
        playbook="status",
        summary="Show what runs, what is out of date, and the next command.",
        explanation="Services, their health, their addresses, and where the data is. Changes nothing.",
        data_source=("stack_status", "stack", "status"),
    ),
    Procedure(
        verb="rebuild",
        playbook="full_rebuild",
        summary="Rebuild the database from its migrations and seeds; the old data is kept.",
        explanation=(
            "For a fresh start, a corrupt schema, or errors that nothing else explains. Stops the services, sets the "
            "data of the database aside, starts an empty one, migrates, seeds and verifies.\n\n"
            "If a step fails, the previous state is restored. After a success, localdev undo restores it."
        ),
        options=(
            Option(
                flag="--no-seed",
                variable="full_rebuild_seed",
                kind="switch",
                switch_value=False,
            ),
        ),
    ),
    Procedure(
        verb="restore",
        playbook="restore",
        summary="Restore the database from a backup; the old data is kept.",
        explanation=(
            "Restores into a temporary database, verifies it, upgrades it if it is behind, and only then swaps it with "
            "the database, which is kept under another name. A backup that does not fit the migrations of this "
            "checkout is refused, and the branch that has its revision is named.\n\n"
            "If a step fails, the previous state stays or is restored. After a success, localdev undo restores it."
        ),
        options=(
            backup_argument("restore_select", completes="backups"),
            Option(
                flag="--trust-dump",
                variable="restore_trust_dump",
                kind="switch",
            ),
            Option(
                flag="--no-restart",
                variable="restore_restart",
                kind="switch",
                switch_value=False,
            ),
            Option(
                flag="--cache",
                variable="restore_cache",
                placeholder="WHAT",
            ),
            Option(
                flag="--no-login",
                variable="restore_verify_login",
                kind="switch",
                switch_value=False,
            ),
        ),
    ),
    Procedure(
        verb="undo",
        playbook="undo",
        summary="Undo the last run.",
        explanation=(
            "Restores what the run had set aside, and sets aside in turn what is there now. Without RUN it looks at "
            "the newest run only: if that run keeps nothing, what it stopped is started again, and the older runs that "
            "can be undone are listed. Finishes interrupted runs."
        ),
        options=(
            Option(
                variable="undo_run_id",
                placeholder="RUN",
                completes="runs",
            ),
        ),
    ),
    Procedure(
        verb="cleanup",
        playbook="cleanup",
        summary="Delete what old runs have set aside, never the newest copy.",
        explanation=(
            "The only verb that deletes. localdev cleanup --check reports how many bytes it would free.\n\n"
            "By default it deletes by age and number. With RUN or --all it deletes what these runs keep, independent "
            "of its age. Of each object, the newest copy that has content stays without --also-newest."
        ),
        options=(
            Option(
                variable="cleanup_runs",
                kind="list",
                placeholder="RUN",
                completes="runs",
            ),
            Option(
                flag="--keep",
                variable="cleanup_keep",
                kind="integer",
                placeholder="COUNT",
            ),
            Option(
                flag="--older-than",
                variable="cleanup_older_than_days",
                kind="number",
                placeholder="DAYS",
            ),
            Option(flag="--all", variable="cleanup_all", kind="switch"),
            Option(
                flag="--also-newest",
                variable="cleanup_also_newest",
                kind="switch",
            ),
        ),
    ),
    Procedure(
        verb="init",
        playbook="init",
        summary="Show what is discovered of a project, and write its inventory.",
        explanation=(
            "Writes localdev.yml into the project's folder, where localdev finds it from then on. It holds only what "
            "Compose cannot know. On a terminal it asks; elsewhere -e answers. A file that exists is never "
            "overwritten.\n\n"
            "A project of the usual shape needs no inventory at all."
        ),
        options=(
            Option(
                flag="--file",
                variable="init_file",
                placeholder="FILE",
                completes="file",
            ),
            Option(
                flag="--password-variable",
                variable="init_admin_password_variable",
                placeholder="NAME",
            ),
            Option(
                flag="--database-service",
                variable="stack_database_service",
                placeholder="SERVICE",
                completes="services",
            ),
            Option(
                flag="--application-service",
                variable="stack_application_service",
                placeholder="SERVICE",
                completes="services",
            ),
        ),
        asks_questions=True,
    ),
)
