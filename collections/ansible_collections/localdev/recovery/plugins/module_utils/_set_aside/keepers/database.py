# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Databases are set aside within their cluster, by renaming or by a copy that the server makes."""

from __future__ import annotations

import typing as t

from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils._postgresql import settings as database_properties
from ansible_collections.localdev.recovery.plugins.module_utils._postgresql.psql import (
    drop_sql,
    free_bytes,
    identifier,
    literal,
    psql,
    size_sql,
)
from ansible_collections.localdev.recovery.plugins.module_utils._run.record import aside_name
from ansible_collections.localdev.recovery.plugins.module_utils._set_aside.keepers.base import Entry, Keeper

# Bytes; PostgreSQL cuts longer names without an error.
LONGEST_NAME = 63


def scratch_name(database: str, run_id: str) -> str:
    """Name of the database into which a run restores."""
    return _fitting(database, f".restore-{run_id}")


def _fitting(name: str, suffix: str) -> str:
    """The name with the suffix, cut from the left to what PostgreSQL allows."""
    return name.encode()[len(suffix) - LONGEST_NAME :].decode(errors="ignore") + suffix


class DatabaseKeeper(Keeper):
    """Renames within the cluster. entry: container, user (both of the running server), name.

    replacement: a database that takes the name in the same transaction. copy: the database stays, a copy is kept.
    """

    needs = ("container", "user")

    @classmethod
    def aside_name(cls, name: str, run_id: str) -> str:
        return aside_name(name, run_id, LONGEST_NAME)

    @staticmethod
    def discarded(name: str, run_id: str) -> str:
        return _fitting(name, f".discarded-{run_id}")

    @staticmethod
    def stops(service: t.Mapping[str, t.Any], entry: Entry) -> bool:
        # A database is renamed under the running server.
        return bool(service["writes_to_database"]) and service["kind"] != "database"

    def _psql(self, entry: Entry, sql: str) -> str:
        return psql(self.docker, container=entry["container"], user=entry["user"], database="template1", sql=sql)

    def _exists(self, entry: Entry, name: str) -> bool:
        return self._psql(entry, f"SELECT 1 FROM pg_database WHERE datname = {literal(name)}") == "1"

    def exists(self, entry: Entry) -> bool:
        return self._exists(entry, entry["name"])

    def aside_exists(self, entry: Entry) -> bool:
        return self._exists(entry, entry["aside"])

    def _size(self, entry: Entry) -> int:
        return int(self._psql(entry, size_sql(entry["name"])))

    def measure(self, entry: Entry) -> tuple[int, int | None, int | None]:
        size = self._size(entry)
        if not entry.get("copy"):
            return size, 0, None
        folder = self._psql(entry, "SHOW data_directory")
        return size, size, free_bytes(self.docker, entry["container"], folder)

    def _alone(self, entry: Entry, names: t.Sequence[str], sql: str) -> float:
        """Run SQL while nobody is connected to the databases: seconds for which they were shut.

        Sessions come back within milliseconds, so new ones are shut out before the old ones are ended. The SQL opens
        the databases again.
        """
        shut = " ".join(f"ALTER DATABASE {identifier(name)} ALLOW_CONNECTIONS false;" for name in names)
        listed = ", ".join(literal(name) for name in names)
        end = (
            "DO $$ DECLARE tries int := 0; BEGIN LOOP "
            f"PERFORM pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname IN ({listed}); "
            f"EXIT WHEN NOT EXISTS (SELECT 1 FROM pg_stat_activity WHERE datname IN ({listed})) OR tries > 200; "
            "PERFORM pg_sleep(0.02); PERFORM pg_stat_clear_snapshot(); tries := tries + 1; END LOOP; END $$;"
        )
        clock = "SELECT extract(epoch FROM clock_timestamp());"
        try:
            began, ended = self._psql(entry, f"{clock} {shut} {end} {sql} {clock}").split()
        except RecoveryError:
            for name in names:
                self._open(entry, name)
            raise
        return round(float(ended) - float(began), 3)

    def _rename(self, entry: Entry, *pairs: tuple[str, str]) -> float:
        """All renames in one transaction: at no moment is a name missing or doubled for others. Seconds it took."""
        renames = " ".join(f"ALTER DATABASE {identifier(old)} RENAME TO {identifier(new)};" for old, new in pairs)
        opened = " ".join(f"ALTER DATABASE {identifier(new)} ALLOW_CONNECTIONS true;" for _old, new in pairs)
        return self._alone(entry, [old for old, _new in pairs], f"BEGIN; {renames} {opened} COMMIT;")

    def _copy(self, entry: Entry) -> float:
        """Copy the files within the server, much faster than a dump. Seconds for which the database was shut."""
        name, aside = identifier(entry["name"]), identifier(entry["aside"])
        owner, version = self._psql(
            entry,
            f"SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = {literal(entry['name'])}; "
            "SELECT current_setting('server_version_num')::int / 10000",
        ).split("\n")
        # Older servers know no other way.
        strategy = "STRATEGY file_copy" if int(version) >= 15 else ""
        copied = f"CREATE DATABASE {aside} TEMPLATE {name} OWNER {identifier(owner)} {strategy};"
        seconds = self._alone(entry, [entry["name"]], f"{copied} ALTER DATABASE {name} ALLOW_CONNECTIONS true;")
        self._psql(entry, database_properties.copy_sql(entry["name"], entry["aside"]))
        return seconds

    def _open(self, entry: Entry, name: str) -> None:
        if self._exists(entry, name):
            self._psql(entry, f"ALTER DATABASE {identifier(name)} ALLOW_CONNECTIONS true")

    def leave(self, entry: Entry) -> None:
        self._open(entry, entry["name"])

    def keep(self, entry: Entry) -> None:
        kept = f"EXISTS (SELECT 1 FROM pg_database WHERE datname = {literal(entry['aside'])})"
        # One question, for each takes a tenth of a second: nothing where it is kept already.
        size = self._psql(entry, f"SELECT pg_database_size({literal(entry['name'])}) WHERE NOT {kept}")
        if size:
            entry["bytes"] = int(size)
            if entry.get("copy"):
                entry["unavailable_s"] = self._copy(entry)
            else:
                swap = [(entry["replacement"], entry["name"])] if entry.get("replacement") else []
                entry["unavailable_s"] = self._rename(entry, (entry["name"], entry["aside"]), *swap)
        entry["state"] = self.state_when_kept(entry)
        self.run.save()
        self.run.reach("kept:database")

    def take_place(self, entry: Entry) -> None:
        if entry.get("replacement") and self._exists(entry, entry["replacement"]):
            self._rename(entry, (entry["replacement"], entry["name"]))

    def state_when_kept(self, entry: Entry) -> str:
        # A copied or replaced database stands in its place from the first moment on.
        return "live" if entry.get("copy") or entry.get("replacement") else "kept"

    def put_back(self, entry: Entry, displaced: Entry | None) -> None:
        away = displaced["aside"] if displaced else self.discard_name(entry)
        if self.aside_exists(entry):
            occupied = self._exists(entry, entry["name"])
            if occupied and displaced is not None:
                displaced["bytes"] = self._size(entry)
            out_of_the_way = [(entry["name"], away)] if occupied else []
            self._rename(entry, *out_of_the_way, (entry["aside"], entry["name"]))
            if occupied and displaced is not None:
                displaced["state"] = "kept"
                self.run.save()
        if displaced is None:
            self._psql(entry, drop_sql(away))

    def delete(self, entry: Entry) -> None:
        self._psql(entry, drop_sql(entry["aside"]))
