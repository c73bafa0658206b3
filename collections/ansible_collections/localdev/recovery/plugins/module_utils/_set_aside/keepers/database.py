# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Set databases aside within their cluster, by renaming or by a copy that the server makes."""

from __future__ import annotations

import contextlib
import typing as t

from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils._postgresql.facts import (
    HAS_CONTENT_SQL,
    build_database_size_sql,
    read_free_disk_bytes,
)
from ansible_collections.localdev.recovery.plugins.module_utils._postgresql.privileges import require_administrator
from ansible_collections.localdev.recovery.plugins.module_utils._postgresql.psql import build_drop_database_sql, run_sql
from ansible_collections.localdev.recovery.plugins.module_utils._postgresql.quoting import (
    quote_identifier,
    quote_literal,
)
from ansible_collections.localdev.recovery.plugins.module_utils._postgresql.server import (
    DatabaseServer,
    open_database_server,
)
from ansible_collections.localdev.recovery.plugins.module_utils._postgresql.settings import (
    build_copy_database_sql,
    build_copy_settings_sql,
)
from ansible_collections.localdev.recovery.plugins.module_utils._run.breakpoint import wait_at_breakpoint
from ansible_collections.localdev.recovery.plugins.module_utils._run.record import EntryState, SetAsideEntry
from ansible_collections.localdev.recovery.plugins.module_utils._set_aside.keepers.base import Keeper
from ansible_collections.localdev.recovery.plugins.module_utils._stack.description import ServiceDescription

# Bytes; PostgreSQL cuts longer names without an error.
_MAX_NAME_BYTES = 63


def build_temporary_database_name(database: str, run_id: str) -> str:
    """Return the name of the database into which a run restores."""
    return _fit_name(database, f".restore-{run_id}")


def _fit_name(name: str, suffix: str) -> str:
    """Return the name with the suffix, cut from the left to the length that PostgreSQL allows."""
    return name.encode()[len(suffix) - _MAX_NAME_BYTES :].decode(errors="ignore") + suffix


class DatabaseKeeper(Keeper):
    """A keeper that renames within the cluster. entry: container, user (both of the running server), name.

    replacement: a database that takes the name in the same transaction. copy: the database stays, a copy is kept. Kept
    in the entry: whether it is empty.
    """

    required_keys = ("container", "user")

    @staticmethod
    def build_discarded_name(name: str, run_id: str) -> str:
        return _fit_name(name, f".discarded-{run_id}")

    @staticmethod
    def must_stop(service: ServiceDescription, entry: SetAsideEntry) -> bool:
        # A database is renamed under the running server.
        return bool(service["writes_to_database"]) and service["kind"] != "database"

    def _open_server(self, entry: SetAsideEntry) -> DatabaseServer:
        return open_database_server(self.docker, entry["container"], entry["user"])

    def _psql(self, entry: SetAsideEntry, sql: str, database: str = "template1") -> str:
        return run_sql(self._open_server(entry), database, sql)

    def _exists(self, entry: SetAsideEntry, name: str) -> bool:
        return self._psql(entry, f"SELECT 1 FROM pg_database WHERE datname = {quote_literal(name)}") == "1"

    def exists(self, entry: SetAsideEntry) -> bool:
        return self._exists(entry, entry["name"])

    def kept_copy_exists(self, entry: SetAsideEntry) -> bool:
        return self._exists(entry, entry["aside"])

    def _size(self, entry: SetAsideEntry) -> int:
        return int(self._psql(entry, build_database_size_sql(entry["name"])))

    def _is_empty(self, entry: SetAsideEntry) -> bool:
        """Return whether the database has no content. One that cannot be asked counts as having some."""
        with contextlib.suppress(RecoveryError):
            return self._psql(entry, HAS_CONTENT_SQL, entry["name"]) == "f"
        return False

    def measure(self, entry: SetAsideEntry) -> tuple[int, int | None, int | None]:
        server = self._open_server(entry)
        require_administrator(server, entry["name"])
        size = self._size(entry)
        if not entry.get("copy"):
            return size, 0, None
        folder = self._psql(entry, "SELECT setting FROM pg_settings WHERE name = 'data_directory'")
        folder = folder or server.data_folder
        return size, size, read_free_disk_bytes(self.docker, entry["container"], folder)

    def _run_without_connections(self, entry: SetAsideEntry, names: t.Sequence[str], sql: str) -> float:
        """Run SQL without connections to the databases; return the seconds for which they were closed.

        Clients reconnect within milliseconds, so new connections are forbidden before sessions are terminated. The SQL
        allows connections again.
        """
        shut = " ".join(f"ALTER DATABASE {quote_identifier(name)} ALLOW_CONNECTIONS false;" for name in names)
        listed = ", ".join(quote_literal(name) for name in names)
        sessions = f"FROM pg_stat_activity WHERE usesysid IS NOT NULL AND datname IN ({listed})"
        # Processes of the server itself have no user: ALTER DATABASE ends them, and only a superuser may.
        end = (
            "DO $$ DECLARE tries int := 0; BEGIN LOOP "
            f"PERFORM pg_terminate_backend(pid) {sessions}; "
            f"EXIT WHEN NOT EXISTS (SELECT 1 {sessions}) OR tries > 200; "
            "PERFORM pg_sleep(0.02); PERFORM pg_stat_clear_snapshot(); tries := tries + 1; END LOOP; END $$;"
        )
        clock = "SELECT extract(epoch FROM clock_timestamp());"
        try:
            began, ended = self._psql(entry, f"{clock} {shut} {end} {sql} {clock}").split()
        except RecoveryError:
            for name in names:
                self._allow_connections(entry, name)
            raise
        return round(float(ended) - float(began), 3)

    def _rename(self, entry: SetAsideEntry, *pairs: tuple[str, str]) -> float:
        """Rename all in one transaction, so that no other session sees a missing name. Return the seconds it took."""
        renames = " ".join(
            f"ALTER DATABASE {quote_identifier(old)} RENAME TO {quote_identifier(new)};" for old, new in pairs
        )
        opened = " ".join(f"ALTER DATABASE {quote_identifier(new)} ALLOW_CONNECTIONS true;" for _old, new in pairs)
        return self._run_without_connections(entry, [old for old, _new in pairs], f"BEGIN; {renames} {opened} COMMIT;")

    def _copy(self, entry: SetAsideEntry) -> float:
        """Copy the files within the server, much faster than a dump. Return the seconds of closed connections."""
        # The third query has no row on servers that cannot clone files.
        owner, version, *clones = self._psql(
            entry,
            f"SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = {quote_literal(entry['name'])}; "
            "SELECT current_setting('server_version_num')::int / 10000; "
            "SELECT 1 FROM pg_settings WHERE name = 'file_copy_method' AND 'clone' = ANY (enumvals)",
        ).split("\n")
        copied = build_copy_database_sql(
            entry["name"], entry["aside"], owner=owner, server_major=int(version), clones=bool(clones)
        )
        opened = f"ALTER DATABASE {quote_identifier(entry['name'])} ALLOW_CONNECTIONS true;"
        seconds = self._run_without_connections(entry, [entry["name"]], f"{copied} {opened}")
        self._psql(entry, build_copy_settings_sql(entry["name"], entry["aside"]))
        return seconds

    def _allow_connections(self, entry: SetAsideEntry, name: str) -> None:
        if self._exists(entry, name):
            self._psql(entry, f"ALTER DATABASE {quote_identifier(name)} ALLOW_CONNECTIONS true")

    def abandon(self, entry: SetAsideEntry) -> None:
        self._allow_connections(entry, entry["name"])

    def keep(self, entry: SetAsideEntry) -> None:
        kept = f"EXISTS (SELECT 1 FROM pg_database WHERE datname = {quote_literal(entry['aside'])})"
        # One query, because each takes a tenth of a second; it returns no row if the database is kept already.
        size = self._psql(entry, f"SELECT pg_database_size({quote_literal(entry['name'])}) WHERE NOT {kept}")
        if size:
            entry["bytes"], entry["empty"] = int(size), self._is_empty(entry)
            if entry.get("copy"):
                entry["unavailable_s"] = self._copy(entry)
            else:
                swap = [(entry["replacement"], entry["name"])] if entry.get("replacement") else []
                entry["unavailable_s"] = self._rename(entry, (entry["name"], entry["aside"]), *swap)
        entry["state"] = self.state_when_kept(entry)
        self.run.save()
        wait_at_breakpoint(self.run, "kept:database")

    def place_replacement(self, entry: SetAsideEntry) -> None:
        if entry.get("replacement") and self._exists(entry, entry["replacement"]):
            self._rename(entry, (entry["replacement"], entry["name"]))

    def state_when_kept(self, entry: SetAsideEntry) -> EntryState:
        # A copied or replaced database is in its place at once.
        return "live" if entry.get("copy") or entry.get("replacement") else "kept"

    def put_back(self, entry: SetAsideEntry, displaced: SetAsideEntry | None) -> None:
        away = displaced["aside"] if displaced else self.discarded_name(entry)
        if self.kept_copy_exists(entry):
            occupied = self._exists(entry, entry["name"])
            if occupied and displaced is not None:
                displaced["bytes"], displaced["empty"] = self._size(entry), self._is_empty(entry)
            out_of_the_way = [(entry["name"], away)] if occupied else []
            self._rename(entry, *out_of_the_way, (entry["aside"], entry["name"]))
            if occupied and displaced is not None:
                displaced["state"] = "kept"
                self.run.save()
        if displaced is None:
            self._psql(entry, build_drop_database_sql(away))

    def delete(self, entry: SetAsideEntry) -> None:
        self._psql(entry, build_drop_database_sql(entry["aside"]))
