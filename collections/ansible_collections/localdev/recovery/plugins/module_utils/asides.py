# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Setting things aside, putting them back, deleting what was set aside: volumes, folders, files, databases.

An entry of a run record's ``asides`` walks through these states; each is written down before what follows it:

    planned    nothing has happened yet, or a copy is not yet proved; the original is whole
    kept       the old content is whole under the aside name; the original place may be emptied
    live       something new may stand in the original place
    restoring  the old content is on its way back; it is still whole under the aside name (or already moved back)
    restored   the old content is back in its place
    deleted    cleanup has deleted what was set aside

Volumes cannot be renamed, so they are copied and the copy is proved. Folders and databases are renamed, files copied.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import typing as t

from ansible_collections.localdev.recovery.plugins.module_utils import database_properties
from ansible_collections.localdev.recovery.plugins.module_utils.docker_cli import Docker, in_parallel
from ansible_collections.localdev.recovery.plugins.module_utils.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils.helper import RUN_LABEL, Helper
from ansible_collections.localdev.recovery.plugins.module_utils.postgres import identifier, literal, psql
from ansible_collections.localdev.recovery.plugins.module_utils.runs import (
    ActiveRun,
    Record,
    aside_name,
    size_in_words,
)

Entry = dict[str, t.Any]
SOURCE_LABEL = "localdev.recovery.source"
# Bytes; PostgreSQL cuts longer names without an error.
LONGEST_DATABASE = 63
# What a fresh cluster, its logs and the records need beside a copy of the data.
RESERVE_BYTES = 256 * 1024 * 1024

# Name, type, mode, owner, time, link target and content of every file below a folder, as one digest. The tar
# stream is only hashed. Sockets are left out: tar knows none. Works with GNU and BusyBox tools alike.
_DIGEST = (
    "(cd {folder} && find . ! -type s | LC_ALL=C sort "
    "| tar -c --no-recursion --numeric-owner -f - -T - | sha256sum | cut -c1-64)"
)

# BusyBox knows no -f.
_SYNC = "{{ sync -f {folder} 2>/dev/null || sync; }}"


class Keeper:
    """How one kind of thing is kept and put back. Every method may be repeated after a crash at any point."""

    def __init__(self, docker: Docker, run: ActiveRun, image: str) -> None:
        self.docker = docker
        self.run = run
        self.image = image

    def helper(self, *mounts: tuple[str, str, bool]) -> Helper:
        return Helper(self.docker, self.image, mounts, self.run.record["run_id"])

    def exists(self, entry: Entry) -> bool:
        """Whether there is something to set aside."""
        raise NotImplementedError

    def aside_exists(self, entry: Entry) -> bool:
        raise NotImplementedError

    def measure(self, entry: Entry) -> tuple[int, int | None, int | None]:
        """Bytes of the original, bytes that keeping it needs, bytes free where it will be kept (None: not asked)."""
        raise NotImplementedError

    def users(self, entry: Entry) -> list[tuple[str, str]]:
        """Running containers that mount a volume or folder: name, and path inside."""
        running = self.docker.inspect("container", self.docker.run("ps", "--quiet", "--no-trunc").stdout.split())
        return sorted(
            (item["Name"].lstrip("/"), mount["Destination"])
            for item in running
            for mount in item["Mounts"]
            if mount.get("Name") == entry["name"]
            or f"{os.path.normpath(mount['Source'])}/".startswith(f"{entry['name']}/")
        )

    def refuse_if_used(self, entry: Entry) -> None:
        """Copying or moving files under a running server would give a mix of old and new."""
        users = [name for name, _path in self.users(entry)]
        if users:
            raise RecoveryError(
                f"The {entry['kind']} {entry['name']} is in use by the running container {', '.join(users)}",
                next_command=f"docker stop {' '.join(users)}",
                kind="unsafe",
            )

    def used_and_free(self, entry: Entry, free_at: str = "") -> tuple[int, int]:
        """Bytes in a volume or folder, and bytes free at a path beside it (default: in it), asked in whatever
        container sees it already, else in a helper."""
        script = "du -sk {0} | cut -f1; df -Pk {1} | tail -n 1 | awk '{{print $4}}'"
        users = self.users(entry)
        if users:
            name, path = users[0]
            command = script.format(shlex.quote(path), free_at or shlex.quote(path))
            answer = self.docker.run("exec", "--user", "0:0", name, "sh", "-c", command).stdout
        else:
            with self.helper((entry["name"], "/from", False)) as shell:
                answer = shell.run(script.format("/from", free_at or "/from"))
        used, free = answer.split()
        return int(used) * 1024, int(free) * 1024

    def keep(self, entry: Entry) -> None:
        raise NotImplementedError

    def put_back(self, entry: Entry, displaced: Entry | None) -> None:
        raise NotImplementedError

    def delete(self, entry: Entry) -> None:
        raise NotImplementedError

    def take_place(self, entry: Entry) -> None:
        """What a replacement does where there is nothing to set aside."""

    def leave(self, entry: Entry) -> None:
        """Undo what keep does before anything is kept, when it was cut short there."""

    def state_when_kept(self, entry: Entry) -> str:
        """The state of an entry whose old content is whole under the aside name."""
        return "kept"


class VolumeKeeper(Keeper):
    def exists(self, entry: Entry) -> bool:
        return bool(self.docker.inspect("volume", [entry["name"]]))

    def aside_exists(self, entry: Entry) -> bool:
        return bool(self.docker.inspect("volume", [entry["aside"]]))

    def measure(self, entry: Entry) -> tuple[int, int | None, int | None]:
        # The copy goes to the engine's default storage, where a container's own root lies too.
        used, free = self.used_and_free(entry, free_at="/")
        return used, used, free

    def _copy(self, shell: Helper, source: str, target: str) -> tuple[int, str]:
        """Copy and prove: bytes and digest of what is now in both places."""
        answer = shell.run(
            f"find {target} -mindepth 1 -delete; cp -a {source}/. {target}/; "
            f"{_SYNC.format(folder=target)}; du -sk {target} | cut -f1; "
            f"{_DIGEST.format(folder=source)} & {_DIGEST.format(folder=target)}; wait"
        ).split()
        if len(answer) != 3 or answer[1] != answer[2]:
            raise RecoveryError(
                f"The copy of a volume differs from the original: {' '.join(answer)[:400]}", kind="verification"
            )
        return int(answer[0]) * 1024, answer[1]

    def keep(self, entry: Entry) -> None:
        name, aside = entry["name"], entry["aside"]
        self.refuse_if_used(entry)
        self.docker.run(
            "volume", "create", "--label", f"{RUN_LABEL}={self.run.record['run_id']}", "--label",
            f"{SOURCE_LABEL}={name}", aside,
        )  # fmt: skip
        with self.helper((name, "/from", True), (aside, "/to", True)) as shell:
            entry["bytes"], entry["digest"] = self._copy(shell, "/from", "/to")
            entry["state"] = "kept"
            self.run.save()
            self.run.reach("kept:volume")
            shell.run(f"find /from -mindepth 1 -delete; {_SYNC.format(folder='/from')}")

    def put_back(self, entry: Entry, displaced: Entry | None) -> None:
        if displaced is not None and displaced["state"] == "planned":
            self.keep(displaced)
        self.refuse_if_used(entry)
        with self.helper((entry["aside"], "/from", False), (entry["name"], "/to", True)) as shell:
            _bytes, digest = self._copy(shell, "/from", "/to")
        if entry.get("digest") and digest != entry["digest"]:
            raise RecoveryError(
                f"The volume {entry['aside']} is no longer what was set aside on {entry['name']}", kind="verification"
            )

    def delete(self, entry: Entry) -> None:
        self.docker.run("volume", "rm", "--force", entry["aside"])


class FolderKeeper(Keeper):
    """Renames beside the original: at once, and on the same filesystem whatever its size."""

    def _shell(self, path: str) -> Helper:
        return self.helper((os.path.dirname(path), "/parent", True))

    @staticmethod
    def _inside(path: str) -> str:
        return shlex.quote("/parent/" + os.path.basename(path))

    def exists(self, entry: Entry) -> bool:
        return os.path.isdir(entry["name"])

    def aside_exists(self, entry: Entry) -> bool:
        return os.path.isdir(entry["aside"])

    def measure(self, entry: Entry) -> tuple[int, int | None, int | None]:
        used, free = self.used_and_free(entry)
        return used, 0, free

    def _move(self, shell: Helper, old: str, new: str) -> None:
        """Rename when it has not been done yet. Never onto something that exists."""
        old_path, new_path = self._inside(old), self._inside(new)
        shell.run(
            f"if [ -e {new_path} ]; then [ ! -e {old_path} ] || {{ echo {shlex.quote(new)} exists already; exit 1; }}; "
            f"else mv {old_path} {new_path}; fi; {_SYNC.format(folder='/parent')}"
        )

    def keep(self, entry: Entry) -> None:
        self.refuse_if_used(entry)
        name, aside = self._inside(entry["name"]), self._inside(entry["aside"])
        with self._shell(entry["name"]) as shell:
            entry["bytes"] = int(shell.run(f"du -sk {name} | cut -f1")) * 1024
            entry["mode"], entry["owner"] = shell.run(f"stat -c '%a %u:%g' {name}").split()
            self.run.save()
            self._move(shell, entry["name"], entry["aside"])
            entry["state"] = "kept"
            self.run.save()
            self.run.reach("kept:folder")
            # The engine would create a missing bind source as root's.
            shell.run(f"mkdir {name}; chown {entry['owner']} {name}; chmod {entry['mode']} {name}; [ -d {aside} ]")

    def put_back(self, entry: Entry, displaced: Entry | None) -> None:
        self.refuse_if_used(entry)
        with self._shell(entry["name"]) as shell:
            away = displaced["aside"] if displaced else discard_name(entry)
            if os.path.isdir(entry["aside"]):
                if os.path.isdir(entry["name"]):
                    if displaced is None:
                        # An earlier attempt may have been cut short before it deleted this.
                        shell.run(f"rm -rf {self._inside(away)}")
                    else:
                        displaced["bytes"] = int(shell.run(f"du -sk {self._inside(entry['name'])} | cut -f1")) * 1024
                    self._move(shell, entry["name"], away)
                if displaced is not None and os.path.isdir(away):
                    displaced["state"] = "kept"
                    self.run.save()
                self.run.reach("restoring:folder")
                self._move(shell, entry["aside"], entry["name"])
            if displaced is None:
                shell.run(f"rm -rf {self._inside(away)}")

    def delete(self, entry: Entry) -> None:
        with self._shell(entry["aside"]) as shell:
            shell.run(f"rm -rf {self._inside(entry['aside'])}")


_PART = ".tmp"


def _private(path: str, flags: int) -> int:
    """Opener for a copy that may hold secrets: nobody else reads it before it has the mode of the original."""
    return os.open(path, flags, 0o600)


class FileKeeper(Keeper):
    """Copies: the original stays in its place until a procedure replaces it."""

    def exists(self, entry: Entry) -> bool:
        return os.path.isfile(entry["name"])

    def aside_exists(self, entry: Entry) -> bool:
        return os.path.isfile(entry["aside"])

    def measure(self, entry: Entry) -> tuple[int, int | None, int | None]:
        size = os.stat(entry["name"]).st_size
        return size, size, shutil.disk_usage(os.path.dirname(entry["name"])).free

    def _copy(self, source: str, target: str) -> None:
        temporary = f"{target}{_PART}"
        try:
            with open(source, "rb") as old, open(temporary, "wb", opener=_private) as new:
                shutil.copyfileobj(old, new)
                status = os.fstat(old.fileno())
                # Run as another user (become), the copy would otherwise no longer be its owner's.
                with contextlib.suppress(PermissionError):
                    os.fchown(new.fileno(), status.st_uid, status.st_gid)
                new.flush()
                shutil.copystat(source, temporary)
                os.fsync(new.fileno())
            os.replace(temporary, target)
        except OSError as exc:
            raise RecoveryError(f"Cannot copy {source} to {target}: {exc.strerror}") from exc

    def keep(self, entry: Entry) -> None:
        self._copy(entry["name"], entry["aside"])
        entry["bytes"] = os.stat(entry["aside"]).st_size
        entry["state"] = "kept"
        self.run.save()

    def put_back(self, entry: Entry, displaced: Entry | None) -> None:
        if displaced is not None and displaced["state"] == "planned":
            self.keep(displaced)
        self._copy(entry["aside"], entry["name"])

    def delete(self, entry: Entry) -> None:
        for path in (entry["aside"], f"{entry['aside']}{_PART}"):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)


class DatabaseKeeper(Keeper):
    """Renames within the cluster. entry: container, user (both of the running server), name.

    replacement: a database that takes the name in the same transaction. copy: the database stays, a copy is kept.
    """

    def _psql(self, entry: Entry, sql: str) -> str:
        return psql(self.docker, container=entry["container"], user=entry["user"], database="template1", sql=sql)

    def _exists(self, entry: Entry, name: str) -> bool:
        return self._psql(entry, f"SELECT 1 FROM pg_database WHERE datname = {literal(name)}") == "1"

    def exists(self, entry: Entry) -> bool:
        return self._exists(entry, entry["name"])

    def aside_exists(self, entry: Entry) -> bool:
        return self._exists(entry, entry["aside"])

    def _size(self, entry: Entry) -> int:
        return int(self._psql(entry, f"SELECT pg_database_size({literal(entry['name'])})"))

    def measure(self, entry: Entry) -> tuple[int, int | None, int | None]:
        size = self._size(entry)
        if not entry.get("copy"):
            return size, 0, None
        folder = self._psql(entry, "SHOW data_directory")
        free = self.docker.run("exec", entry["container"], "df", "-Pk", folder).stdout.splitlines()[-1].split()[3]
        return size, size, int(free) * 1024

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
        if not self.aside_exists(entry):
            entry["bytes"] = self._size(entry)
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
        away = displaced["aside"] if displaced else discard_name(entry)
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
            self._psql(entry, f"DROP DATABASE IF EXISTS {identifier(away)} WITH (FORCE)")

    def delete(self, entry: Entry) -> None:
        self._psql(entry, f"DROP DATABASE IF EXISTS {identifier(entry['aside'])} WITH (FORCE)")


KEEPERS: dict[str, type[Keeper]] = {
    "volume": VolumeKeeper,
    "folder": FolderKeeper,
    "file": FileKeeper,
    "database": DatabaseKeeper,
}


def discard_name(entry: Entry) -> str:
    """Where something half-made goes for the moment between renaming and deleting."""
    aside: str = entry["aside"]
    name, _aside, run_id = aside.rpartition(".aside-")
    suffix = f".discarded-{run_id}"
    return _database_name(name, suffix) if entry["kind"] == "database" else name + suffix


def scratch_name(database: str, run_id: str) -> str:
    """Name of the database into which a run restores."""
    return _database_name(database, f".restore-{run_id}")


def _database_name(name: str, suffix: str) -> str:
    """The name with the suffix, cut from the left to what PostgreSQL allows."""
    return name.encode()[len(suffix) - LONGEST_DATABASE :].decode(errors="ignore") + suffix


def services_to_stop(stack: t.Mapping[str, t.Any], entries: t.Sequence[Entry]) -> list[str]:
    """Services that must stand still while these are put back. Pure.

    Volumes and folders may be anybody's. A database is renamed under the running server; only who writes to it stops.
    """
    kinds = {entry["kind"] for entry in entries if entry["state"] in ("planned", "kept", "live", "restoring")}
    return sorted(
        name
        for name, service in stack["services"].items()
        if service["enabled"]
        and not service["excluded"]
        and (
            kinds & {"volume", "folder"}
            or ("database" in kinds and service["writes_to_database"] and service["kind"] != "database")
        )
    )


def left_in_server(record: Record) -> list[Entry]:
    """What a run has left of databases: asides that are not settled, and scratch databases."""
    asides = [e for e in record["asides"] if e["state"] in ("planned", "kept", "live", "restoring")]
    return [e for e in [*asides, *record.get("scratch", [])] if e["kind"] == "database"]


def rolls_back(record: Record) -> bool:
    """Whether a run has begun to bring back its own asides. Then that is what must be finished."""
    return any(entry.get("restored_by") == record["run_id"] for entry in record["asides"])


def _same_object(one: Entry, other: Entry) -> bool:
    return (one["kind"], one["name"]) == (other["kind"], other["name"])


def new_entry(item: t.Mapping[str, t.Any], run_id: str) -> Entry:
    """A planned entry for an object: kind and name, and for a database also container and user."""
    longest = LONGEST_DATABASE if item["kind"] == "database" else None
    entry: Entry = {key: value for key, value in item.items() if value not in (None, False)}
    if item["kind"] in ("folder", "file"):
        if not os.path.isabs(item["name"]):
            raise RecoveryError(f"The {item['kind']} {item['name']} is not an absolute path")
        # With a slash at the end the aside name would lie inside the folder.
        entry["name"] = os.path.normpath(item["name"])
    return {**entry, "aside": aside_name(entry["name"], run_id, longest), "bytes": None, "state": "planned"}


class Asides:
    """What one run sets aside or takes back."""

    def __init__(self, docker: Docker, run: ActiveRun, image: str) -> None:
        self.docker = docker
        self.run = run
        self.image = image

    def keeper(self, entry: Entry) -> Keeper:
        return KEEPERS[entry["kind"]](self.docker, self.run, self.image)

    def keep(self, items: t.Sequence[t.Mapping[str, t.Any]]) -> list[Entry]:
        """Set the objects aside, one after another; objects that do not exist are left out.

        So are those that this run keeps already: a second copy would replace the old content by the new.
        """
        entries = []
        for item in items:
            entry = new_entry(item, self.run.record["run_id"])
            keeper = self.keeper(entry)
            if self._keeps(entry):
                continue
            if not keeper.exists(entry):
                keeper.take_place(entry)
                continue
            self.run.record["asides"].append(entry)
            self.run.save()
            keeper.keep(entry)
            entries.append(entry)
        return entries

    def plan(self, items: t.Sequence[t.Mapping[str, t.Any]], reserve: int) -> list[Entry]:
        """The entries that keeping the objects would make, measured. Refuses when there is no room for them and RESERVE
        bytes more. Writes nothing."""
        entries = [new_entry(item, "RUN_ID") for item in items]
        entries = [entry for entry in entries if self.keeper(entry).exists(entry)]
        sizes = in_parallel(lambda entry: self.keeper(entry).measure(entry), entries)
        check_room(list(zip(entries, sizes, strict=True)), reserve)
        for entry, (size, _needed, _free) in zip(entries, sizes, strict=True):
            entry["bytes"] = size
        return entries

    def _keeps(self, entry: Entry) -> bool:
        """Whether this run holds the old content of the object."""
        return any(
            _same_object(mine, entry) and mine["state"] in ("kept", "live", "restoring")
            for mine in self.run.record["asides"]
        )

    def put_back(self, source: Record) -> list[Entry]:
        """Bring back what SOURCE set aside, the last thing first. May be repeated after a crash at any point.

        What stands in its place now becomes an aside of the active run. When the active run brings back its own
        asides, because it failed, that content goes to the run which it was about to undo, or, being something
        half-made by the active run itself, is discarded. The same when another run finishes what a failed run began.
        """
        own = source is self.run.record or rolls_back(source)
        undone = self.run.runs.load(source["undoes"]) if own and source.get("undoes") else None
        done = []
        for entry in reversed(source["asides"]):
            keeper = self.keeper(entry)
            if entry["state"] == "planned":
                self._settle_planned(entry, keeper)
            if entry["state"] in ("kept", "live") and not keeper.aside_exists(entry):
                raise RecoveryError(
                    f"The {entry['kind']} {entry['aside']}, which run {source['run_id']} has set aside, is gone; "
                    f"{entry['name']} is left as it is",
                    kind="verification",
                )
            if entry["state"] in ("kept", "live", "restoring"):
                displaced: Entry | None = None
                earlier: Record | None = None
                if undone is not None:
                    displaced = next((old for old in undone["asides"] if _same_object(old, entry)), None)
                elif not own:
                    earlier = self._who_has_kept_new_content(entry, keeper)
                    if earlier is None and entry["state"] != "kept":
                        displaced = self._displaced(entry)
                entry["state"] = "restoring"
                entry["restored_by"] = source["run_id"] if own else self.run.record["run_id"]
                self.run.runs.save(source)
                keeper.put_back(entry, displaced)
                # First, so that no crash leaves content that no record speaks of.
                if displaced is not None and displaced["state"] == "planned":
                    self._settle_planned(displaced, keeper)
                if undone is not None or not own:
                    holder = undone or earlier or self.run.record
                    self._old_content_is_back(entry, holder)
                    self.run.runs.save(holder)
                entry["state"] = "restored"
                done.append(entry)
            self.run.runs.save(source)
        return done

    @staticmethod
    def _settle_planned(entry: Entry, keeper: Keeper) -> None:
        """The run ended before it wrote down whether the object was kept: a copy is unproved, a rename done or not."""
        if entry["kind"] in ("volume", "file") or entry.get("copy"):
            keeper.delete(entry)
            keeper.leave(entry)
            entry["state"] = "deleted"
        else:
            entry["state"] = keeper.state_when_kept(entry) if keeper.aside_exists(entry) else "deleted"
            if entry["state"] == "deleted":
                keeper.leave(entry)

    def _who_has_kept_new_content(self, entry: Entry, keeper: Keeper) -> Record | None:
        """The run that was cut short while putting ENTRY back and had already kept what stood in its place. What stands
        there now is then a half-made copy, or nothing."""
        if entry["state"] != "restoring":
            return None
        earlier = self.run.runs.load(entry["restored_by"])
        for mine in earlier["asides"]:
            if _same_object(mine, entry) and mine["state"] == "planned":
                self._settle_planned(mine, keeper)
                self.run.runs.save(earlier)
        kept = any(_same_object(mine, entry) and mine["state"] in ("kept", "live") for mine in earlier["asides"])
        return earlier if kept else None

    @staticmethod
    def _old_content_is_back(entry: Entry, holder: Record) -> None:
        """What HOLDER has kept of the same object can be put back in turn, so what is there now is worth keeping."""
        for mine in holder["asides"]:
            if mine is not entry and _same_object(mine, entry) and mine["state"] in ("kept", "restored"):
                mine["state"] = "live"

    def _displaced(self, entry: Entry) -> Entry:
        item: Entry = {key: entry[key] for key in ("kind", "name", "container", "user") if key in entry}
        mine = new_entry(item, self.run.record["run_id"])
        self.run.record["asides"].append(mine)
        self.run.save()
        return mine


def check_room(measured: t.Sequence[tuple[Entry, tuple[int, int | None, int | None]]], reserve: int) -> None:
    """Refuse when what is to be kept and the new data would not fit. Pure."""
    for entry, (_size, needed, free) in measured:
        if needed is not None and free is not None and needed + reserve > free:
            raise RecoveryError(
                f"Too little disk space to set the {entry['kind']} {entry['name']} aside: {size_in_words(needed)} for "
                f"the copy and {size_in_words(reserve)} for new data are needed, {size_in_words(free)} are free",
                next_command="ansible-playbook localdev.recovery.cleanup (docker system df shows the rest)",
                kind="unsafe",
            )
