# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Verbs that hand the terminal over to ``docker compose``."""

from __future__ import annotations

from localdev_recovery.verbs.definition import Option, Session

SESSIONS = (
    Session(
        verb="logs",
        summary="Show the logs of services.",
        explanation=(
            "Without SERVICE: of all services that have a container, except the excluded ones. Secrets in the logs are "
            "shown as they are."
        ),
        options=(
            Option(
                variable="services",
                help="Only these services.",
                kind="list",
                placeholder="SERVICE",
                completes="services",
            ),
            Option(flag="--follow", variable="follow", help="Continue as new lines come.", kind="switch", short="-f"),
            Option(
                flag="--tail",
                variable="tail",
                help="Only so many of the last lines of each.",
                kind="integer",
                placeholder="COUNT",
            ),
        ),
    ),
    Session(
        verb="psql",
        summary="Open psql on the database.",
        explanation="In the server's container, as the database's user. Without a terminal it reads SQL from stdin.",
    ),
    Session(
        verb="shell",
        summary="Open a shell in a service.",
        explanation="bash, or sh if the image has no bash. Without a terminal it reads commands from stdin.",
        options=(
            Option(
                variable="service",
                help="Service of the container; by default the application.",
                placeholder="SERVICE",
                completes="services",
            ),
        ),
    ),
)
