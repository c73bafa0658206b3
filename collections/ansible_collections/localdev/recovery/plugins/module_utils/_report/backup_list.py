# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Format the list of backups, one line per backup."""

from __future__ import annotations

import typing as t

from ansible_collections.localdev.recovery.plugins.module_utils._core.text import format_duration, format_size


def format_backup_line(backup: t.Mapping[str, t.Any]) -> str:
    """Return the line of a backup: name, size, age, format, revision, checks and problems."""
    notes = [format_size(backup["bytes"]), f"{format_duration(backup['age_s'])} old", backup["format"]]
    notes.append(f"at {', '.join(backup['alembic_versions'])}" if backup["alembic_versions"] else "revision not known")
    if backup["last_proved_restorable"]:
        notes.append(f"test restore {backup['last_proved_restorable']}")
    if backup["checksums"] in ("ok", "damaged"):
        notes.append("checksums ok" if backup["checksums"] == "ok" else "corrupt")
    return f"{backup['name']}: {', '.join([*notes, *backup['problems'], *backup['damage']])}"
