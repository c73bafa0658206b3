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
from dataclasses import dataclass, field

from ansible_collections.localdev.recovery.plugins.module_utils._backup.catalog import LIST_BACKUPS_COMMAND, BackupSet
from ansible_collections.localdev.recovery.plugins.module_utils._backup.inspect_dump import (
    container_path,
    open_dump,
    read_dump_blocks,
)
from ansible_collections.localdev.recovery.plugins.module_utils._backup.restore_checks import (
    check_restore_input,
    find_restored_database_problems,
)
from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils._core.parallel import (
    enter_in_background,
    map_in_parallel,
)
from ansible_collections.localdev.recovery.plugins.module_utils._docker.cli import Docker
from ansible_collections.localdev.recovery.plugins.module_utils._postgresql.client_tools import (
    RESTORE_PGOPTIONS,
    ClientTools,
    start_client_tools,
)
from ansible_collections.localdev.recovery.plugins.module_utils._postgresql.facts import (
    ServerFacts,
    build_analyze_sql,
    build_database_size_sql,
    count_rows,
    read_database_revisions,
)
from ansible_collections.localdev.recovery.plugins.module_utils._postgresql.pg_restore import build_pg_restore_command
from ansible_collections.localdev.recovery.plugins.module_utils._postgresql.plain_dump import PlainDump, find_role_names
from ansible_collections.localdev.recovery.plugins.module_utils._postgresql.psql import (
    DatabaseServer,
    PsqlSession,
    find_database_server,
    run_sql,
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
from ansible_collections.localdev.recovery.plugins.module_utils._stack.gather import read_database_credentials

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
    item: BackupSet,
    name: str,
    *,
    jobs: int,
    version_table: str,
    statistics: bool = True,
) -> RestoreResult:
    """Restore a set into a new database and verify it there. If anything fails, drop the database again.

    statistics: whether to analyze the tables, for a database that will be used.
    """
    started = time.monotonic()
    server = find_database_server(stack, docker)
    entry = describe_temporary_database(name, server.container, server.user)
    with contextlib.ExitStack() as exit_stack:
        tools: t.Callable[[], ClientTools] | None = None
        if item.format != "plain":
            # The container can only read the backup, so it may start before the checks.
            tools = exit_stack.enter_context(enter_in_background(_start_client_tools(docker, stack, server, item, run)))
        facts, warnings = check_restore_input(docker, stack, server, item, name, run)
        record_temporary_object(run, entry)
        try:
            settings = facts["live"] or {**(item.metadata.get("collation") or {}), **_read_encoding(item)}
            owner = (facts["live"] or {}).get("owner") or ""
            sql = build_create_database_sql(name, settings, owner)
            run_sql(docker, container=server.container, user=server.user, database="template1", sql=sql)
            wait_at_breakpoint(run, "scratch")
            if tools is None:
                warnings += _restore_with_psql(docker, server, item, name, facts, version_table, run)
            else:
                warnings += _restore_with_pg_restore(docker, server, item, name, facts, jobs, tools(), run)
                tools().finish()
            wait_at_breakpoint(run, "restored")
            if statistics:
                _analyze_tables(docker, server, name, jobs)
            settings_source = require_database(stack)["name"] if facts["live"] else ""
            rows, revisions = _verify_restored_database(docker, server, item, name, version_table, settings_source)
        except BaseException:
            with contextlib.suppress(RecoveryError):
                delete_temporary_object(docker, entry)
                forget_temporary_object(run, entry)
            raise
    return RestoreResult(server, name, rows, revisions, round(time.monotonic() - started, 2), warnings)


def _start_client_tools(
    docker: Docker, stack: StackDescription, server: DatabaseServer, item: BackupSet, run: ActiveRun | None
) -> t.ContextManager[ClientTools]:
    return start_client_tools(
        docker,
        server,
        os.path.dirname(item.path),
        password=lambda: read_database_credentials(docker, stack)["password"],
        run_id=run.record["run_id"] if run else "",
    )


def _read_encoding(item: BackupSet) -> dict[str, t.Any]:
    return {"encoding": item.metadata["encoding"]} if item.metadata.get("encoding") else {}


def _analyze_tables(docker: Docker, server: DatabaseServer, name: str, jobs: int) -> None:
    """Analyze all tables; without statistics the application's first queries would get bad plans."""

    def analyze_part(part: int) -> None:
        with PsqlSession(docker, server, name) as session:
            session.query(build_analyze_sql(part, jobs))

    map_in_parallel(analyze_part, range(jobs))


def _verify_restored_database(
    docker: Docker, server: DatabaseServer, item: BackupSet, name: str, version_table: str, settings_source: str
) -> tuple[dict[str, int], list[str]]:
    """Count the restored rows, compare them with the metadata and return (rows, revisions).

    settings_source: the database whose settings and privileges it gets; empty: none.
    """
    with PsqlSession(docker, server, name) as session:
        rows = count_rows(session)
        revisions = read_database_revisions(session, version_table)
        if settings_source:
            session.query(build_copy_settings_sql(settings_source, name))
    problems = find_restored_database_problems(item, rows, revisions)
    if problems:
        raise RecoveryError(
            f"The backup {item.name} was restored into a scratch database and is not what its metadata says: "
            f"{'; '.join(problems)}",
            next_command=LIST_BACKUPS_COMMAND,
            kind="verification",
        )
    return rows, revisions


def _restore_with_pg_restore(
    docker: Docker,
    server: DatabaseServer,
    item: BackupSet,
    name: str,
    facts: ServerFacts,
    jobs: int,
    tools: ClientTools,
    run: ActiveRun | None,
) -> list[str]:
    expected = item.metadata.get("database_bytes")
    path = container_path(item)
    named = item.metadata.get("roles")
    if not isinstance(named, list):
        text = tools.run(f"pg_restore --schema-only --file=- {shlex.quote(path)}")
        named = [role for line in text.splitlines() for role in find_role_names(line.encode())]
    missing = sorted(set(named) - set(facts["roles"]))
    command = build_pg_restore_command(path, database=name, jobs=jobs, owners=not missing)

    def read_loaded_bytes() -> int:
        sql = build_database_size_sql(name)
        return int(run_sql(docker, container=server.container, user=server.user, database="template1", sql=sql))

    try:
        with report_progress(run, "loading", read_loaded_bytes, expected, about=True):
            tools.run(command)
    except RecoveryError as exc:
        output = exc.message.partition(": ")[2] or exc.message
        raise _build_restore_error(item, output, server, facts) from exc
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
    docker: Docker,
    server: DatabaseServer,
    item: BackupSet,
    name: str,
    facts: ServerFacts,
    version_table: str,
    run: ActiveRun | None = None,
) -> list[str]:
    """Stream a plain dump through psql, which stops at the first error."""
    dump = PlainDump(facts["roles"], facts["settings"], version_table)
    command = ["exec", "--interactive", "--env", f"PGOPTIONS={RESTORE_PGOPTIONS}"]
    command += server.psql_arguments(name)[2:]
    # psql may write many notices, and would block on a pipe without a reader.
    with tempfile.TemporaryFile() as stderr_file, open_dump(item.path) as file:
        process = subprocess.Popen(  # pylint: disable=ansible-bad-function
            [docker.binary, *command], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=stderr_file
        )
        stdin = t.cast("t.IO[bytes]", process.stdin)
        try:
            with report_progress(run, "loading", lambda: os.lseek(file.fileno(), 0, os.SEEK_CUR), item.bytes):
                for piece in dump.filter_blocks(read_dump_blocks(file)):
                    stdin.write(piece)
        except BrokenPipeError:
            # psql ended with an error, which it wrote to stderr.
            pass
        except BaseException:
            process.kill()
            raise
        finally:
            with contextlib.suppress(BrokenPipeError):
                stdin.close()
            process.wait()
        stderr_file.seek(0)
        output = stderr_file.read().decode(errors="replace")
    if process.returncode != 0:
        errors = [line for line in output.splitlines() if "ERROR" in line or "FATAL" in line or "error:" in line]
        raise _build_restore_error(item, " ".join((errors or output.splitlines())[:3]), server, facts)
    warnings = _warn_of_missing_roles(sorted(dump.missing_roles), "what belonged to them belongs to", server)
    if dump.unknown_settings:
        warnings.append(
            f"settings that this server does not know were left out: {', '.join(sorted(dump.unknown_settings))}"
        )
    return warnings


def _build_restore_error(item: BackupSet, output: str, server: DatabaseServer, facts: ServerFacts) -> RecoveryError:
    if _DISK_FULL.search(output):
        # Another process filled the disk after the check; the backup is intact.
        return RecoveryError(
            f"The disk of the database server ran full while the backup {item.name} was restored: {output[-1500:]}",
            next_command=f"docker exec {server.container} df -h {shlex.quote(facts['data_directory'])}, then free some "
            "space (ansible-playbook localdev.recovery.cleanup)",
        )
    return RecoveryError(
        f"The backup {item.name} cannot be restored: {output[-1500:]}",
        next_command=LIST_BACKUPS_COMMAND,
        kind="verification",
    )
