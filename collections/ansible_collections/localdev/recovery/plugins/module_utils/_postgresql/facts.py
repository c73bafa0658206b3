# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Read facts of a server and its databases: settings, extensions, roles, revisions, exact row counts, sizes."""

from __future__ import annotations

import json
import typing as t
from dataclasses import dataclass

from ansible_collections.localdev.recovery.plugins.module_utils._docker.cli import Docker
from ansible_collections.localdev.recovery.plugins.module_utils._postgresql.psql import PsqlSession, run_sql
from ansible_collections.localdev.recovery.plugins.module_utils._postgresql.quoting import quote_literal
from ansible_collections.localdev.recovery.plugins.module_utils._postgresql.server import DatabaseServer

# Tables that pg_dump dumps: not those of the system or of an extension, and no temporary ones.
_IS_DUMPED = """
    n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND c.relpersistence <> 't'
    AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid
                    AND d.deptype = 'e')
"""

# Columns that older servers lack are read as JSON, where they are null.
_DATABASE_FACTS = f"""
SELECT json_build_object(
    'server_version', current_setting('server_version'),
    'server_major', current_setting('server_version_num')::int / 10000,
    'encoding', pg_encoding_to_char(d.encoding),
    'collation', json_build_object(
        'provider', to_jsonb(d) ->> 'datlocprovider', 'collate', d.datcollate, 'ctype', d.datctype,
        'locale', coalesce(to_jsonb(d) ->> 'datlocale', to_jsonb(d) ->> 'daticulocale'),
        'version', to_jsonb(d) ->> 'datcollversion'),
    'owner', pg_get_userbyid(d.datdba),
    'database_bytes', pg_database_size(d.oid),
    'extensions', (SELECT coalesce(json_object_agg(extname, extversion ORDER BY extname), '{{}}') FROM pg_extension),
    'roles', (SELECT coalesce(json_agg(role ORDER BY role), '[]') FROM (
        SELECT pg_get_userbyid(c.relowner)::text AS role FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE {_IS_DUMPED}
        UNION SELECT r.rolname FROM pg_shdepend s JOIN pg_roles r ON r.oid = s.refobjid
        WHERE s.refclassid = 'pg_authid'::regclass AND s.dbid = d.oid) roles)
) FROM pg_database d WHERE d.datname = current_database();
"""

# ONLY: rows of inheriting tables and partitions are counted in the table that stores them.
_ROW_COUNTS = f"""
SELECT format('SELECT %L, count(*) FROM ONLY %I.%I', format('%I.%I', n.nspname, c.relname), n.nspname, c.relname)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind = 'r' AND {_IS_DUMPED}
ORDER BY 1 \\gexec
"""


# Whether a database has a table, view or sequence, or a large object. The system's own relations have smaller ids.
HAS_CONTENT_SQL = """
SELECT EXISTS (SELECT FROM pg_class c WHERE c.oid >= 16384 AND c.relkind IN ('r', 'p', 'm', 'f', 'v', 'S')
               AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid
                               AND d.deptype = 'e'))
    OR EXISTS (SELECT FROM pg_largeobject_metadata)
"""

_TABLES_TO_ANALYZE = """
SELECT c.oid FROM pg_class c
WHERE c.relkind IN ('r', 'p', 'm') AND c.relpersistence <> 't'{condition} ORDER BY pg_relation_size(c.oid) DESC;
"""
# Tables with extended statistics, which pg_dump does not dump, and those where a column, an indexed expression or
# the whole of an inheritance tree has none. The columns are of PostgreSQL 18. It never has any of virtual columns.
_LACKS_STATISTICS = """ AND (
    EXISTS (SELECT FROM pg_statistic_ext e WHERE e.stxrelid = c.oid)
    OR EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
               AND a.attstattarget IS DISTINCT FROM 0 AND a.attgenerated <> 'v'
               AND (c.relkind <> 'p' AND NOT EXISTS (SELECT FROM pg_statistic s WHERE s.starelid = c.oid
                                                     AND s.staattnum = a.attnum AND NOT s.stainherit)
                    OR c.relhassubclass AND NOT EXISTS (SELECT FROM pg_statistic s WHERE s.starelid = c.oid
                                                        AND s.staattnum = a.attnum AND s.stainherit)))
    OR EXISTS (SELECT FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indexrelid
               WHERE i.indrelid = c.oid AND c.relkind <> 'p' AND i.indkey[a.attnum - 1] = 0
               AND a.attnum <= i.indnkeyatts AND a.attstattarget IS DISTINCT FROM 0
               AND NOT EXISTS (SELECT FROM pg_statistic s WHERE s.starelid = a.attrelid AND s.staattnum = a.attnum)))"""


def list_tables_to_analyze(session: PsqlSession, *, lacking: bool) -> list[str]:
    """Return the numbers (oid) of the tables of the session's database, those of the largest first.

    lacking: only of tables that lack statistics after a restore of those of others.
    """
    return session.query(_TABLES_TO_ANALYZE.format(condition=_LACKS_STATISTICS if lacking else ""))


def build_analyze_sql(tables: t.Sequence[str]) -> str:
    """Return SQL for psql that analyzes the tables with these numbers in their order."""
    listed = ", ".join(tables)
    return (
        "SELECT format('ANALYZE %s', number::regclass) "
        f"FROM unnest(ARRAY[{listed}]::oid[]) WITH ORDINALITY tables(number, place) ORDER BY place \\gexec"
    )


def read_database_facts(session: PsqlSession) -> dict[str, t.Any]:
    """Return version, encoding, collation, owner, size, extensions and roles of the session's database."""
    return t.cast("dict[str, t.Any]", json.loads("".join(session.query(_DATABASE_FACTS))))


def count_rows(session: PsqlSession) -> dict[str, int]:
    """Return the exact rows of every table that is dumped, by ``schema.table`` (quoted where SQL needs it)."""
    return {line.rpartition("|")[0]: int(line.rpartition("|")[2]) for line in session.query(_ROW_COUNTS)}


_HAS_SHAPE = (
    "(SELECT array_agg(attname::text) FROM pg_attribute WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped)"
    " = ARRAY['version_num']"
)


def read_database_revisions(session: PsqlSession, version_table: str) -> list[str]:
    """Return the revisions in Alembic's version table, in any schema if its name is not qualified.

    version_table: empty for every table that has only the column version_num: env.py may name it as it likes.
    """
    return sorted(set(session.query(build_revisions_sql(version_table))))


def build_revisions_sql(version_table: str, mark: str = "") -> str:
    """Return SQL for psql that prints each revision of a version table on a line, after the mark."""
    schema, _dot, table = version_table.rpartition(".")
    where = f"c.relname = {quote_literal(table)}" if table else _HAS_SHAPE
    where += f" AND n.nspname = {quote_literal(schema)}" if schema else ""
    return (
        f"SELECT format('SELECT %L || version_num FROM %I.%I', {quote_literal(mark)}, n.nspname, c.relname) "
        f"FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind = 'r' AND {where} \\gexec"
    )


ServerFacts = dict[str, t.Any]

# Facts of the server that a restore is checked against; the live database need not exist.
_SERVER_FACTS = """
SELECT json_build_object(
    'server_version', current_setting('server_version'),
    'server_major', current_setting('server_version_num')::int / 10000,
    'data_directory', (SELECT setting FROM pg_settings WHERE name = 'data_directory'),
    'roles', (SELECT json_agg(rolname) FROM pg_roles),
    'settings', (SELECT json_agg(name) FROM pg_settings),
    'available_extensions', (SELECT json_agg(DISTINCT name) FROM pg_available_extensions),
    'databases', (SELECT json_agg(datname) FROM pg_database),
    'live', (SELECT json_build_object(
        'encoding', pg_encoding_to_char(encoding), 'collate', datcollate, 'ctype', datctype,
        'provider', to_jsonb(d) ->> 'datlocprovider',
        'locale', coalesce(to_jsonb(d) ->> 'datlocale', to_jsonb(d) ->> 'daticulocale'),
        'version', to_jsonb(d) ->> 'datcollversion', 'owner', pg_get_userbyid(datdba))
        FROM pg_database d WHERE datname = {live}));
"""


def read_server_facts(server: DatabaseServer, live: str) -> ServerFacts:
    """Return what the server offers, and the live database's settings (None if it does not exist)."""
    with PsqlSession(server, "template1") as session:
        facts: ServerFacts = json.loads("".join(session.query(_SERVER_FACTS.format(live=quote_literal(live)))))
    return {**facts, "data_directory": facts["data_directory"] or server.data_folder}


def build_database_size_sql(database: str) -> str:
    """Return SQL that reads the bytes of a database on the server's disk."""
    return f"SELECT pg_database_size({quote_literal(database)})"


@dataclass(frozen=True)
class DatabaseSize:
    """The bytes of a database on the server's disk, at the moment."""

    server: DatabaseServer
    database: str

    @property
    def bytes(self) -> int:
        return int(run_sql(self.server, "template1", build_database_size_sql(self.database)))


def read_free_disk_bytes(docker: Docker, container: str, folder: str) -> int:
    """Return the free bytes on the disk of the server in a container. folder: its data directory."""
    answer = docker.run("exec", container, "df", "-Pk", folder).stdout
    return int(answer.splitlines()[-1].split()[3]) * 1024
