# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Decide what a machine still needs to run a stack: images, and a rebuild or a restore of its data. Pure."""

from __future__ import annotations

import typing as t

from ansible_collections.localdev.recovery.plugins.module_utils._stack.description import (
    StackDescription,
    select_services_by_kind,
)

PastRun = t.Mapping[str, t.Any]


def find_missing_images(stack: StackDescription) -> dict[str, list[str]]:
    """Return missing image -> services that need it and that a procedure would start."""
    missing: dict[str, list[str]] = {}
    for name in select_services_by_kind(stack):
        service = stack["services"][name]
        if service["image_id"] is None:
            missing.setdefault(service["image"], []).append(name)
    return missing


def list_services_to_start(stack: StackDescription) -> list[str]:
    """Return services that should run and do not, without one-shot jobs."""
    return [
        name
        for name in select_services_by_kind(stack)
        if not stack["services"][name]["one_shot"]
        and not any(container["state"] == "running" for container in stack["services"][name]["containers"])
    ]


def has_only_unfinished_rebuilds(records: t.Sequence[PastRun]) -> bool:
    """Return whether all runs here are unfinished rebuilds that found no data.

    Their volumes hold no data that was ever used.
    """
    return bool(records) and all(
        record["procedure"] == "full_rebuild"
        and record["outcome"] != "succeeded"
        and not any(aside.get("bytes") for aside in record["asides"])
        for record in records
    )


def is_waiting_for_restore(records: t.Sequence[PastRun]) -> bool:
    """Return whether the last run here created an empty database to restore a backup into."""
    if not records:
        return False
    last = records[-1]
    empty = last["procedure"] == "full_rebuild" and last["parameters"].get("seed") is False
    unrestored = last["procedure"] == "restore" and last["outcome"] != "succeeded" and len(records) > 1
    return (empty and last["outcome"] == "succeeded") or (unrestored and is_waiting_for_restore(records[:-1]))


def decide_provisioning(
    stack: StackDescription, data: t.Sequence[str], records: t.Sequence[PastRun], *, restoring: bool
) -> dict[str, t.Any]:
    """Return what to do about the data: ``rebuild``, ``restore`` or ``keep``, and why.

    data: volumes and folders that hold data of the database. records: of the runs here, oldest first. restoring:
    whether to restore a backup; then the restore follows a ``rebuild``.
    """
    # Runs of env_file do not touch data, and come first on every machine.
    records = [record for record in records if record["procedure"] != "env_file"]
    if stack["database"] is None:
        return _build_decision("keep", "the stack has no database", stack)
    if not data:
        return _build_decision("rebuild", "there is no data yet", stack)
    if has_only_unfinished_rebuilds(records):
        return _build_decision(
            "rebuild", f"run {records[-1]['run_id']} was interrupted, and there was no data before it", stack
        )
    if restoring and is_waiting_for_restore(records):
        return _build_decision("restore", "the database is migrated and still empty", stack)
    return _build_decision("keep", f"{', '.join(data)} {'holds' if len(data) == 1 else 'hold'} data", stack)


def _build_decision(action: str, reason: str, stack: StackDescription) -> dict[str, t.Any]:
    return {"action": action, "reason": reason, "start": list_services_to_start(stack) if action == "keep" else []}
