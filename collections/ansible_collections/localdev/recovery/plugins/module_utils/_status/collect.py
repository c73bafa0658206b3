# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Ask all that a status tells, each part by itself and at the same time: one that fails takes no other along."""

from __future__ import annotations

import contextlib
import http.client
import os
import shutil
import time
import typing as t
import urllib.parse

from ansible_collections.localdev.recovery.plugins.module_utils._alembic import runner as alembic_runtime
from ansible_collections.localdev.recovery.plugins.module_utils._backup import catalog as backup_sets
from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils._docker.cli import (
    Completed,
    Docker,
    Project,
    in_parallel,
)
from ansible_collections.localdev.recovery.plugins.module_utils._postgresql.psql import Server
from ansible_collections.localdev.recovery.plugins.module_utils._run import retention
from ansible_collections.localdev.recovery.plugins.module_utils._run.record import Runs
from ansible_collections.localdev.recovery.plugins.module_utils._stack.description import Stack, urls
from ansible_collections.localdev.recovery.plugins.module_utils._status import queries as status_sql

PROBE_TIMEOUT_S = 1.0
# Where frameworks put the documentation of their API, and words in it by which it is known.
DOCUMENTATION = ("/docs", "/redoc", "/api/docs", "/swagger")
_DOCUMENTATION_WORDS = (b"swagger", b"redoc", b"openapi")
_MOST_BYTES = 65536
_MEASURE = (
    'for place; do du=$(timeout 2 du -sk "$place" 2>/dev/null) || du=?; df=$(df -Pk "$place" 2>/dev/null | tail -n 1); '
    'echo "$place|${du%%[!0-9]*}|$df"; done'
)

Part = dict[str, t.Any]


class Impatient(Docker):
    """Gives up on a command after some seconds: a service that hangs must not make its status hang."""

    def __init__(self, project: Project, timeout: float) -> None:
        super().__init__(project)
        self.timeout = timeout

    def run(self, *args: str, **options: t.Any) -> Completed:
        return super().run(*args, **{"timeout": self.timeout, **options})


def ask(parts: t.Mapping[str, t.Callable[[], t.Any]], hide: t.Callable[[str], str] = str) -> dict[str, t.Any]:
    """Call every part at once: name -> its answer, or ``{"problem": words}`` where it failed. hide: masks secrets."""

    def call(name: str) -> t.Any:
        try:
            return parts[name]()
        except RecoveryError as exc:
            return {"problem": hide(exc.message)}
        except OSError as exc:
            return {"problem": hide(str(exc))}

    return dict(zip(parts, in_parallel(call, list(parts)), strict=True))


def running(stack: Stack, service: str) -> str:
    """Id of the first running container of a service, or ''."""
    containers = stack["services"][service]["containers"]
    return next((str(item["id"]) for item in containers if item["state"] == "running"), "")


# --- the database ----------------------------------------------------------------------------------------------------


def database_and_schema(
    docker: Docker,
    stack: Stack,
    tables: t.Sequence[str],
    *,
    version_table: str,
    config: str,
    hide: t.Callable[[str], str],
) -> dict[str, Part | None]:
    """The parts ``database`` and ``schema``: with the revisions that the database names, Alembic answers sooner."""
    found = ask({"database": lambda: database(docker, stack, tables, version_table)}, hide)
    current = (found["database"] or {}).get("revisions", [])
    return {**found, **ask({"schema": lambda: schema(docker, stack, config, current)}, hide)}


def schema(docker: Docker, stack: Stack, config: str, current: t.Sequence[str] = ()) -> Part | None:
    """Heads, current, pending and unknown revisions, as Alembic has them; None where its service does not run.

    current: the revisions that the database is at; without any Alembic asks it itself.
    """
    if not stack["alembic"] or not running(stack, stack["alembic"]["service"]):
        return None
    request = {"do": "info", "config": config, "database": "", "current": list(current)}
    found = alembic_runtime.ask(docker, stack, request)
    return {key: found[key] for key in ("heads", "current", "pending", "unknown", "overlapping")}


def database(docker: Docker, stack: Stack, tables: t.Sequence[str], version_table: str) -> Part | None:
    """Bytes, revisions and rows of the database; None where its server does not run."""
    found = stack["database"]
    container = running(stack, found["service"]) if found else ""
    if not container:
        return None
    done = docker.run(
        *Server(container, found["user"]).client(found["name"]),
        stdin=status_sql.query(tables, version_table),
        check=False,
    )
    return status_sql.parse(done.stdout, done.stderr if done.returncode != 0 else "", tables)


# --- services --------------------------------------------------------------------------------------------------------


def addresses(stack: Stack) -> dict[str, Part]:
    """Service -> where it can be reached and what answers there: ``url``, ``answers`` (None: not asked), ``pages``.

    pages: path -> HTTP status, of the health check and of the API's documentation.
    """
    found = urls(stack)
    wanted: list[tuple[str, str]] = []
    for name, url in found.items():
        if url.startswith("http://") and running(stack, name):
            service = stack["services"][name]
            check = urllib.parse.urlsplit((service["health_check"] or {}).get("url") or "").path
            wanted += [(name, ""), *([(name, check)] if check not in ("", "/") else [])]
            wanted += [(name, path) for path in DOCUMENTATION if service["kind"] == "application"]
    answers = dict(zip(wanted, in_parallel(lambda item: get(found[item[0]] + item[1]), wanted), strict=True))
    described: dict[str, Part] = {}
    for name, url in found.items():
        root = answers.get((name, ""))
        pages = {
            path: status
            for (service_name, path), (status, body) in answers.items()
            if service_name == name and path and status is not None and _worth_showing(path, status, body)
        }
        if root and root[1] is not None and root[0] is None:
            url = url.removeprefix("http://")
        described[name] = {"url": url, "answers": None if root is None else root[1] is not None, "pages": pages}
    return described


def _worth_showing(path: str, status: int, body: bytes | None) -> bool:
    if path in DOCUMENTATION:
        return status == 200 and any(word in (body or b"").lower() for word in _DOCUMENTATION_WORDS)
    return True


def get(url: str) -> tuple[int | None, bytes | None]:
    """(HTTP status, beginning of the body). Status None: it speaks no HTTP; both None: nothing listens there."""
    parts = urllib.parse.urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=PROBE_TIMEOUT_S)
    try:
        connection.connect()
    except OSError:
        return None, None
    try:
        connection.request("GET", parts.path or "/", headers={"User-Agent": "localdev.recovery"})
        answer = connection.getresponse()
        return answer.status, answer.read(_MOST_BYTES)
    except TimeoutError:
        return None, None
    except (OSError, http.client.HTTPException):
        return None, b""
    finally:
        connection.close()


# --- data, disk, backups, runs ---------------------------------------------------------------------------------------


def data(docker: Docker, stack: Stack) -> list[Part]:
    """Every mount with data: service, type, source, target, bytes (None: not measured), free_bytes and total_bytes of
    the file system that it lies on. Measured in the container, which sees what the host may not."""
    wanted = {
        name: [mount for mount in service["mounts"] if mount["data"]]
        for name, service in stack["services"].items()
        if service["enabled"]
    }
    names = [name for name, mounts in wanted.items() if mounts]
    measured = in_parallel(lambda name: _measured(docker, running(stack, name), wanted[name]), names)
    return [
        {
            "service": name,
            **{key: mount[key] for key in ("type", "source", "target")},
            "bytes": None,
            "free_bytes": None,
            "total_bytes": None,
            **found.get(mount["target"], {}),
        }
        for name, found in zip(names, measured, strict=True)
        for mount in wanted[name]
    ]


def _measured(docker: Docker, container: str, mounts: t.Sequence[t.Mapping[str, t.Any]]) -> dict[str, Part]:
    if not container:
        return {}
    targets = [mount["target"] for mount in mounts]
    try:
        done = docker.run("exec", "--user", "0", container, "sh", "-c", _MEASURE, "sh", *targets, check=False)
    except RecoveryError:
        return {}
    return parse_sizes(done.stdout)


def parse_sizes(text: str) -> dict[str, Part]:
    """Lines ``place|KiB|line of df`` as bytes. Pure."""
    found: dict[str, Part] = {}
    for line in text.splitlines():
        place, _bar, rest = line.partition("|")
        used, _bar, free = rest.partition("|")
        columns = free.split()
        found[place] = {"bytes": int(used) * 1024 if used.isdigit() else None}
        if len(columns) >= 6 and columns[1].isdigit() and columns[3].isdigit():
            found[place] |= {"free_bytes": int(columns[3]) * 1024, "total_bytes": int(columns[1]) * 1024}
    return found


def disk(folders: t.Sequence[str]) -> list[Part]:
    """Free and total bytes of the file systems that the folders are on, each once."""
    found: dict[int, Part] = {}
    for folder in folders:
        with contextlib.suppress(OSError):
            usage = shutil.disk_usage(folder)
            found.setdefault(
                os.stat(folder).st_dev, {"path": folder, "free_bytes": usage.free, "total_bytes": usage.total}
            )
    return list(found.values())


def backups(folder: str, database_name: str) -> Part:
    """The newest complete backup, the newest that was proved, and how many there are. Nothing is read whole."""
    now = time.time()
    sets = backup_sets.catalogue(folder, database_name)
    keys = ("name", "created", "age_s", "bytes", "alembic_versions", "last_proved_restorable")

    def shown(item: backup_sets.BackupSet | None) -> Part | None:
        return {key: item.described(now)[key] for key in keys} if item else None

    last = next((item for item in sets if item.complete), None)
    proved = max((item for item in sets if item.proved), key=lambda item: item.proved, default=None)
    return {"folder": folder, "count": len(sets), "last": shown(last), "proved": shown(proved)}


def runs(project_src: str) -> Part:
    """Runs that were cut short, the lock's holder, and what is set aside."""
    found = Runs(project_src)
    records = found.all()
    locked = ""
    try:
        found.refuse_if_locked()
    except RecoveryError as exc:
        locked = exc.message
    interrupted = found.interrupted()
    deletable, kept = retention.sort_out(records, keep=1, older_than_days=7, now=time.time())
    return {
        "locked": locked,
        "interrupted": [{key: record[key] for key in ("run_id", "procedure", "started")} for record in interrupted],
        "set_aside": {"count": len(deletable) + len(kept), "bytes": _bytes([*deletable, *kept])},
        "deletable": {"count": len(deletable), "bytes": _bytes(deletable)},
    }


def _bytes(entries: t.Iterable[t.Mapping[str, t.Any]]) -> int:
    return sum(int(entry["bytes"] or 0) for entry in entries)


def containers_of(docker: Docker, folder: str) -> list[str]:
    """``name: state`` of the containers that were started from a folder: known without its configuration too."""
    done = docker.run(
        *("ps", "--all", "--filter", f"label=com.docker.compose.project.working_dir={folder}"),
        *("--format", "{{.Names}}: {{.Status}}"),
        check=False,
    )
    return sorted(done.stdout.splitlines())
