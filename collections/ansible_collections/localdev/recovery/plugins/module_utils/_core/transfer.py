# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""What is on its way from or to the controller: where it lies on a host, and whether it has arrived whole."""

from __future__ import annotations

import os

from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError


def get_incoming_path(name: str) -> str:
    """Path of a file that the connecting user alone reads, and that is gone again afterwards."""
    return os.path.expanduser(f"~/.cache/localdev-recovery/{name}")


def verify_received_digest(what: str, digest: str, sent: str) -> None:
    """RecoveryError when the SHA-256 of what has arrived is not that of what was sent. what: ``backup``."""
    if digest != sent:
        raise RecoveryError(f"The {what} has not arrived whole: its SHA-256 differs; run it again")
