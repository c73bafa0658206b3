# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""What a machine that is to run a stack still lacks: which images, and whether its data is to be made. Pure."""

from __future__ import annotations

import typing as t

from ansible_collections.localdev.recovery.plugins.module_utils._stack.description import Stack, services_of, urls

Record = t.Mapping[str, t.Any]


def lacking_images(stack: Stack) -> dict[str, list[str]]:
    """Image -> services that need it and that a procedure would start, of those that the engine does not have."""
    lacking: dict[str, list[str]] = {}
    for name in services_of(stack):
        service = stack["services"][name]
        if service["image_id"] is None:
            lacking.setdefault(service["image"], []).append(name)
    return lacking


def to_start(stack: Stack) -> list[str]:
    """Services that should run and do not. A job that has ended is none."""
    return [
        name
        for name in services_of(stack)
        if not stack["services"][name]["one_shot"]
        and not any(container["state"] == "running" for container in stack["services"][name]["containers"])
    ]


def never_finished(records: t.Sequence[Record]) -> bool:
    """Whether all that ever happened here is rebuilds from nothing that came to no end.

    What they left is no data: nobody could use it, and nothing was there before them.
    """
    return bool(records) and all(
        record["procedure"] == "full_rebuild"
        and record["outcome"] != "succeeded"
        and not any(aside.get("bytes") for aside in record["asides"])
        for record in records
    )


def waits_for_restore(records: t.Sequence[Record]) -> bool:
    """Whether the last thing that happened here made an empty database, for a backup to be restored into."""
    if not records:
        return False
    last = records[-1]
    empty = last["procedure"] == "full_rebuild" and last["parameters"].get("seed") is False
    unrestored = last["procedure"] == "restore" and last["outcome"] != "succeeded" and len(records) > 1
    return (empty and last["outcome"] == "succeeded") or (unrestored and waits_for_restore(records[:-1]))


def decide(stack: Stack, data: t.Sequence[str], records: t.Sequence[Record], *, restoring: bool) -> dict[str, t.Any]:
    """What is to be done about the data: ``rebuild``, ``restore`` or ``keep``, and why.

    data: volumes and folders that hold data of the database. records: of the runs here, oldest first. restoring:
    whether a backup is to be restored. ``rebuild`` is followed by the restore then.
    """
    # That says nothing of data, and comes first on every machine.
    records = [record for record in records if record["procedure"] != "env_file"]
    if stack["database"] is None:
        return _decision("keep", "the stack has no database", stack)
    if not data:
        return _decision("rebuild", "there is no data yet", stack)
    if never_finished(records):
        return _decision(
            "rebuild", f"run {records[-1]['run_id']} came to no end, and nothing was there before it", stack
        )
    if restoring and waits_for_restore(records):
        return _decision("restore", "the database is migrated and still empty", stack)
    return _decision("keep", f"{', '.join(data)} {'holds' if len(data) == 1 else 'hold'} data", stack)


def _decision(action: str, reason: str, stack: Stack) -> dict[str, t.Any]:
    return {"action": action, "reason": reason, "start": to_start(stack) if action == "keep" else []}


def prospect(has: t.Collection[str], checkout: t.Mapping[str, t.Any], *, backup: str) -> list[str]:
    """What a check of a machine says that lacks too much to be looked into. has: what was found there."""
    wanted = {"python3": "Python", "docker": "Docker Engine and Compose", "git": "git", "psycopg": "python3-psycopg2"}
    lacking = [words for name, words in wanted.items() if name not in has]
    lines = [f"Would install {', '.join(lacking)}"] if lacking else []
    lines += ["Would make the checkout"] if checkout.get("changed") else []
    begin = f"would restore {backup}" if backup else "would migrate and seed"
    return [*lines, f"Then, where there is no data yet, {begin}"]


def report(
    decision: t.Mapping[str, t.Any], stack: Stack, *, restored: bool, checkout: t.Mapping[str, t.Any], planned: bool
) -> list[str]:
    """What a provisioning has done (planned: would do), for people."""
    lines = []
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
        how = "from the backup" if restored else "from migrations and seeds"
        lines.append(f"{verb} the database {how}: {decision['reason']}")
    return lines + [f"{name}: {url}" for name, url in urls(stack).items()]
