# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Format the report of a backup that is fetched to the controller or distributed to a host."""

from __future__ import annotations

import typing as t

from ansible_collections.localdev.recovery.plugins.module_utils._core.next_command import Line
from ansible_collections.localdev.recovery.plugins.module_utils._core.text import format_size


def format_backup_transfer_report(transferred: t.Mapping[str, t.Any], *, place: str, planned: bool) -> list[Line]:
    """Return whether a backup was transferred to a place (planned: would be), line by line."""
    backup = transferred["backup"]
    if not transferred["changed"]:
        return [f"{backup['name']} is there already: {place}"]
    size = f" ({format_size(backup['bytes'])})" if "bytes" in backup else ""
    return [f"{'Would bring' if planned else 'Brought'} {backup['name']}{size} to {place}"]
