# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Format the report and the preview of a provisioning."""

from __future__ import annotations

import typing as t

from ansible_collections.localdev.recovery.plugins.module_utils._core.next_command import Line
from ansible_collections.localdev.recovery.plugins.module_utils._stack.description import (
    StackDescription,
    list_service_urls,
)


def format_provision_preview(present: t.Collection[str], checkout: t.Mapping[str, t.Any], *, backup: str) -> list[Line]:
    """Return what check mode can say of a machine without Docker or without the checkout.

    present: which of python3, docker, git and psycopg the machine has.
    """
    wanted = {"python3": "Python", "docker": "Docker Engine and Compose", "git": "git", "psycopg": "python3-psycopg2"}
    missing = [title for name, title in wanted.items() if name not in present]
    lines = [f"Would install {', '.join(missing)}"] if missing else []
    lines += ["Would make the checkout"] if checkout.get("changed") else []
    data_step = f"would restore {backup}" if backup else "would migrate and seed"
    return [*lines, f"Then, where there is no data yet, {data_step}"]


def format_provision_report(
    decision: t.Mapping[str, t.Any],
    stack: StackDescription,
    *,
    restored: bool,
    checkout: t.Mapping[str, t.Any],
    planned: bool,
) -> list[Line]:
    """Return what a provisioning did (planned: would do), line by line."""
    lines: list[Line] = []
    if checkout.get("commit"):
        lines.append(f"Checked out {checkout['commit'][:12]} in {stack['project']['dir']}")
    if checkout.get("left_behind"):
        lines.append(f"Not committed, so not sent: {', '.join(checkout['left_behind'][:5])}")
    if decision["images"]:
        lines.append(f"{'Would provide' if planned else 'Provided'} {', '.join(decision['images'])}")
    if decision["action"] == "keep":
        lines.append(f"The data stays as it is: {decision['reason']}")
        if decision["start"]:
            lines.append(f"{'Would start' if planned else 'Started'} {', '.join(decision['start'])}")
    else:
        verb = "Would make" if planned else "Made"
        source = "from the backup" if restored else "from migrations and seeds"
        lines.append(f"{verb} the database {source}: {decision['reason']}")
    return [*lines, *(f"{name}: {url}" for name, url in list_service_urls(stack).items())]
