# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Restoring a backup into a scratch database, and proving there that it is what was backed up.

The live database is only read. What is refused is refused before the scratch database exists, as far as one can know.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shlex
import subprocess
import tempfile
import time
import typing as t
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from ansible_collections.localdev.recovery.plugins.module_utils._backup import catalog as backup_sets
from ansible_collections.localdev.recovery.plugins.module_utils._backup.catalog import BackupSet
from ansible_collections.localdev.recovery.plugins.module_utils._backup.inspect_dump import (
    blocks,
    inside,
    opened,
    with_head,
)
from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils._docker.cli import Docker, ahead, in_parallel
from ansible_collections.localdev.recovery.plugins.module_utils._postgresql import client_tools as pg_clients
from ansible_collections.localdev.recovery.plugins.module_utils._postgresql import facts as database_facts
from ansible_collections.localdev.recovery.plugins.module_utils._postgresql import settings as database_properties
from ansible_collections.localdev.recovery.plugins.module_utils._postgresql.plain_dump import PlainDump, role_names
from ansible_collections.localdev.recovery.plugins.module_utils._postgresql.psql import (
    Server,
    Session,
    compare_counts,
    free_bytes,
    identifier,
    literal,
    psql,
    server_of,
    size_sql,
)
from ansible_collections.localdev.recovery.plugins.module_utils._run import progress
from ansible_collections.localdev.recovery.plugins.module_utils._run import temporary_objects as scratch
from ansible_collections.localdev.recovery.plugins.module_utils._run.record import ActiveRun, reach, size_in_words
from ansible_collections.localdev.recovery.plugins.module_utils._stack.gather import database_secrets

Stack = t.Mapping[str, t.Any]
Json = dict[str, t.Any]
# Text that gzip has made small grows by about so much; for dumps whose metadata does not tell.
_GROWTH = 6
RESERVE_BYTES = 128 * 1024 * 1024
# The second where half a page still fits.
_DISK_FULL = re.compile(r"No space left on device|could not (?:extend|write)[^\n]* wrote only \d+ of \d+ bytes")

# What the server knows, for judging a dump; the live database need not exist.
_SERVER_FACTS = """
SELECT json_build_object(
    'server_version', current_setting('server_version'),
    'server_major', current_setting('server_version_num')::int / 10000,
    'data_directory', current_setting('data_directory'),
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


@dataclass
class Restored:
    """What came out of a restore into a scratch database."""

    server: Server
    database: str
    rows: dict[str, int]
    revisions: list[str]
    seconds: float
    warnings: list[str] = field(default_factory=list)


# --- before anything is touched ------------------------------------------------------------------------------------


def server_facts(docker: Docker, server: Server, live: str) -> Json:
    """What the server offers, and the live database's settings (None when there is none)."""
    with Session(docker, server, "template1") as session:
        facts: Json = json.loads("".join(session.query(_SERVER_FACTS.format(live=literal(live)))))
    return facts


def refuse_taken_name(server: Json, name: str) -> None:
    """A scratch database is dropped when anything fails, so it must not be one that was there before. Pure."""
    if name in server["databases"]:
        raise RecoveryError(
            f"There is a database {name} already; a backup is restored into a new one",
            next_command="leave the name of the scratch database out",
            kind="unsafe",
        )


def refusals(item: BackupSet, server: Json, free: int, database_bytes: int) -> list[str]:
    """Why a set cannot be restored on this server, in words. Pure. database_bytes: room that it will take."""
    found = []
    major = int(item.metadata.get("server_major") or 0)
    if major > server["server_major"]:
        found.append(f"it comes from PostgreSQL {major}, the server here is PostgreSQL {server['server_version']}")
    extensions = item.metadata.get("extensions") or {}
    missing = sorted(set(extensions) - set(server["available_extensions"] or ()))
    if missing:
        found.append(f"the server's image lacks the extension {', '.join(missing)}")
    if database_bytes + RESERVE_BYTES > free:
        found.append(
            f"it needs about {size_in_words(database_bytes)} beside the live database, {size_in_words(free)} are free"
        )
    return found


def collation_warnings(item: BackupSet, server: Json) -> list[str]:
    """What differs in the order of text, in words. Pure."""
    here, there = server["live"], item.metadata.get("collation") or {}
    if not here:
        return []
    found = []
    if there.get("collate") and there["collate"] != here["collate"]:
        found.append(f"the backup's collation is {there['collate']}, that of the database here {here['collate']}")
    elif there.get("version") and here.get("version") and there["version"] != here["version"]:
        found.append(
            f"the collation {here['collate']} has version {here['version']} here and {there['version']} in the backup: "
            "text may be ordered differently; indexes are built anew"
        )
    if item.metadata.get("encoding") and item.metadata["encoding"] != here["encoding"]:
        found.append(
            f"the backup's encoding is {item.metadata['encoding']}, that of the database here {here['encoding']}"
        )
    return found


def prove_input(
    docker: Docker, stack: Stack, server: Server, item: BackupSet, name: str, run: ActiveRun | None = None
) -> tuple[Json, list[str]]:
    """Refuse a set that is damaged or does not fit on this server, and a name that is taken: (facts of the server,
    warnings)."""
    read = progress.Counter()
    with progress.told(run, "checking", lambda: read.bytes, item.bytes), ThreadPoolExecutor(2) as pool:
        checking = pool.submit(backup_sets.damage, item, read.add)
        facts = server_facts(docker, server, stack["database"]["name"])
        refuse_taken_name(facts, name)
        free = free_bytes(docker, server.container, facts["data_directory"])
        problems = checking.result()
    if problems:
        raise RecoveryError(
            f"The backup {item.name} is damaged: {'; '.join(problems)}", next_command=backup_sets.LIST, kind="unsafe"
        )
    known = int(item.metadata.get("database_bytes") or 0)
    found = refusals(with_head(item, docker, server), facts, free, known or item.bytes * _GROWTH)
    if found:
        raise RecoveryError(
            f"The backup {item.name} cannot be restored here: {'; '.join(found)}",
            next_command=backup_sets.LIST,
            kind="unsafe",
        )
    warnings = collation_warnings(item, facts)
    if problems is None:
        warnings.append(f"the metadata of {item.name} lists no checksums; the dump is proved by restoring it")
    return facts, warnings


# --- into the scratch database -------------------------------------------------------------------------------------


def create_sql(name: str, settings: t.Mapping[str, t.Any], owner: str) -> str:
    """SQL that makes an empty database with the encoding and collation of another. Pure."""
    sql = f"CREATE DATABASE {identifier(name)} TEMPLATE template0"
    sql += f" OWNER {identifier(owner)}" if owner else ""
    if settings.get("encoding"):
        sql += f" ENCODING {literal(settings['encoding'])}"
    if settings.get("collate"):
        sql += f" LC_COLLATE {literal(settings['collate'])} LC_CTYPE {literal(settings['ctype'])}"
    if settings.get("provider") == "i":
        sql += f" LOCALE_PROVIDER icu ICU_LOCALE {literal(settings['locale'])}"
    elif settings.get("provider") == "b":
        sql += f" LOCALE_PROVIDER builtin BUILTIN_LOCALE {literal(settings['locale'])}"
    return sql


def restore(
    docker: Docker,
    stack: Stack,
    run: ActiveRun | None,
    item: BackupSet,
    name: str,
    *,
    jobs: int,
    version_table: str,
    statistics: bool = True,
) -> Restored:
    """Restore a set into a new database and prove it there. The database is dropped again when anything fails.

    statistics: whether the planner gets them, which is for what will be used.
    """
    began = time.monotonic()
    server = server_of(stack, docker)
    entry = scratch.database_entry(name, server.container, server.user)
    with contextlib.ExitStack() as leaving:
        tools: t.Callable[[], pg_clients.Clients] | None = None
        if item.format != "plain":
            # It can but read the backup, so it may start before that is proved.
            tools = leaving.enter_context(ahead(_tools(docker, stack, server, item, run)))
        facts, warnings = prove_input(docker, stack, server, item, name, run)
        scratch.note(run, entry)
        try:
            settings = facts["live"] or {**(item.metadata.get("collation") or {}), **_encoding(item)}
            owner = (facts["live"] or {}).get("owner") or ""
            sql = create_sql(name, settings, owner)
            psql(docker, container=server.container, user=server.user, database="template1", sql=sql)
            reach(run, "scratch")
            if tools is None:
                warnings += _restore_plain(docker, server, item, name, facts, version_table, run)
            else:
                warnings += _restore_archive(docker, server, item, name, facts, jobs, tools(), run)
                tools().finish()
            reach(run, "restored")
            if statistics:
                _analyse(docker, server, name, jobs)
            like = stack["database"]["name"] if facts["live"] else ""
            rows, revisions = _prove(docker, server, item, name, version_table, like)
        except BaseException:
            with contextlib.suppress(RecoveryError):
                scratch.delete(docker, entry)
                scratch.forget(run, entry)
            raise
    return Restored(server, name, rows, revisions, round(time.monotonic() - began, 2), warnings)


def _tools(
    docker: Docker, stack: Stack, server: Server, item: BackupSet, run: ActiveRun | None
) -> t.ContextManager[pg_clients.Clients]:
    return pg_clients.clients(
        docker,
        server,
        os.path.dirname(item.path),
        password=lambda: database_secrets(docker, stack)["password"],
        run_id=run.record["run_id"] if run else "",
    )


def _encoding(item: BackupSet) -> Json:
    return {"encoding": item.metadata["encoding"]} if item.metadata.get("encoding") else {}


def _analyse(docker: Docker, server: Server, name: str, jobs: int) -> None:
    """Make the statistics without which the application's first queries would be planned blindly."""

    def work(part: int) -> None:
        with Session(docker, server, name) as session:
            session.query(database_facts.analyze_query(part, jobs))

    in_parallel(work, range(jobs))


def _prove(
    docker: Docker, server: Server, item: BackupSet, name: str, version_table: str, like: str
) -> tuple[dict[str, int], list[str]]:
    """Count what was restored and hold it against the metadata: (rows, revisions).

    like: the database whose settings and privileges it gets.
    """
    with Session(docker, server, name) as session:
        rows = database_facts.count_rows(session)
        revisions = database_facts.read_revisions(session, version_table)
        if like:
            session.query(database_properties.copy_sql(like, name))
    problems = proof_problems(item, rows, revisions)
    if problems:
        raise RecoveryError(
            f"The backup {item.name} was restored into a scratch database and is not what its metadata says: "
            f"{'; '.join(problems)}",
            next_command=backup_sets.LIST,
            kind="verification",
        )
    return rows, revisions


def proof_problems(item: BackupSet, rows: t.Mapping[str, int], revisions: t.Sequence[str]) -> list[str]:
    """What keeps a restored database from being what was backed up, in words. Pure."""
    if not rows:
        return ["it has no table"]
    recorded = item.metadata.get("rows")
    found = compare_counts(recorded, rows) if isinstance(recorded, dict) else []
    if isinstance(recorded, dict):
        found += [f"table {table} is not in the metadata" for table in sorted(set(rows) - set(recorded))]
    named = item.metadata.get("alembic_versions")
    if isinstance(named, list) and sorted(named) != sorted(revisions):
        found.append(f"the revision is {', '.join(revisions) or 'none'}, not {', '.join(named) or 'none'}")
    return found


def _restore_archive(
    docker: Docker,
    server: Server,
    item: BackupSet,
    name: str,
    facts: Json,
    jobs: int,
    tools: pg_clients.Clients,
    run: ActiveRun | None,
) -> list[str]:
    expected = item.metadata.get("database_bytes")
    path = inside(item)
    named = item.metadata.get("roles")
    if not isinstance(named, list):
        text = tools.run(f"pg_restore --schema-only --file=- {shlex.quote(path)}")
        named = [role for line in text.splitlines() for role in role_names(line.encode())]
    missing = sorted(set(named) - set(facts["roles"]))
    command = pg_clients.restore_command(path, database=name, jobs=jobs, owners=not missing)

    def loaded() -> int:
        sql = size_sql(name)
        return int(psql(docker, container=server.container, user=server.user, database="template1", sql=sql))

    try:
        with progress.told(run, "loading", loaded, expected, about=True):
            tools.run(command)
    except RecoveryError as exc:
        words = exc.message.partition(": ")[2] or exc.message
        raise _restore_error(item, words, server, facts) from exc
    return _role_warning(missing, "all that the backup holds belongs to", server)


def _role_warning(missing: t.Sequence[str], consequence: str, server: Server) -> list[str]:
    if not missing:
        return []
    plural = "s" if len(missing) > 1 else ""
    return [
        f"the role{plural} {', '.join(missing)} of the backup do{'' if plural else 'es'} not exist here: "
        f"{consequence} {server.user}, without the backup's privileges"
    ]


def _restore_plain(
    docker: Docker,
    server: Server,
    item: BackupSet,
    name: str,
    facts: Json,
    version_table: str,
    run: ActiveRun | None = None,
) -> list[str]:
    """Stream a plain dump through psql, which stops at the first error."""
    dump = PlainDump(facts["roles"], facts["settings"], version_table)
    command = ["exec", "--interactive", "--env", f"PGOPTIONS={pg_clients.RESTORE_SETTINGS}"]
    command += server.client(name)[2:]
    # Notices may be many; a pipe that nobody reads would stop psql.
    with tempfile.TemporaryFile() as complaints, opened(item.path) as file:
        process = subprocess.Popen(  # pylint: disable=ansible-bad-function
            [docker.binary, *command], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=complaints
        )
        stdin = t.cast("t.IO[bytes]", process.stdin)
        try:
            with progress.told(run, "loading", lambda: os.lseek(file.fileno(), 0, os.SEEK_CUR), item.bytes):
                for piece in dump.filtered(blocks(file)):
                    stdin.write(piece)
        except BrokenPipeError:
            # psql has met an error and says which.
            pass
        except BaseException:
            process.kill()
            raise
        finally:
            with contextlib.suppress(BrokenPipeError):
                stdin.close()
            process.wait()
        complaints.seek(0)
        words = complaints.read().decode(errors="replace")
    if process.returncode != 0:
        errors = [line for line in words.splitlines() if "ERROR" in line or "FATAL" in line or "error:" in line]
        raise _restore_error(item, " ".join((errors or words.splitlines())[:3]), server, facts)
    warnings = _role_warning(sorted(dump.missing_roles), "what belonged to them belongs to", server)
    if dump.unknown_settings:
        warnings.append(
            f"settings that this server does not know were left out: {', '.join(sorted(dump.unknown_settings))}"
        )
    return warnings


def _restore_error(item: BackupSet, words: str, server: Server, facts: Json) -> RecoveryError:
    if _DISK_FULL.search(words):
        # Somebody else has filled it since it was measured; the backup is as good as it was.
        return RecoveryError(
            f"The disk of the database server ran full while the backup {item.name} was restored: {words[-1500:]}",
            next_command=f"docker exec {server.container} df -h {shlex.quote(facts['data_directory'])}, then free some "
            "space (ansible-playbook localdev.recovery.cleanup)",
        )
    return RecoveryError(
        f"The backup {item.name} cannot be restored: {words[-1500:]}",
        next_command=backup_sets.LIST,
        kind="verification",
    )
