# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._application.log_cause import find_log_cause


@pytest.mark.parametrize(
    ("log", "kind"),
    [
        ("INFO: started\npsycopg.OperationalError: connection to server failed (db.py, line 3)\n", "database"),
        ('sqlalchemy.exc.ProgrammingError: (UndefinedColumn) column "x" does not exist\n', "database"),
        ("pydantic ValidationError: 1 validation error for Settings\nsecret_key\n  Field required\n", "signing_key"),
        ("jwt.exceptions.InvalidKeyError: HMAC key must not be empty\n", "signing_key"),
        ("INFO: started\n", ""),
        ("", ""),
    ],
)
def test_what_a_log_blames(log: str, kind: str) -> None:
    assert find_log_cause(log)["kind"] == kind
