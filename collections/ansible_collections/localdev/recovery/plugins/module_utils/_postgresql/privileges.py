# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Check before a run begins that the server can be administered: that databases can be created and renamed."""

from __future__ import annotations

from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._postgresql.psql import run_sql
from ansible_collections.localdev.recovery.plugins.module_utils._postgresql.quoting import quote_literal
from ansible_collections.localdev.recovery.plugins.module_utils._postgresql.server import DatabaseServer
from ansible_collections.localdev.recovery.plugins.module_utils._stack.connection import SUPERUSER_PASSWORD_VARIABLES


def build_privileges_sql(database: str) -> str:
    """Return SQL that reads whether the account may replace a database (t or f), and the superusers that may log in.

    A rename needs the owner with CREATEDB, or a superuser: https://www.postgresql.org/docs/current/sql-alterdatabase.html
    """
    return (
        "SELECT rolsuper OR (rolcreatedb AND coalesce((SELECT pg_has_role(datdba, 'USAGE') FROM pg_database "
        f"WHERE datname = {quote_literal(database)}), true)) FROM pg_roles WHERE rolname = current_user; "
        "SELECT rolname FROM pg_roles WHERE rolsuper AND rolcanlogin ORDER BY oid"
    )


def require_administrator(server: DatabaseServer, database: str) -> None:
    """Raise RecoveryError if the server's account may not create databases and rename this one."""
    allowed, *superusers = run_sql(server, "template1", build_privileges_sql(database)).splitlines()
    if allowed == "t":
        return
    who, variable = superusers[0] if superusers else "postgres", SUPERUSER_PASSWORD_VARIABLES[0]
    raise RecoveryError(
        FailureId.DATABASE_NO_PRIVILEGES,
        f"The account {server.user} of PostgreSQL in {server.container} may not replace the database {database}: it is "
        "no superuser, and not an owner that may create databases",
        details=[f"superusers of this server: {', '.join(superusers) or 'none that may log in'}"],
        hint=f"Set {variable} in the environment of the database service to the password of {who}, and start it again.",
    )
