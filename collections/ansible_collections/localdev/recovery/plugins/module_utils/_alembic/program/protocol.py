# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""What the parts of the program share: the mark of its response, the advisory lock, and its errors.

The program runs in the application's Python, of any version. It imports nothing else of this collection and keeps
to old syntax. The response is one marked line of JSON, because env.py may print other lines.
"""

RESPONSE_MARK = "@localdev.recovery@"
# Migrations of one database exclude each other under this PostgreSQL advisory lock (the first 8 bytes of the
# SHA-256 of "localdev.recovery", as a signed number).
ADVISORY_LOCK_KEY = 8075261679134375812


class RevisionChanged(Exception):
    """A revision that another migration changed before the lock was taken."""


class RequestRefused(Exception):
    """A request that cannot be answered. kind: an identifier. data: further keys of the response."""

    def __init__(self, kind, message, **data):
        super().__init__(message)
        self.data = dict(data, kind=kind, error=message)
