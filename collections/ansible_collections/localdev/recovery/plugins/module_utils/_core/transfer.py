# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Find the path of a transferred file on the host and verify its checksum."""

from __future__ import annotations

import os

from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId


def get_incoming_path(name: str) -> str:
    """Return the host's path for a transferred file: private to the connecting user, deleted after the transfer."""
    return os.path.expanduser(f"~/.cache/localdev-recovery/{name}")


def verify_received_digest(subject: str, digest: str, sent: str) -> None:
    """Raise RecoveryError if the SHA-256 of the received data is not that of the sent data. subject: ``backup``."""
    if digest != sent:
        raise RecoveryError(
            FailureId.TRANSFER_INCOMPLETE,
            f"The {subject} arrived incomplete or changed: SHA-256 {digest}, expected {sent}",
            hint="Run it again.",
        )
