# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Verbs of recorded runs."""

from __future__ import annotations

from localdev_recovery.verbs.definition import Noun, Option, Procedure

NOUN = Noun(
    name="run",
    summary="List and explain recorded runs.",
    procedures=(
        Procedure(
            verb="run list",
            playbook="run_list",
            summary="List the runs on the stack.",
            explanation=(
                "Newest first, with what each run has set aside and still keeps. Changes nothing, needs no Docker."
            ),
            data_source=("recovery_run_info", "runs", "locked", "interrupted"),
        ),
        Procedure(
            verb="run show",
            playbook="run_explain",
            summary="Explain what a run did, and how to undo it.",
            explanation=(
                "Shows its steps, what it has set aside and where that is now, and why it failed. Changes nothing, "
                "needs no Docker."
            ),
            options=(
                Option(
                    variable="run_explain_id",
                    placeholder="RUN",
                    completes="runs",
                ),
            ),
        ),
    ),
)
