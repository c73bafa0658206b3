# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Lines that the reports of several procedures have in common. Pure."""

from __future__ import annotations

import typing as t

UNDO_COMMAND = "ansible-playbook localdev.recovery.undo"


def format_kept_line(entry: t.Mapping[str, t.Any], done: bool, of: str = "") -> str:
    """What was (not done: would be) set aside under which name. of: what of it, such as ``a copy of``."""
    aside = entry["aside"] if done else "a name with the run id"
    what = " ".join(word for word in (of, entry["kind"], entry["name"]) if word)
    return f"{'Kept' if done else 'Would keep'} {what} as {aside}"


def format_undo_hint(run_id: str) -> str:
    """How to take this run back."""
    return f"To take this back: {UNDO_COMMAND} -e undo_run_id={run_id}"
