# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""The part of the program that leads the connections of env.py to the wanted database."""

import socket

from ansible_collections.localdev.recovery.plugins.module_utils._alembic.program.protocol import RequestRefused


def redirect_connections(request):
    """Make every PostgreSQL engine connect to the wanted database, wherever env.py takes its URL from, and check it.

    A pooler is bypassed: a migration needs a session of its own for its lock. An engine with a connect function of its
    own (creator) cannot be redirected; the check catches it.
    """
    from sqlalchemy import event
    from sqlalchemy.engine import Engine

    database, poolers, names = request.get("database"), list_bypassed_poolers(request), set()
    # Several sections are several programs of one database. One env.py may also read from another database.
    refuses_several = database or len(request.get("section") or ()) > 1

    def redirect(dialect, _record, _cargs, cparams):
        if dialect.name != "postgresql":
            return
        names.add(cparams.get("dbname") or cparams.get("database"))
        if refuses_several and len(names - {database, None}) > 1:
            message = "env.py migrates several databases: " + ", ".join(sorted(map(str, names - {database, None})))
            raise RequestRefused("several_databases", message)
        if str(cparams.get("host") or "").lower() in poolers:
            cparams.update(host=request["server"]["host"], port=request["server"]["port"])
        if database:
            set_database_parameter(database, dialect.driver, cparams)

    # SQLAlchemy 1.4 passes one more argument.
    def check_database(connection, *_more):
        if connection.dialect.name != "postgresql":
            return
        # On the driver's own connection, for SQLAlchemy's would begin a transaction that env.py does not expect.
        cursor = connection.connection.cursor()
        try:
            cursor.execute("SELECT current_database()")
            found = cursor.fetchone()[0]
        finally:
            cursor.close()
            connection.connection.rollback()
        if found != database:
            raise RequestRefused("other_database", "env.py connects to the database %s, not to %s" % (found, database))

    event.listen(Engine, "do_connect", redirect)
    if database:
        event.listen(Engine, "engine_connect", check_database)


def list_bypassed_poolers(request):
    """Return the hosts of poolers that are bypassed: all for a change, those that do not run for a question.

    Where the server has no name in the application's network, its pooler is the only way.
    """
    poolers = request.get("poolers") or []
    if not poolers or not has_address(request["server"]["host"]):
        return []
    if request["do"] == "upgrade" or request.get("database"):
        return poolers
    return [host for host in poolers if not has_address(host)]


def has_address(host):
    try:
        socket.getaddrinfo(host, None)
    except OSError:
        return False
    return True


def set_database_parameter(database, driver, cparams):
    """Put the database's name into a driver's connection parameters, which take precedence over a DSN."""
    present = [key for key in ("dbname", "database") if key in cparams]
    for key in present or ["database" if driver in ("asyncpg", "pg8000") else "dbname"]:
        cparams[key] = database
