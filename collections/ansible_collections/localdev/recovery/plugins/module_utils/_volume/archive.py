# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Archives of volumes and folders: a tar, compressed, and beside it ``<archive>.manifest``, written last.

The manifest's first line has the archive's own size and SHA-256, where it comes from, and PostgreSQL's version. An
archive without one is what ``tar czf`` makes by hand: it is read whole before anything is done with it.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import signal
import subprocess
import threading
import typing as t
from concurrent.futures import ThreadPoolExecutor

from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils._docker.cli import Docker
from ansible_collections.localdev.recovery.plugins.module_utils._docker.helper_container import users_of
from ansible_collections.localdev.recovery.plugins.module_utils._run import progress
from ansible_collections.localdev.recovery.plugins.module_utils._run import temporary_objects as scratch
from ansible_collections.localdev.recovery.plugins.module_utils._run.record import (
    ActiveRun,
    reach,
    utc_now,
    write_atomically,
)
from ansible_collections.localdev.recovery.plugins.module_utils._volume import manifest as manifests
from ansible_collections.localdev.recovery.plugins.module_utils._volume import named_pipe as pipes
from ansible_collections.localdev.recovery.plugins.module_utils._volume.copy import Bridge, Place, complain
from ansible_collections.localdev.recovery.plugins.module_utils._volume.manifest import Entry

SUFFIX = ".manifest"
_ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
_ENDINGS = {".tar.zst": "zstd", ".tzst": "zstd", ".tar.gz": "gzip", ".tgz": "gzip"}
_BLOCK = 1 << 20
# Of a server that runs, or that was killed.
_PID_FILE = "postmaster.pid"


def plan_name(path: str, *, has_zstd: bool) -> tuple[str, str]:
    """The path with its ending, and the compression; without a known ending zstd where there is one. Pure."""
    for ending, compression in _ENDINGS.items():
        if path.endswith(ending):
            return path, compression
    return (f"{path}.tar.zst", "zstd") if has_zstd else (f"{path}.tar.gz", "gzip")


def cluster_in(versions: t.Mapping[str, str], names: t.Container[str]) -> tuple[str, str]:
    """Folder and major version of the PostgreSQL cluster among the files; empty where there is none. Pure.

    versions: what files PG_VERSION say, by name; every database of a cluster has one too.
    """
    for name in sorted(versions, key=len):
        folder = os.path.dirname(name)
        if os.path.join(folder, "global") in names:
            return folder, versions[name]
    return "", ""


def refuse_unclean(what: str, entries: t.Iterable[Entry], versions: t.Mapping[str, str]) -> str:
    """The cluster's major version; RecoveryError when its server was not stopped. Pure."""
    names = {entry["name"] for entry in entries}
    folder, version = cluster_in(versions, names)
    if version and os.path.join(folder, _PID_FILE) in names:
        raise RecoveryError(
            f"{what} holds {os.path.join(folder, _PID_FILE)}: PostgreSQL was running, or was killed, so the files need "
            "not fit each other",
            next_command="start the server, stop it properly (docker stop), then make the archive again",
            kind="unsafe",
        )
    return version


# --- making one ----------------------------------------------------------------------------------------------------


class _Collector(threading.Thread):
    """Writes a stream to a file and hashes it."""

    def __init__(self, stream: t.IO[bytes], path: str) -> None:
        super().__init__(daemon=True)
        self.stream, self.path = stream, path
        self.digest, self.size = hashlib.sha256(), 0
        self.problem: OSError | None = None

    def run(self) -> None:
        try:
            with open(self.path, "wb", opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
                while data := self.stream.read(_BLOCK):
                    self.digest.update(data)
                    self.size += len(data)
                    file.write(data)
                file.flush()
                os.fsync(file.fileno())
        except OSError as exc:
            self.problem = exc
        finally:
            # Who writes must not wait for ever.
            self.stream.close()


def scan(bridge: Bridge, source: Place, *, hashes: bool) -> dict[str, t.Any]:
    """``entries``, ``versions`` and ``bytes`` of a tree."""
    request = {"do": "pack", "source": "/from", "gzip": False, "look_only": not hashes}
    answer = bridge.ask(request, source.mount("/from", writable=False))
    complain(answer, str(source), None)
    return answer


def create(bridge: Bridge, source: Place, path: str, *, check_mode: bool) -> dict[str, t.Any]:
    """Write an archive and its manifest. ``same``: it was there already, and the source has not changed since."""
    source.must_exist(bridge.docker)
    # In check mode whatever comes before would have stopped the server.
    running = check_mode and bool(users_of(bridge.docker, source.name))
    if not running:
        source.refuse_if_used(bridge.docker)
    path, compression = plan_name(path, has_zstd=shutil.which("zstd") is not None)
    exists = os.path.exists(path)
    found = scan(bridge, source, hashes=exists)
    entries = [e for e in found["entries"] if not running or os.path.basename(e["name"]) != _PID_FILE]
    version = refuse_unclean(f"The {source}", entries, found["versions"])
    result = {"path": path, "bytes": found["bytes"], "files": len(found["entries"]), "postgresql_version": version}
    if exists:
        _head, before = read_manifest(path) or ({}, [])
        if manifests.differences(before, found["entries"]):
            raise RecoveryError(
                f"There is an archive {path} already, of other content",
                next_command="choose another path",
                kind="unsafe",
            )
        return {**result, "same": True, "archive_bytes": os.path.getsize(path)}
    if check_mode:
        return {**result, "same": False, "archive_bytes": 0}
    try:
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
    except OSError as exc:
        raise RecoveryError(f"The folder of {path} cannot be made: {exc.strerror}") from exc
    part = f"{path}.part"
    unfinished = scratch.path_entry(part)
    scratch.note(bridge.run, unfinished)
    try:
        answer, collector = _pack(bridge, source, part, compression)
        os.replace(part, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(part)
        raise
    finally:
        scratch.forget(bridge.run, unfinished)
    reach(bridge.run, "packed")
    head = {
        "created": utc_now(),
        "source": str(source),
        "bytes": answer["bytes"],
        "postgresql_version": version,
        "archive": {"bytes": collector.size, "sha256": collector.digest.hexdigest(), "compression": compression},
    }
    write_atomically(path + SUFFIX, manifests.serialise(head, answer["entries"]))
    return {**result, "same": False, "archive_bytes": collector.size}


def _pack(bridge: Bridge, source: Place, part: str, compression: str) -> tuple[dict[str, t.Any], _Collector]:
    request = {"do": "pack", "source": "/from", "gzip": compression == "gzip", "look_only": False}
    with pipes.beside(part, bridge.run) as pipe:
        packer = None
        packed = pipe.reading
        if compression == "zstd":
            packer = _zstd("-2", "--threads=0", "--quiet", "--stdout", stdin=pipe.reading, stdout=subprocess.PIPE)
            packed = t.cast("t.IO[bytes]", packer.stdout)
            pipe.reading.close()
        collector = _Collector(packed, part)
        collector.start()
        try:
            answer = bridge.ask(request, source.mount("/from", writable=False), pipe=pipe)
        finally:
            pipe.writing.close()
            collector.join()
            code = packer.wait() if packer else 0
    if collector.problem is not None:
        raise RecoveryError(
            f"Cannot write {part}: {collector.problem.strerror}", next_command=f"df {os.path.dirname(part)}"
        )
    complain(answer, str(source), None)
    if code != 0:
        raise RecoveryError(f"zstd failed with exit code {code}; {part} is not whole")
    return answer, collector


def _zstd(*options: str, stdin: t.Any, stdout: t.Any) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(["zstd", *options], stdin=stdin, stdout=stdout)  # pylint: disable=ansible-bad-function
    except FileNotFoundError as exc:
        raise RecoveryError(
            "The command zstd is not installed on this host", next_command="sudo apt install zstd"
        ) from exc


# --- unpacking one -------------------------------------------------------------------------------------------------


def read_manifest(path: str) -> tuple[dict[str, t.Any], list[Entry]] | None:
    """The manifest beside an archive; None when there is none."""
    try:
        with open(path + SUFFIX, encoding="ascii") as file:
            return manifests.parse(file.read())
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as exc:
        raise RecoveryError(
            f"The manifest {path}{SUFFIX} cannot be read: {exc}",
            next_command=f"mv {path}{SUFFIX} elsewhere to take the archive as one without a manifest",
            kind="verification",
        ) from exc


def _pour(path: str, into: t.IO[bytes]) -> None:
    """Write an archive where tarfile reads it; zstd, which that need not know, is unpacked on the way."""
    # Without a buffer, for zstd reads on where this one has stopped.
    with open(path, "rb", buffering=0) as file:
        packed_by_zstd = file.read(len(_ZSTD_MAGIC)) == _ZSTD_MAGIC
        file.seek(0)
        if not packed_by_zstd:
            shutil.copyfileobj(file, into, _BLOCK)
            return
        code = _zstd("--decompress", "--quiet", "--stdout", stdin=file, stdout=into).wait()
    if code not in (0, -signal.SIGPIPE):
        raise RecoveryError(f"The archive {path} is damaged, says zstd", kind="verification")


def _unpack(bridge: Bridge, request: t.Mapping[str, t.Any], path: str, mounts: t.Sequence[str]) -> dict[str, t.Any]:
    with pipes.beside(path, bridge.run) as pipe:
        return bridge.ask(request, mounts, pipe=pipe, source=lambda into: _pour(path, into))


def check_archive(path: str, head: t.Mapping[str, t.Any], run: ActiveRun | None) -> None:
    """Whether the archive is, to the byte, what its manifest was written for."""
    digest = hashlib.sha256()
    size, read = os.path.getsize(path), progress.Counter()
    if size == head["archive"]["bytes"]:
        with open(path, "rb", buffering=0) as file, progress.told(run, "checking", lambda: read.bytes, size):
            while data := file.read(_BLOCK):
                digest.update(data)
                read.add(len(data))
    if digest.hexdigest() != head["archive"]["sha256"]:
        raise RecoveryError(
            f"The archive {path} is damaged: it is not what its manifest was written for "
            f"({size} of {head['archive']['bytes']} bytes)",
            next_command="choose another archive",
            kind="verification",
        )


def look_into(bridge: Bridge, path: str) -> tuple[list[Entry], str, dict[str, t.Any]]:
    """What an archive holds, its PostgreSQL version, and the head of its manifest, by which it is still to be checked;
    empty when there is none, and then a damaged archive is refused here."""
    if not os.path.isfile(path):
        raise RecoveryError(f"There is no archive {path}", next_command=f"ls {os.path.dirname(path)}")
    with_manifest = read_manifest(path)
    if with_manifest:
        head, entries = with_manifest
        return entries, str(head["postgresql_version"]), head
    request = {"do": "unpack", "target": "", "token": "", "look_only": True, "sparse": [], "total": 0, "reserve": 0}
    answer = _unpack(bridge, request, path, [])
    if "error" in answer:
        raise RecoveryError(
            f"The archive {path} is damaged, or is no tar: {answer['error']}",
            next_command="choose another archive",
            kind="verification",
        )
    complain(answer, f"The archive {path}", None)
    version = refuse_unclean(f"The archive {path}", answer["entries"], answer["versions"])
    return answer["entries"], version, {}


def server_version(docker: Docker, image: str) -> str:
    """Major version of the PostgreSQL server in an image."""
    command = ("run", "--rm", "--pull", "never", "--network", "none", "--entrypoint", "postgres", image, "--version")
    answer = docker.run(*command).stdout
    match = re.search(r"\(PostgreSQL\) (\d+)", answer)
    if match is None:
        raise RecoveryError(f"The image {image} does not tell the version of its PostgreSQL: {answer.strip()}")
    return match.group(1)


def extract(
    bridge: Bridge,
    path: str,
    target: Place,
    *,
    labels: t.Mapping[str, str],
    wanted_version: str,
    server_image: str = "",
    reserve: int,
    check_mode: bool,
) -> dict[str, t.Any]:
    """Unpack an archive into an empty place and prove it. ``same``: it was there already.

    wanted_version: of PostgreSQL. server_image: the archive must hold a cluster for the server of this image.
    """
    docker = bridge.docker
    entries, version, head = look_into(bridge, path)
    if server_image and not version:
        raise RecoveryError(f"The archive {path} holds no PostgreSQL cluster", kind="unsafe")
    if server_image:
        wanted_version = server_version(docker, server_image)
    if wanted_version and version and wanted_version != version:
        raise RecoveryError(
            f"The archive {path} holds data of PostgreSQL {version}, the server here is PostgreSQL {wanted_version}",
            next_command="restore a dump instead (ansible-playbook localdev.recovery.restore), or use the older image",
            kind="unsafe",
        )
    total = sum(entry.get("size", 0) for entry in entries)
    result = {
        "path": path,
        "bytes": total,
        "files": len(entries),
        "postgresql_version": version,
        "manifest": bool(head),
    }
    there = target.exists(docker)
    # A volume that is made for it can be removed again, so it is filled meanwhile.
    meanwhile = bool(head) and not there and not check_mode and target.kind == "volume"
    if head and not meanwhile:
        check_archive(path, head, bridge.run)
    if there:
        target.refuse_if_used(docker)
        found = scan(bridge, target, hashes=True)["entries"]
        if not manifests.differences(entries, found):
            return {**result, "same": True}
        if check_mode and len(found) > 1:
            complain({"refused": "occupied", "differences": []}, f"the archive {path}", target)
    if check_mode:
        return {**result, "same": False}
    target.create(docker, labels)
    request = {
        "do": "unpack",
        "target": "/to",
        "token": path,
        "look_only": False,
        "proved": bool(head),
        "sparse": [entry["name"] for entry in entries if entry.get("sparse")],
        "total": total,
        "reserve": reserve,
    }
    mounts = target.mount("/to", writable=True)
    with ThreadPoolExecutor(max_workers=1) as beside:
        checking = beside.submit(check_archive, path, head, None) if meanwhile else None
        try:
            answer = _unpack(bridge, request, path, mounts)
            complain(answer, f"archive {path}", target)
        finally:
            # What is damaged fails in many ways; this is the cause.
            if checking and checking.exception():
                docker.run("volume", "rm", "--force", target.name, check=False)
                checking.result()
    lines = manifests.differences(entries, answer["entries"])
    if lines:
        raise RecoveryError(
            f"What was unpacked from {path} differs from its manifest",
            details=manifests.summary(lines),
            kind="verification",
        )
    return {**result, "same": False}
