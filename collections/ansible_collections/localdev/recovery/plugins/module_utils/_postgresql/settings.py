# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Build SQL that creates or copies a database and copies what a dump lacks: settings, privileges, a limit."""

from __future__ import annotations

import typing as t

from ansible_collections.localdev.recovery.plugins.module_utils._postgresql.quoting import (
    quote_identifier,
    quote_literal,
)

_COPY_SETTINGS = """
DO $do$
DECLARE item record; assignment text; name text; value text; whom text;
BEGIN
    FOR item IN SELECT s.setconfig, r.rolname FROM pg_db_role_setting s JOIN pg_database d ON d.oid = s.setdatabase
                LEFT JOIN pg_roles r ON r.oid = s.setrole WHERE d.datname = {source} LOOP
        whom := CASE WHEN item.rolname IS NULL THEN format('DATABASE %I', {target})
                  ELSE format('ROLE %I IN DATABASE %I', item.rolname, {target}) END;
        FOREACH assignment IN ARRAY item.setconfig LOOP
            name := split_part(assignment, '=', 1);
            value := substr(assignment, length(name) + 2);
            -- Lists of names are stored quoted as they are written.
            IF name IN ('search_path', 'temp_tablespaces', 'local_preload_libraries', 'session_preload_libraries') THEN
                EXECUTE format('ALTER %s SET %I TO %s', whom, name, coalesce(nullif(value, ''), ''''''));
            ELSE
                EXECUTE format('ALTER %s SET %I TO %L', whom, name, value);
            END IF;
        END LOOP;
    END LOOP;
    FOR item IN SELECT a.grantee, a.privilege_type, a.is_grantable, r.rolname FROM pg_database d,
                aclexplode(d.datacl) a LEFT JOIN pg_roles r ON r.oid = a.grantee WHERE d.datname = {source} LOOP
        EXECUTE format('GRANT %s ON DATABASE %I TO %s%s', item.privilege_type, {target},
            CASE WHEN item.grantee = 0 THEN 'PUBLIC' ELSE quote_ident(item.rolname) END,
            CASE WHEN item.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END);
    END LOOP;
    FOR item IN SELECT privilege FROM unnest(ARRAY['CONNECT', 'TEMPORARY']) privilege, pg_database d
                WHERE d.datname = {source} AND d.datacl IS NOT NULL AND NOT EXISTS (
                    SELECT 1 FROM aclexplode(d.datacl) a WHERE a.grantee = 0 AND a.privilege_type = privilege) LOOP
        EXECUTE format('REVOKE %s ON DATABASE %I FROM PUBLIC', item.privilege, {target});
    END LOOP;
    FOR item IN SELECT datconnlimit FROM pg_database WHERE datname = {source} AND datconnlimit <> -1 LOOP
        EXECUTE format('ALTER DATABASE %I CONNECTION LIMIT %s', {target}, item.datconnlimit);
    END LOOP;
END $do$;
"""


def build_copy_settings_sql(source: str, target: str) -> str:
    """Return SQL that gives one database the settings, privileges and connection limit of another."""
    return _COPY_SETTINGS.format(source=quote_literal(source), target=quote_literal(target))


def build_create_database_sql(name: str, settings: t.Mapping[str, t.Any], owner: str) -> str:
    """Return SQL that creates an empty database with the encoding and collation of another. Pure."""
    sql = f"CREATE DATABASE {quote_identifier(name)} TEMPLATE template0"
    sql += f" OWNER {quote_identifier(owner)}" if owner else ""
    if settings.get("encoding"):
        sql += f" ENCODING {quote_literal(settings['encoding'])}"
    if settings.get("collate"):
        sql += f" LC_COLLATE {quote_literal(settings['collate'])} LC_CTYPE {quote_literal(settings['ctype'])}"
    if settings.get("provider") == "i":
        sql += f" LOCALE_PROVIDER icu ICU_LOCALE {quote_literal(settings['locale'])}"
    elif settings.get("provider") == "b":
        sql += f" LOCALE_PROVIDER builtin BUILTIN_LOCALE {quote_literal(settings['locale'])}"
    return sql


# CREATE DATABASE has strategies since this version; older servers always copy files.
_FIRST_MAJOR_WITH_STRATEGY = 15


def build_copy_database_sql(source: str, target: str, *, owner: str, server_major: int, clones: bool) -> str:
    """Return SQL for psql that copies a database, which no session uses, file by file within the server. Pure.

    clones: whether the server knows ``file_copy_method = clone``, with which a file system that can share blocks does
    so. Others copy the bytes in the kernel. Some refuse (EOPNOTSUPP, ENOSYS, EXDEV), which ends CREATE DATABASE with
    an error and leaves nothing; the same session then copies.
    """
    strategy = " STRATEGY file_copy" if server_major >= _FIRST_MAJOR_WITH_STRATEGY else ""
    copy = (
        f"CREATE DATABASE {quote_identifier(target)} TEMPLATE {quote_identifier(source)} "
        f"OWNER {quote_identifier(owner)}{strategy};"
    )
    if not clones:
        return copy
    return (
        "SET file_copy_method = clone;\n"
        f"\\set ON_ERROR_STOP 0\n{copy}\n\\set ON_ERROR_STOP 1\n"
        f"\\if :ERROR\nSET file_copy_method = copy;\n{copy}\n\\endif\n"
    )
