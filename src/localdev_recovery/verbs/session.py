# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Verbs that hand the terminal over to ``docker compose``."""

from __future__ import annotations

from localdev_recovery.verbs.definition import Option, Session

# All words after the first one of such an argument belong to it.
COMMAND = "COMMAND"

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
        options=(
            Option(
                flag="--command",
                variable="sql",
                help="Run this SQL or backslash command, and end.",
                placeholder="SQL",
                short="-c",
            ),
        ),
    ),
    Session(
        verb="shell",
        summary="Open a shell in a service, or run a command there.",
        explanation=(
            "bash, or sh if the image has no bash. Without a terminal it reads commands from stdin. All words after "
            "COMMAND belong to it, options too; options of localdev stand before it."
        ),
        options=(
            Option(
                variable="service",
                help="Service of the container; by default the application.",
                placeholder="SERVICE",
                completes="services",
            ),
            Option(variable="command", help="Command to run instead of a shell.", kind="list", placeholder=COMMAND),
        ),
    ),
)
