# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Set single rows of a table aside as JSON in a private file; ``null`` stands for a missing row."""

from __future__ import annotations

import contextlib
import os
import typing as t

from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._postgresql.psql import run_sql
from ansible_collections.localdev.recovery.plugins.module_utils._postgresql.quoting import (
    quote_identifier,
    quote_literal,
    quote_table_name,
)
from ansible_collections.localdev.recovery.plugins.module_utils._postgresql.server import open_database_server
from ansible_collections.localdev.recovery.plugins.module_utils._run.breakpoint import wait_at_breakpoint
from ansible_collections.localdev.recovery.plugins.module_utils._run.kept_names import get_kept_file
from ansible_collections.localdev.recovery.plugins.module_utils._run.record import SetAsideEntry
from ansible_collections.localdev.recovery.plugins.module_utils._set_aside.keepers.base import Keeper
from ansible_collections.localdev.recovery.plugins.module_utils._stack.description import ServiceDescription

NO_ROW = "null"

# A message of PostgreSQL may show the whole row, so messages are terse and the server logs no statement.
_QUIET_TRANSACTION = r"""
\set VERBOSITY terse
BEGIN;
SET LOCAL log_min_error_statement = panic;
SET LOCAL log_statement = none;
"""

# The row and its old text are passed in settings: a DO block takes no parameters.
_PUT_BACK = """
DO $do$
DECLARE
    old json := current_setting('localdev.row');
    key text := current_setting('localdev.key');
    writable text; updatable text; now_there text; done int;
BEGIN
    SELECT string_agg(quote_ident(attname), ', '),
           string_agg(quote_ident(attname), ', ') FILTER (WHERE attidentity <> 'a')
    INTO writable, updatable FROM pg_attribute
    WHERE attrelid = {name}::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = '';
    EXECUTE format('UPDATE {quoted_table} t
                    SET (%1$s) = (SELECT %1$s FROM json_populate_record(NULL::{quoted_table}, $1))
                    WHERE t.{quoted_column}::text = $2', updatable) USING old, key;
    GET DIAGNOSTICS done = ROW_COUNT;
    IF done = 0 THEN
        EXECUTE format('INSERT INTO {quoted_table} (%1$s) OVERRIDING SYSTEM VALUE
                        SELECT %1$s FROM json_populate_record(NULL::{quoted_table}, $1)', writable) USING old;
    END IF;
    SELECT row_to_json(t)::text INTO now_there FROM {table} t WHERE t.{column}::text = key;
    IF now_there IS DISTINCT FROM old::text THEN
        RAISE EXCEPTION 'it would not be as it was; the table has other columns now';
    END IF;
END $do$;
"""

# ON DELETE actions of foreign keys would change other rows; only the row itself may be deleted.
_TAKE_AWAY = """
DO $do$
DECLARE
    key text := current_setting('localdev.key');
    reference record; found bigint;
BEGIN
    FOR reference IN
        SELECT conrelid::regclass AS child,
               (SELECT string_agg(format('c.%I = t.%I', a.attname, b.attname), ' AND ')
                FROM unnest(conkey, confkey) AS k (a, b)
                JOIN pg_attribute a ON a.attrelid = conrelid AND a.attnum = k.a
                JOIN pg_attribute b ON b.attrelid = confrelid AND b.attnum = k.b) AS matches
        FROM pg_constraint WHERE contype = 'f' AND confrelid = {name}::regclass
    LOOP
        EXECUTE format('SELECT count(*) FROM %s c, {quoted_table} t WHERE t.{quoted_column}::text = $1 AND %s',
                       reference.child, reference.matches) INTO found USING key;
        IF found > 0 THEN
            RAISE EXCEPTION '% rows of % refer to it', found, reference.child;
        END IF;
    END LOOP;
    DELETE FROM {table} t WHERE t.{column}::text = key;
END $do$;
"""


def _escape_for_format(name: str) -> str:
    """Return an SQL name for a format string of PostgreSQL's format()."""
    return name.replace("%", "%%").replace("'", "''")


class RowKeeper(Keeper):
    """A keeper of the row of a table in which a column has a value, or of the fact that there is none.

    entry: container, user (both of the running server), database, table, column, value.
    """

    copies = True
    required_keys = ("container", "user", "database", "table", "column", "value")

    @staticmethod
    def normalise_name(item: t.Mapping[str, t.Any]) -> str:
        return f"{item['database']}.{item['table']}.{item['column']}={item['value']}"

    @staticmethod
    def must_stop(service: ServiceDescription, entry: SetAsideEntry) -> bool:
        return False

    def _path(self, entry: SetAsideEntry) -> str:
        return self.run.runs.locate(get_kept_file(entry))

    def _psql(self, entry: SetAsideEntry, sql: str) -> str:
        try:
            server = open_database_server(self.docker, entry["container"], entry["user"])
            return run_sql(server, entry["database"], f"{_QUIET_TRANSACTION}{sql}\nCOMMIT;")
        except RecoveryError as exc:
            raise RecoveryError(
                exc.failure,
                f"The row {entry['name']}: {exc.message}",
                details=exc.details,
                hint=exc.hint,
                next_command=exc.next_command,
            ) from exc

    def _read_row(self, entry: SetAsideEntry) -> str:
        """Return the row as PostgreSQL writes JSON, with all digits; NO_ROW if there is none."""
        table, column = quote_table_name(entry["table"]), quote_identifier(entry["column"])
        where = f"{table} t WHERE t.{column}::text = {quote_literal(entry['value'])}"
        count, _newline, row = self._psql(
            entry, f"SELECT count(*) FROM {where}; SELECT row_to_json(t) FROM {where};"
        ).partition("\n")
        if int(count) > 1:
            raise RecoveryError(
                FailureId.ROW_AMBIGUOUS, f"{count} rows are {entry['name']}: such a row cannot be kept by this column"
            )
        return row or NO_ROW

    def exists(self, entry: SetAsideEntry) -> bool:
        # A missing row is kept too: putting it back deletes the new row.
        return True

    def kept_copy_exists(self, entry: SetAsideEntry) -> bool:
        return os.path.isfile(self._path(entry))

    def measure(self, entry: SetAsideEntry) -> tuple[int, int | None, int | None]:
        return len(self._read_row(entry).encode()), None, None

    def keep(self, entry: SetAsideEntry) -> None:
        row, path = self._read_row(entry), self._path(entry)
        self.run.runs.make_parent(path)
        self.run.runs.write(path, row)
        entry["bytes"], entry["absent"] = len(row.encode()), row == NO_ROW
        # The row stays in its place, and is changed there.
        entry["state"] = "live"
        self.run.save()
        wait_at_breakpoint(self.run, "kept:row")

    def put_back(self, entry: SetAsideEntry, displaced: SetAsideEntry | None) -> None:
        if displaced is not None and displaced["state"] == "planned":
            self.keep(displaced)
        try:
            with open(self._path(entry), encoding="utf-8") as handle:
                row = handle.read()
        except OSError as exc:
            raise RecoveryError(
                FailureId.FILE_NOT_READABLE, f"Cannot read {self._path(entry)}: {exc.strerror}"
            ) from exc
        # Without triggers, which would change the row. The triggers of foreign keys must see a deletion.
        exact = "" if row == NO_ROW else "SET LOCAL session_replication_role = replica;"
        table, column = quote_table_name(entry["table"]), quote_identifier(entry["column"])
        body = (_TAKE_AWAY if row == NO_ROW else _PUT_BACK).format(
            name=quote_literal(table),
            table=table,
            column=column,
            quoted_table=_escape_for_format(table),
            quoted_column=_escape_for_format(column),
        )
        parameters = {"localdev.row": row, "localdev.key": entry["value"]}
        settings = ", ".join(
            f"set_config({quote_literal(name)}, {quote_literal(value)}, true)" for name, value in parameters.items()
        )
        self._psql(entry, f"{exact} SELECT count(*) FROM (SELECT {settings}) settings;\n{body}")

    def delete(self, entry: SetAsideEntry) -> None:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._path(entry))
