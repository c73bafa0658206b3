# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Record the checksums of the backups that a stack made, out of reach of people who can change a backup."""

from __future__ import annotations

import contextlib
import json
import os
import typing as t

from ansible_collections.localdev.recovery.plugins.module_utils._run.active import ActiveRun

CHECKSUMS_FOLDER = "checksums"


def record_backup_checksums(run: ActiveRun | None, name: str, sha256: t.Mapping[str, str]) -> None:
    """Record the SHA-256 of each file of a backup. Outside a run, record nothing."""
    if run is None:
        return
    run.runs.make_folder(CHECKSUMS_FOLDER)
    content = {"backup": name, "run_id": run.record["run_id"], "files": dict(sha256)}
    run.runs.write(_get_path(run, name), json.dumps(content, indent=2) + "\n")


def forget_backup_checksums(run: ActiveRun | None, name: str) -> None:
    """Delete the checksums of a backup that is deleted."""
    if run is not None:
        with contextlib.suppress(OSError):
            os.unlink(_get_path(run, name))


def _get_path(run: ActiveRun, name: str) -> str:
    return os.path.join(run.runs.folder, CHECKSUMS_FOLDER, f"{name}.json")
