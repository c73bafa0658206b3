# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Find the cause of a failure in the application's log. Pure."""

from __future__ import annotations

import re

LOG_LINES = 200

_CAUSES = (
    (
        "signing_key",
        re.compile(r"secret_?key|InvalidKeyError|HMAC key|signing key|Could not deserialize key", re.I),
    ),
    (
        "database",
        re.compile(
            r"OperationalError|ProgrammingError|Undefined(?:Table|Column)|password authentication failed|"
            r"connection to server|could not (?:connect|translate host)|database .* does not exist|too many clients",
            re.I,
        ),
    ),
)


def find_log_cause(log: str) -> dict[str, str]:
    """Return the cause that the last lines of a log show (``signing_key``, ``database`` or none), and the line."""
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    for line in reversed(lines):
        for kind, pattern in _CAUSES:
            if pattern.search(line):
                return {"kind": kind, "line": line[:300]}
    return {"kind": "", "line": lines[-1][:300] if lines else ""}
