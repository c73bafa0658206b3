# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Collect the parts of a status in parallel: a part that fails does not keep the others from being shown."""

from __future__ import annotations

import contextlib
import os
import shutil
import time
import typing as t
import urllib.parse

from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._core.parallel import map_in_parallel
from ansible_collections.localdev.recovery.plugins.module_utils._docker.cli import CompletedCommand, Docker, Project
from ansible_collections.localdev.recovery.plugins.module_utils._run.lock import RunLock
from ansible_collections.localdev.recovery.plugins.module_utils._run.record import RunRecord
from ansible_collections.localdev.recovery.plugins.module_utils._run.store import RunStore
from ansible_collections.localdev.recovery.plugins.module_utils._stack.description import (
    MountDescription,
    StackDescription,
    list_service_urls,
)

if t.TYPE_CHECKING:
    from ansible_collections.localdev.recovery.plugins.module_utils._backup.catalog import BackupSet
    from ansible_collections.localdev.recovery.plugins.module_utils._run.record_check import UnreadableRecord
    from ansible_collections.localdev.recovery.plugins.module_utils._run.retention import KeptCopy, MissingCopy
    from ansible_collections.localdev.recovery.plugins.module_utils._stack.facts import BuildContext, StackFacts

# Most functions import lazily: each imported module is compiled again on the host for every task, and few stacks have
# every part.

PROBE_TIMEOUT_S = 1.0
# Where frameworks serve the documentation of their API, and words that identify such a page.
API_DOCUMENTATION_PATHS = ("/docs", "/redoc", "/api/docs", "/swagger")
_DOCUMENTATION_WORDS = (b"swagger", b"redoc", b"openapi")
_MAX_BODY_BYTES = 65536
_TEXTS_OF_FAILURE = ("msg", "message", "details", "hint")
_MEASURE_SCRIPT = (
    'for place; do du=$(timeout 2 du -sk "$place" 2>/dev/null) || du=?; df=$(df -Pk "$place" 2>/dev/null | tail -n 1); '
    'echo "$place|${du%%[!0-9]*}|$df"; done'
)

StatusPart = dict[str, t.Any]


class DockerWithTimeout(Docker):
    """A Docker CLI whose commands time out: a service that hangs must not make the status hang."""

    def __init__(self, project: Project, timeout: float) -> None:
        super().__init__(project)
        self.timeout = timeout

    def run(self, *args: str, **options: t.Any) -> CompletedCommand:
        return super().run(*args, **{"timeout": self.timeout, **options})


def collect_parts(parts: t.Mapping[str, t.Callable[[], t.Any]], mask: t.Callable[[str], str] = str) -> dict[str, t.Any]:
    """Call all parts in parallel and return their results by name; ``{"error": failure}`` for a part that failed.

    mask: replaces secrets in the texts of a failure.
    """

    def call(name: str) -> t.Any:
        try:
            return parts[name]()
        except RecoveryError as exc:
            failure = exc.as_result()
        except OSError as exc:
            failure = RecoveryError(FailureId.FILE_NOT_READABLE, str(exc)).as_result()
        return {"error": {**failure, **{key: _mask(failure[key], mask) for key in _TEXTS_OF_FAILURE}}}

    return dict(zip(parts, map_in_parallel(call, list(parts))))


def _mask(data: t.Any, mask: t.Callable[[str], str]) -> t.Any:
    """Return a text, or lists and dicts of texts, without secrets."""
    if isinstance(data, str):
        return mask(data)
    if isinstance(data, dict):
        return {key: _mask(value, mask) for key, value in data.items()}
    return [_mask(item, mask) for item in data] if isinstance(data, list) else data


def find_running_container(stack: StackDescription, service: str) -> str:
    """Return the ID of the first running container of a service, or an empty string."""
    containers = stack["services"][service]["containers"]
    return next((str(item["id"]) for item in containers if item["state"] == "running"), "")


# --- the database ----------------------------------------------------------------------------------------------------


def collect_database_and_schema(
    docker: Docker,
    stack: StackDescription,
    tables: t.Sequence[str],
    *,
    version_table: str,
    mask: t.Callable[[str], str],
) -> dict[str, StatusPart | None]:
    """Return the parts ``database`` and ``schema``.

    The database comes first: Alembic answers sooner when it is given the current revisions.
    """
    found = collect_parts({"database": lambda: collect_database(docker, stack, tables, version_table)}, mask)
    current = (found["database"] or {}).get("revisions", [])
    return {**found, **collect_parts({"schema": lambda: collect_schema(docker, stack, current)}, mask)}


def collect_schema(docker: Docker, stack: StackDescription, current: t.Sequence[str] = ()) -> StatusPart | None:
    """Return heads, current, pending and unknown revisions from Alembic; None if its service does not run.

    current: the revisions of the database; if empty, Alembic reads them itself.
    """
    if not stack["alembic"] or not find_running_container(stack, stack["alembic"]["service"]):
        return None
    from ansible_collections.localdev.recovery.plugins.module_utils._alembic.runner import run_alembic_request

    request = {"do": "info", "current": list(current), "graph_only": bool(current)}
    found = run_alembic_request(docker, stack, request)
    return {key: found[key] for key in ("heads", "current", "pending", "unknown", "overlapping")}


def collect_database(
    docker: Docker, stack: StackDescription, tables: t.Sequence[str], version_table: str
) -> StatusPart | None:
    """Return size, revisions and row counts of the database; None if its server does not run."""
    found = stack["database"]
    container = find_running_container(stack, found["service"]) if found else ""
    if not found or not container:
        return None
    from ansible_collections.localdev.recovery.plugins.module_utils._postgresql.server import DatabaseServer
    from ansible_collections.localdev.recovery.plugins.module_utils._stack.gather import read_database_credentials
    from ansible_collections.localdev.recovery.plugins.module_utils._status.queries import (
        build_status_query,
        parse_status_answer,
    )

    server = DatabaseServer(
        docker, container, found["user"], read_credentials=lambda: read_database_credentials(docker, stack)
    )
    done = server.run_psql(found["name"], build_status_query(tables, version_table))
    return parse_status_answer(done.stdout, done.stderr if done.returncode != 0 else None, tables)


# --- services --------------------------------------------------------------------------------------------------------


def collect_addresses(stack: StackDescription) -> dict[str, StatusPart]:
    """Return the addresses by service: ``url``, ``answers`` (None: not asked), ``pages``.

    pages: path -> HTTP status, of the health check and of the API's documentation.
    """
    found = list_service_urls(stack)
    wanted: list[tuple[str, str]] = []
    for name, url in found.items():
        if url.startswith("http://") and find_running_container(stack, name):
            service = stack["services"][name]
            check = urllib.parse.urlsplit((service["health_check"] and service["health_check"]["url"]) or "").path
            wanted += [(name, ""), *([(name, check)] if check not in ("", "/") else [])]
            wanted += [(name, path) for path in API_DOCUMENTATION_PATHS if service["kind"] == "application"]
    answers = dict(zip(wanted, map_in_parallel(lambda item: fetch_page(found[item[0]] + item[1]), wanted)))
    described: dict[str, StatusPart] = {}
    for name, url in found.items():
        root = answers.get((name, ""))
        pages = {
            path: status
            for (service_name, path), (status, body) in answers.items()
            if service_name == name and path and status is not None and _is_page_shown(path, status, body)
        }
        if root and root[1] is not None and root[0] is None:
            url = url.removeprefix("http://")
        described[name] = {"url": url, "answers": None if root is None else root[1] is not None, "pages": pages}
    return described


def collect_build_contexts(docker: Docker, facts: StackFacts) -> dict[str, BuildContext]:
    """Return service -> build context, to compare it with the service's image; see read_build_contexts."""
    if not any(service.get("build") for service in facts.config["services"].values()):
        return {}
    from ansible_collections.localdev.recovery.plugins.module_utils._stack.build_context import read_build_contexts

    return read_build_contexts(docker, facts)


def _is_page_shown(path: str, status: int, body: bytes | None) -> bool:
    if path in API_DOCUMENTATION_PATHS:
        return status == 200 and any(word in (body or b"").lower() for word in _DOCUMENTATION_WORDS)
    return True


def fetch_page(url: str) -> tuple[int | None, bytes | None]:
    """Return the HTTP status and the beginning of the body.

    Status None: the port does not speak HTTP. Both None: nothing listens there.
    """
    import http.client

    parts = urllib.parse.urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=PROBE_TIMEOUT_S)
    try:
        connection.connect()
    except OSError:
        return None, None
    try:
        connection.request("GET", parts.path or "/", headers={"User-Agent": "localdev.recovery"})
        answer = connection.getresponse()
        return answer.status, answer.read(_MAX_BODY_BYTES)
    except TimeoutError:
        return None, None
    except (OSError, http.client.HTTPException):
        return None, b""
    finally:
        connection.close()


# --- data, disk, backups, runs ---------------------------------------------------------------------------------------


def collect_data_mounts(docker: Docker, stack: StackDescription) -> list[StatusPart]:
    """Return the mounts with data: service, type, source, target, bytes, free_bytes and total_bytes of the file system.

    They are measured in the container, because the host may not be allowed to read them. bytes: None if not measured.
    """
    wanted = {
        name: [mount for mount in service["mounts"] if mount["data"]]
        for name, service in stack["services"].items()
        if service["enabled"]
    }
    names = [name for name, mounts in wanted.items() if mounts]
    measured = map_in_parallel(
        lambda name: _measure_mounts(docker, find_running_container(stack, name), wanted[name]), names
    )
    return [
        {
            "service": name,
            **{key: mount[key] for key in ("type", "source", "target")},
            "bytes": None,
            "free_bytes": None,
            "total_bytes": None,
            **found.get(mount["target"], {}),
        }
        for name, found in zip(names, measured)
        for mount in wanted[name]
    ]


def _measure_mounts(docker: Docker, container: str, mounts: t.Sequence[MountDescription]) -> dict[str, StatusPart]:
    if not container:
        return {}
    targets = [mount["target"] for mount in mounts]
    try:
        done = docker.run("exec", "--user", "0", container, "sh", "-c", _MEASURE_SCRIPT, "sh", *targets, check=False)
    except RecoveryError:
        return {}
    return parse_mount_sizes(done.stdout)


def parse_mount_sizes(text: str) -> dict[str, StatusPart]:
    """Parse lines ``path|KiB|line of df`` into sizes in bytes by path."""
    found: dict[str, StatusPart] = {}
    for line in text.splitlines():
        path, _bar, rest = line.partition("|")
        used, _bar, free = rest.partition("|")
        columns = free.split()
        found[path] = {"bytes": int(used) * 1024 if used.isdigit() else None}
        if len(columns) >= 6 and columns[1].isdigit() and columns[3].isdigit():
            found[path] |= {"free_bytes": int(columns[3]) * 1024, "total_bytes": int(columns[1]) * 1024}
    return found


def collect_disk_space(folders: t.Sequence[str]) -> list[StatusPart]:
    """Return free and total bytes of the file systems of the folders, each file system once."""
    found: dict[int, StatusPart] = {}
    for folder in folders:
        with contextlib.suppress(OSError):
            usage = shutil.disk_usage(folder)
            found.setdefault(
                os.stat(folder).st_dev, {"path": folder, "free_bytes": usage.free, "total_bytes": usage.total}
            )
    return list(found.values())


def collect_backups(folder: str, database_name: str) -> StatusPart:
    """Return the newest complete backup, the newest with a test restore, and their number; reads only metadata."""
    from ansible_collections.localdev.recovery.plugins.module_utils._backup.catalog import list_backup_sets

    now = time.time()
    sets = list_backup_sets(folder, database_name)
    keys = ("name", "created", "age_s", "bytes", "alembic_versions", "last_proved_restorable")

    def summarize(item: BackupSet | None) -> StatusPart | None:
        return {key: item.to_result(now)[key] for key in keys} if item else None

    last = next((item for item in sets if item.complete), None)
    restorable = [item for item in sets if item.last_test_restored]
    proved = max(restorable, key=lambda item: item.last_test_restored, default=None)
    return {"folder": folder, "count": len(sets), "last": summarize(last), "proved": summarize(proved)}


FindExisting = t.Callable[[RunStore, t.Sequence[RunRecord]], "tuple[t.Sequence[RunRecord], t.Sequence[MissingCopy]]"]


def collect_runs(
    store: RunStore,
    find_existing: FindExisting | None = None,
    find_unrecorded: t.Callable[[RunStore], list[RunRecord]] | None = None,
) -> StatusPart:
    """Return interrupted runs, the failure that a locked stack gives, and the size of what is set aside.

    find_existing: returns the records without objects that do not exist any more, and the missing kept copies.
    find_unrecorded: returns records for kept copies that have none.
    """
    lock = RunLock(store)
    records, unreadable = store.read_all()
    present, missing = find_existing(store, records) if find_existing else (records, [])
    unrecorded = find_unrecorded(store) if find_unrecorded else []
    present = [*present, *unrecorded]
    locked: dict[str, t.Any] = {}
    try:
        lock.check_free()
    except RecoveryError as exc:
        locked = exc.as_result()
    interrupted = lock.find_interrupted()
    deletable, kept = _split_kept_copies(present, unreadable)
    return {
        "locked": locked,
        "unreadable": [{"run_id": bad.run_id, "path": bad.path, "problem": bad.describe()} for bad in unreadable],
        "unsettled": lock.find_unsettled(),
        "unrecorded": _list_undoable_runs(unrecorded),
        "missing": _describe_missing_copies(missing),
        "interrupted": [{key: record[key] for key in ("run_id", "procedure", "started")} for record in interrupted],
        "set_aside": {"count": len(deletable) + len(kept), "bytes": _sum_bytes([*deletable, *kept])},
        "deletable": {"count": len(deletable), "bytes": _sum_bytes(deletable)},
    }


def _split_kept_copies(
    records: t.Sequence[RunRecord], unreadable: t.Sequence[UnreadableRecord]
) -> tuple[list[KeptCopy], list[KeptCopy]]:
    """Return the kept copies that a cleanup by age and number deletes, and those that it keeps."""
    if not records:
        return [], []
    from ansible_collections.localdev.recovery.plugins.module_utils._run.retention import (
        CleanupRule,
        split_by_retention,
        split_off_protected,
    )

    deletable, kept = split_by_retention(records, CleanupRule(), time.time())
    deletable, protected = split_off_protected(deletable, unreadable)
    return deletable, kept + protected


def _list_undoable_runs(records: t.Sequence[RunRecord]) -> list[t.Any]:
    if not records:
        return []
    from ansible_collections.localdev.recovery.plugins.module_utils._run.undo import list_undoable_runs

    return list_undoable_runs(records)


def _describe_missing_copies(missing: t.Sequence[MissingCopy]) -> list[StatusPart]:
    if not missing:
        return []
    from ansible_collections.localdev.recovery.plugins.module_utils._run.retention import describe_missing_copy

    return [{**copy, "problem": describe_missing_copy(copy)} for copy in missing]


def _sum_bytes(entries: t.Iterable[t.Mapping[str, t.Any]]) -> int:
    return sum(int(entry["bytes"] or 0) for entry in entries)


def list_project_containers(docker: Docker, folder: str) -> list[str]:
    """Return ``name: state`` of the containers that were started from a folder; needs no Compose configuration."""
    done = docker.run(
        *("ps", "--all", "--filter", f"label=com.docker.compose.project.working_dir={folder}"),
        *("--format", "{{.Names}}: {{.Status}}"),
        check=False,
    )
    return sorted(done.stdout.splitlines())
