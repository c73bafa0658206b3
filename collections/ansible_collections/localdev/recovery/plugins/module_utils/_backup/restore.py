# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Restore a backup into a temporary database, and verify it there against the backup's metadata.

The live database is only read. All checks that can run before the restore do so before the temporary database exists.
"""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import subprocess
import tempfile
import time
import typing as t
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from ansible_collections.localdev.recovery.plugins.module_utils._backup.catalog import LIST_BACKUPS_COMMAND, BackupSet
from ansible_collections.localdev.recovery.plugins.module_utils._backup.checks import (
    FREE_SPACE_HINT,
    build_disk_command,
    check_restore_input,
)
from ansible_collections.localdev.recovery.plugins.module_utils._backup.inspect_dump import open_dump
from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._core.measure import ByteCounter
from ansible_collections.localdev.recovery.plugins.module_utils._docker.cli import Docker
from ansible_collections.localdev.recovery.plugins.module_utils._docker.errors import DockerError
from ansible_collections.localdev.recovery.plugins.module_utils._postgresql.client_tools import (
    CLIENT_MOUNT_POINT,
    RESTORE_PGOPTIONS,
    ClientTools,
    choose_jobs,
    count_engine_processors,
)
from ansible_collections.localdev.recovery.plugins.module_utils._postgresql.facts import (
    DatabaseSize,
    ServerFacts,
    build_analyze_sql,
    count_rows,
    list_tables_to_analyze,
    read_database_revisions,
)
from ansible_collections.localdev.recovery.plugins.module_utils._postgresql.messages import strip_password_prompt
from ansible_collections.localdev.recovery.plugins.module_utils._postgresql.pg_restore import (
    build_pg_restore_command,
    can_restore_statistics,
)
from ansible_collections.localdev.recovery.plugins.module_utils._postgresql.plain_dump import (
    DUMP_BLOCK_BYTES,
    DumpRefused,
    PlainDump,
    find_role_names,
)
from ansible_collections.localdev.recovery.plugins.module_utils._postgresql.psql import PsqlSession, run_sql
from ansible_collections.localdev.recovery.plugins.module_utils._postgresql.row_counts import compare_row_counts
from ansible_collections.localdev.recovery.plugins.module_utils._postgresql.server import (
    DatabaseServer,
    find_database_server,
)
from ansible_collections.localdev.recovery.plugins.module_utils._postgresql.settings import (
    build_copy_settings_sql,
    build_create_database_sql,
)
from ansible_collections.localdev.recovery.plugins.module_utils._run.active import ActiveRun
from ansible_collections.localdev.recovery.plugins.module_utils._run.breakpoint import wait_at_breakpoint
from ansible_collections.localdev.recovery.plugins.module_utils._run.progress import report_progress
from ansible_collections.localdev.recovery.plugins.module_utils._run.temporary_objects import (
    delete_temporary_object,
    describe_temporary_database,
    forget_temporary_object,
    record_temporary_object,
)
from ansible_collections.localdev.recovery.plugins.module_utils._stack.description import (
    StackDescription,
    require_database,
)

_SHOWN_ERRORS = 5
# The second message comes when only a part of a page fits.
_DISK_FULL = re.compile(r"No space left on device|could not (?:extend|write)[^\n]* wrote only \d+ of \d+ bytes")


@dataclass
class RestoreResult:
    """Result of a restore into a temporary database."""

    server: DatabaseServer
    database: str
    rows: dict[str, int]
    revisions: list[str]
    seconds: float
    warnings: list[str] = field(default_factory=list)


def restore_backup(
    docker: Docker,
    stack: StackDescription,
    run: ActiveRun | None,
    backup: BackupSet,
    name: str,
    *,
    jobs: int,
    version_table: str,
    statistics: bool = True,
) -> RestoreResult:
    """Restore a set into a new database and verify it there. If anything fails, drop the database again.

    jobs: 0 for one per processor of the engine. statistics: whether to analyze the tables, for a database that will be
    used.
    """
    started = time.monotonic()
    server = find_database_server(stack, docker)
    live = require_database(stack)["name"]
    entry = describe_temporary_database(name, server.container, server.user)
    with contextlib.ExitStack() as exit_stack:
        tools = None
        pool = exit_stack.enter_context(ThreadPoolExecutor(2))
        processors = pool.submit(count_engine_processors, docker)
        if backup.format != "plain":
            # The container can only read the backup, so it may start before the checks.
            run_id = run.record["run_id"] if run else ""
            tools = exit_stack.enter_context(ClientTools(docker, server, os.path.dirname(backup.path), run_id))
        facts, warnings = check_restore_input(docker, server, live, backup, name, run)
        record_temporary_object(run, entry)
        try:
            settings = facts["live"] or {**(backup.metadata.get("collation") or {}), **_read_encoding(backup)}
            owner = (facts["live"] or {}).get("owner") or ""
            sql = build_create_database_sql(name, settings, owner)
            run_sql(server, "template1", sql)
            wait_at_breakpoint(run, "scratch")
            jobs = choose_jobs(jobs, processors.result())
            if tools:
                tools.log_in()
                warnings += _restore_with_pg_restore(server, backup, name, facts, jobs, tools, run)
                tools.finish()
            else:
                warnings += _restore_with_psql(server, backup, name, facts, version_table, run)
            wait_at_breakpoint(run, "restored")
            settings_source = live if facts["live"] else ""
            rows, revisions = _verify_restored_database(
                server, backup, name, facts, version_table, settings_source, jobs if statistics else 0
            )
        except BaseException:
            with contextlib.suppress(RecoveryError):
                delete_temporary_object(docker, entry)
                forget_temporary_object(run, entry)
            raise
    return RestoreResult(server, name, rows, revisions, round(time.monotonic() - started, 2), warnings)


def _read_encoding(backup: BackupSet) -> dict[str, t.Any]:
    return {"encoding": backup.metadata["encoding"]} if backup.metadata.get("encoding") else {}


def holds_statistics(metadata: t.Mapping[str, t.Any], server_major: int) -> bool:
    """Return whether a database has the statistics of its backup once it is restored on a server. Pure."""
    return metadata.get("statistics") is True and can_restore_statistics(server_major)


def _verify_restored_database(
    server: DatabaseServer,
    backup: BackupSet,
    name: str,
    facts: ServerFacts,
    version_table: str,
    settings_source: str,
    analyze_jobs: int,
) -> tuple[dict[str, int], list[str]]:
    """Count the restored rows, compare them with the metadata and return (rows, revisions).

    settings_source: the database whose settings and privileges it gets; empty: none. analyze_jobs: sessions that
    analyze the tables without statistics at the same time, because the application's first queries would get bad plans
    otherwise; 0: none.
    """

    def analyze(tables: list[str]) -> None:
        with PsqlSession(server, name) as session:
            session.query(build_analyze_sql(tables))

    lacking = holds_statistics(backup.metadata, facts["server_major"])
    with PsqlSession(server, name) as session, ThreadPoolExecutor(max(1, analyze_jobs)) as pool:
        tables = list_tables_to_analyze(session, lacking=lacking) if analyze_jobs else []
        parts = [tables[first::analyze_jobs] for first in range(min(analyze_jobs, len(tables)))]
        analyses = [pool.submit(analyze, part) for part in parts]
        rows = count_rows(session)
        revisions = read_database_revisions(session, version_table)
        for analysis in analyses:
            analysis.result()
        # They may limit statements, so they come last.
        if settings_source:
            session.query(build_copy_settings_sql(settings_source, name))
    problems = find_restored_database_problems(backup.metadata, rows, revisions)
    if problems:
        raise RecoveryError(
            FailureId.BACKUP_CONTENT_DIFFERS,
            f"The backup {backup.name} was restored into a temporary database, and differs from its metadata: "
            f"{problems[0]}",
            details=problems[1:],
            hint="Choose another backup.",
            next_command=LIST_BACKUPS_COMMAND,
        )
    return rows, revisions


def find_restored_database_problems(
    metadata: t.Mapping[str, t.Any], rows: t.Mapping[str, int], revisions: t.Sequence[str]
) -> list[str]:
    """Return a message for each difference between a restored database and the backup's metadata. Pure."""
    if not rows:
        return ["it has no table"]
    recorded = metadata.get("rows")
    found = compare_row_counts(recorded, rows) if isinstance(recorded, dict) else []
    if isinstance(recorded, dict):
        found += [f"table {table} is not in the metadata" for table in sorted(set(rows) - set(recorded))]
    named = metadata.get("alembic_versions")
    if isinstance(named, list) and sorted(named) != sorted(revisions):
        found.append(f"the revision is {', '.join(revisions) or 'none'}, not {', '.join(named) or 'none'}")
    return found


def _restore_with_pg_restore(
    server: DatabaseServer,
    backup: BackupSet,
    name: str,
    facts: ServerFacts,
    jobs: int,
    tools: ClientTools,
    run: ActiveRun | None,
) -> list[str]:
    dump = shlex.quote(f"{CLIENT_MOUNT_POINT}/{os.path.basename(backup.path)}")
    expected = backup.metadata.get("database_bytes")
    named = backup.metadata.get("roles")
    try:
        if not isinstance(named, list):
            text = tools.run(f"pg_restore --schema-only --file=- {dump}")
            named = [role for line in text.splitlines() for role in find_role_names(line.encode())]
        missing = sorted(set(named) - set(facts["roles"]))
        # This collection dumps statistics only where a server that may restore the dump knows them.
        without_statistics = not (backup.own or can_restore_statistics(facts["server_major"]))
        command = build_pg_restore_command(
            database=name, jobs=jobs, owners=not missing, without_statistics=without_statistics
        )
        with report_progress(run, "loading", DatabaseSize(server, name), expected, about=True):
            tools.run(f"dump={dump}; {command}")
    except DockerError as exc:
        raise _build_restore_error(backup.name, exc.stderr or exc.message, server, facts) from exc
    return _warn_of_missing_roles(missing, "all that the backup holds belongs to", server)


def _warn_of_missing_roles(missing: t.Sequence[str], consequence: str, server: DatabaseServer) -> list[str]:
    if not missing:
        return []
    plural = "s" if len(missing) > 1 else ""
    return [
        f"the role{plural} {', '.join(missing)} of the backup do{'' if plural else 'es'} not exist here: "
        f"{consequence} {server.user}, without the backup's privileges"
    ]


def _restore_with_psql(
    server: DatabaseServer,
    backup: BackupSet,
    name: str,
    facts: ServerFacts,
    version_table: str,
    run: ActiveRun | None = None,
) -> list[str]:
    """Stream a plain dump through psql, which stops at the first error."""
    dump, loaded = PlainDump(facts["roles"], facts["settings"], version_table), ByteCounter()
    connection = server.connection
    command = server.list_psql_arguments(name, connection, options=RESTORE_PGOPTIONS)
    # psql may write many notices, and would block on a pipe without a reader.
    with tempfile.TemporaryFile() as stderr_file, open_dump(backup.path) as file:
        process = subprocess.Popen(  # pylint: disable=ansible-bad-function
            [server.docker.binary, *command], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=stderr_file
        )
        stdin = t.cast("t.IO[bytes]", process.stdin)
        try:
            with report_progress(run, "loading", loaded, backup.bytes):
                stdin.write(server.build_psql_input("", connection).encode())
                while block := file.read(DUMP_BLOCK_BYTES):
                    for piece in dump.filter_block(block):
                        stdin.write(piece)
                    loaded.bytes = os.lseek(file.fileno(), 0, os.SEEK_CUR)
                stdin.write(dump.finish())
        except BrokenPipeError:
            # psql ended with an error, which it wrote to stderr.
            pass
        except DumpRefused as exc:
            process.kill()
            raise RecoveryError(
                exc.failure,
                f"The backup {backup.name} cannot be restored: {exc}",
                hint=exc.hint,
                next_command=LIST_BACKUPS_COMMAND,
            ) from exc
        except BaseException:
            process.kill()
            raise
        finally:
            with contextlib.suppress(BrokenPipeError):
                stdin.close()
            process.wait()
        stderr_file.seek(0)
        output = strip_password_prompt(stderr_file.read().decode(errors="replace"))
    if process.returncode != 0:
        raise _build_restore_error(backup.name, output, server, facts)
    warnings = _warn_of_missing_roles(sorted(dump.missing_roles), "what belonged to them belongs to", server)
    if dump.unknown_settings:
        warnings.append(
            f"settings that this server does not know were left out: {', '.join(sorted(dump.unknown_settings))}"
        )
    return warnings


def _build_restore_error(name: str, output: str, server: DatabaseServer, facts: ServerFacts) -> RecoveryError:
    """Return the error of a backup that psql or pg_restore did not restore. output: of that program."""
    lines = output.strip().splitlines() or ["the program ended without a message"]
    errors = [line for line in lines if "ERROR" in line or "FATAL" in line or "error:" in line] or lines
    if _DISK_FULL.search(output):
        # Another process filled the disk after the check; the backup is intact.
        return RecoveryError(
            FailureId.DISK_FULL,
            f"The disk of the database server ran full while the backup {name} was restored: {errors[0]}",
            details=errors[1:_SHOWN_ERRORS],
            hint=FREE_SPACE_HINT,
            next_command=build_disk_command(server, facts),
        )
    return RecoveryError(
        FailureId.BACKUP_NOT_RESTORABLE,
        f"The backup {name} cannot be restored: {errors[0]}",
        details=errors[1:_SHOWN_ERRORS],
        hint="Choose another backup.",
        next_command=LIST_BACKUPS_COMMAND,
    )
