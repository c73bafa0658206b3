# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Archives of volumes and folders: a tar, compressed, and beside it ``<archive>.manifest``, written last.

The manifest's first line has the archive's own size and SHA-256, where it comes from, and PostgreSQL's version. An
archive without a manifest is one that ``tar czf`` made by hand: it is read whole before anything is changed.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import signal
import subprocess
import threading
import typing as t
from concurrent.futures import ThreadPoolExecutor

from ansible_collections.localdev.recovery.plugins.module_utils._core.clock import utc_now
from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._core.files import write_file_atomically
from ansible_collections.localdev.recovery.plugins.module_utils._core.measure import ByteCounter
from ansible_collections.localdev.recovery.plugins.module_utils._core.next_command import (
    playbook_command,
    program_command,
)
from ansible_collections.localdev.recovery.plugins.module_utils._docker.mounts import find_mounting_containers
from ansible_collections.localdev.recovery.plugins.module_utils._run.active import ActiveRun
from ansible_collections.localdev.recovery.plugins.module_utils._run.breakpoint import wait_at_breakpoint
from ansible_collections.localdev.recovery.plugins.module_utils._run.progress import report_progress
from ansible_collections.localdev.recovery.plugins.module_utils._run.temporary_objects import (
    describe_temporary_path,
    forget_temporary_object,
    record_temporary_object,
)
from ansible_collections.localdev.recovery.plugins.module_utils._volume.location import Location, find_nearest_folder
from ansible_collections.localdev.recovery.plugins.module_utils._volume.manifest import (
    ManifestEntry,
    compare_entries,
    parse_manifest,
    serialise_manifest,
    summarise_differences,
)
from ansible_collections.localdev.recovery.plugins.module_utils._volume.named_pipe import open_named_pipe
from ansible_collections.localdev.recovery.plugins.module_utils._volume.postgresql_data import (
    PID_FILE,
    read_image_server_version,
    refuse_unclean_cluster,
)
from ansible_collections.localdev.recovery.plugins.module_utils._volume.runner import VolumeProgram, raise_for_error

MANIFEST_SUFFIX = ".manifest"
_ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
_COMPRESSION_BY_ENDING = {".tar.zst": "zstd", ".tzst": "zstd", ".tar.gz": "gzip", ".tgz": "gzip"}
_BLOCK = 1 << 20
_CHOOSE_ANOTHER = "Choose another archive."


def complete_archive_path(path: str, *, has_zstd: bool) -> tuple[str, str]:
    """Return the path with its ending, and the compression: zstd by default, gzip without zstd. Pure."""
    for ending, compression in _COMPRESSION_BY_ENDING.items():
        if path.endswith(ending):
            return path, compression
    return (f"{path}.tar.zst", "zstd") if has_zstd else (f"{path}.tar.gz", "gzip")


# --- creating an archive ---------------------------------------------------------------------------------------------


class _StreamCollector(threading.Thread):
    """A thread that writes a stream to a file and hashes it."""

    def __init__(self, stream: t.IO[bytes], path: str) -> None:
        super().__init__(daemon=True)
        self.stream, self.path = stream, path
        self.digest, self.size = hashlib.sha256(), 0
        self.error: OSError | None = None

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
            self.error = exc
        finally:
            # Otherwise the writing process would wait for ever.
            self.stream.close()


def scan_tree(program: VolumeProgram, source: Location, *, hashes: bool) -> dict[str, t.Any]:
    """Return ``entries``, ``versions`` and ``bytes`` of a tree."""
    request = {"do": "pack", "source": "/from", "gzip": False, "look_only": not hashes}
    answer = program.send_request(request, source.mount_arguments("/from", writable=False))
    raise_for_error(answer, str(source), None)
    return answer


def create_archive(program: VolumeProgram, source: Location, path: str, *, check_mode: bool) -> dict[str, t.Any]:
    """Write an archive and its manifest. ``same``: the archive exists and the source has not changed since."""
    source.require_exists(program.docker)
    # Without check mode an earlier task has stopped the server.
    running = check_mode and bool(find_mounting_containers(program.docker, source.name))
    if not running:
        source.refuse_if_used(program.docker)
    path, compression = complete_archive_path(path, has_zstd=shutil.which("zstd") is not None)
    exists = os.path.exists(path)
    found = scan_tree(program, source, hashes=exists)
    entries = [e for e in found["entries"] if not running or os.path.basename(e["name"]) != PID_FILE]
    version = refuse_unclean_cluster(f"The {source}", entries, found["versions"])
    result = {"path": path, "bytes": found["bytes"], "files": len(found["entries"]), "postgresql_version": version}
    if exists:
        _header, before = read_archive_manifest(path) or ({}, [])
        if compare_entries(before, found["entries"]):
            raise RecoveryError(
                FailureId.ARCHIVE_EXISTS,
                f"There is an archive {path} already, of other content",
                hint="Choose another path.",
            )
        return {**result, "same": True, "archive_bytes": os.path.getsize(path)}
    if check_mode:
        return {**result, "same": False, "archive_bytes": 0}
    try:
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
    except OSError as exc:
        raise RecoveryError(
            FailureId.FILE_NOT_WRITABLE,
            f"The folder of {path} cannot be made: {exc.strerror}",
            next_command=program_command("ls", "-ld", find_nearest_folder(os.path.dirname(path))),
        ) from exc
    part = f"{path}.part"
    unfinished = describe_temporary_path(part)
    record_temporary_object(program.run, unfinished)
    try:
        answer, collector = _pack_tree(program, source, part, compression)
        os.replace(part, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(part)
        raise
    finally:
        forget_temporary_object(program.run, unfinished)
    wait_at_breakpoint(program.run, "packed")
    header = {
        "created": utc_now(),
        "source": str(source),
        "bytes": answer["bytes"],
        "postgresql_version": version,
        "archive": {"bytes": collector.size, "sha256": collector.digest.hexdigest(), "compression": compression},
    }
    write_file_atomically(path + MANIFEST_SUFFIX, serialise_manifest(header, answer["entries"]))
    return {**result, "same": False, "archive_bytes": collector.size}


def _pack_tree(
    program: VolumeProgram, source: Location, part: str, compression: str
) -> tuple[dict[str, t.Any], _StreamCollector]:
    request = {"do": "pack", "source": "/from", "gzip": compression == "gzip", "look_only": False}
    with open_named_pipe(part, program.run) as pipe:
        packer = None
        packed = pipe.read_end
        if compression == "zstd":
            packer = _start_zstd(
                "-2", "--threads=0", "--quiet", "--stdout", stdin=pipe.read_end, stdout=subprocess.PIPE
            )
            packed = t.cast("t.IO[bytes]", packer.stdout)
            pipe.read_end.close()
        collector = _StreamCollector(packed, part)
        collector.start()
        try:
            answer = program.send_request(request, source.mount_arguments("/from", writable=False), pipe=pipe)
        finally:
            pipe.write_end.close()
            collector.join()
            code = packer.wait() if packer else 0
    if collector.error is not None:
        raise RecoveryError(
            FailureId.from_write_error(collector.error),
            f"Cannot write {part}: {collector.error.strerror}",
            next_command=program_command("df", os.path.dirname(part)),
        )
    raise_for_error(answer, str(source), None)
    if code != 0:
        raise RecoveryError(FailureId.ARCHIVE_NOT_WRITTEN, f"zstd failed with exit code {code}; {part} is incomplete")
    return answer, collector


def _start_zstd(*options: str, stdin: t.Any, stdout: t.Any) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(["zstd", *options], stdin=stdin, stdout=stdout)  # pylint: disable=ansible-bad-function
    except FileNotFoundError as exc:
        raise RecoveryError(
            FailureId.PROGRAM_NOT_INSTALLED,
            "The command zstd is not installed on this host",
            hint="Install the package zstd.",
        ) from exc


# --- extracting an archive -------------------------------------------------------------------------------------------


def read_archive_manifest(path: str) -> tuple[dict[str, t.Any], list[ManifestEntry]] | None:
    """Return header and entries of the manifest beside an archive; None when there is no manifest."""
    try:
        with open(path + MANIFEST_SUFFIX, encoding="ascii") as file:
            return parse_manifest(file.read())
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as exc:
        manifest = path + MANIFEST_SUFFIX
        raise RecoveryError(
            FailureId.ARCHIVE_MANIFEST_DAMAGED,
            f"The manifest {manifest} cannot be read: {exc}",
            hint="Move it away to take the archive as one without a manifest.",
            next_command=program_command("mv", manifest, f"{manifest}.damaged"),
        ) from exc


def _write_archive_stream(path: str, into: t.IO[bytes]) -> None:
    """Write an archive into the stream that tarfile reads; decompress zstd, which tarfile may not support."""
    # Unbuffered: zstd continues to read at the position of this file object.
    with open(path, "rb", buffering=0) as file:
        packed_by_zstd = file.read(len(_ZSTD_MAGIC)) == _ZSTD_MAGIC
        file.seek(0)
        if not packed_by_zstd:
            shutil.copyfileobj(file, into, _BLOCK)
            return
        code = _start_zstd("--decompress", "--quiet", "--stdout", stdin=file, stdout=into).wait()
    if code not in (0, -signal.SIGPIPE):
        raise RecoveryError(
            FailureId.ARCHIVE_CORRUPT,
            f"The archive {path} is corrupt: zstd failed with exit code {code}",
            hint=_CHOOSE_ANOTHER,
        )


def _unpack_archive(
    program: VolumeProgram, request: t.Mapping[str, t.Any], path: str, mounts: t.Sequence[str]
) -> dict[str, t.Any]:
    with open_named_pipe(path, program.run) as pipe:
        return program.send_request(
            request, mounts, pipe=pipe, write_stream=lambda into: _write_archive_stream(path, into)
        )


def verify_archive_checksum(path: str, header: t.Mapping[str, t.Any], run: ActiveRun | None) -> None:
    """Raise RecoveryError if the size or SHA-256 of the archive differs from its manifest."""
    digest = hashlib.sha256()
    size, read = os.path.getsize(path), ByteCounter()
    if size == header["archive"]["bytes"]:
        with open(path, "rb", buffering=0) as file, report_progress(run, "checking", read, size):
            while data := file.read(_BLOCK):
                digest.update(data)
                read.add(len(data))
    if digest.hexdigest() != header["archive"]["sha256"]:
        raise RecoveryError(
            FailureId.ARCHIVE_CORRUPT,
            f"The archive {path} is corrupt: it is not what its manifest was written for "
            f"({size} of {header['archive']['bytes']} bytes)",
            hint=_CHOOSE_ANOTHER,
        )


def inspect_archive(program: VolumeProgram, path: str) -> tuple[list[ManifestEntry], str, dict[str, t.Any]]:
    """Return the entries of an archive, its PostgreSQL version, and the header of its manifest.

    The archive is still to be verified against the header. Without a manifest the header is empty, and the archive is
    read whole and refused here if it is corrupt.
    """
    if not os.path.isfile(path):
        raise RecoveryError(
            FailureId.ARCHIVE_NOT_FOUND,
            f"There is no archive {path}",
            next_command=program_command("ls", find_nearest_folder(os.path.dirname(path))),
        )
    with_manifest = read_archive_manifest(path)
    if with_manifest:
        header, entries = with_manifest
        return entries, str(header["postgresql_version"]), header
    request = {"do": "unpack", "target": "", "token": "", "look_only": True, "sparse": [], "total": 0, "reserve": 0}
    answer = _unpack_archive(program, request, path, [])
    if "error" in answer:
        raise RecoveryError(
            FailureId.ARCHIVE_CORRUPT,
            f"The archive {path} is corrupt, or is no tar: {answer['error']}",
            hint=_CHOOSE_ANOTHER,
        )
    raise_for_error(answer, f"The archive {path}", None)
    version = refuse_unclean_cluster(f"The archive {path}", answer["entries"], answer["versions"])
    return answer["entries"], version, {}


def extract_archive(
    program: VolumeProgram,
    path: str,
    target: Location,
    *,
    labels: t.Mapping[str, str],
    wanted_version: str,
    server_image: str = "",
    reserve: int,
    check_mode: bool,
) -> dict[str, t.Any]:
    """Extract an archive into an empty location and verify the result. ``same``: the content is there already.

    wanted_version: of PostgreSQL. server_image: the archive must hold a cluster for the server of this image.
    """
    docker = program.docker
    entries, version, header = inspect_archive(program, path)
    if server_image and not version:
        raise RecoveryError(
            FailureId.ARCHIVE_NO_CLUSTER, f"The archive {path} holds no PostgreSQL cluster", hint=_CHOOSE_ANOTHER
        )
    if server_image:
        wanted_version = read_image_server_version(docker, server_image)
    if wanted_version and version and wanted_version != version:
        raise RecoveryError(
            FailureId.ARCHIVE_OTHER_VERSION,
            f"The archive {path} holds data of PostgreSQL {version}, the server here is PostgreSQL {wanted_version}",
            hint=f"Restore a backup of the database instead, or use an image of PostgreSQL {version}.",
            next_command=playbook_command("restore"),
        )
    total = sum(entry.get("size", 0) for entry in entries)
    result = {
        "path": path,
        "bytes": total,
        "files": len(entries),
        "postgresql_version": version,
        "manifest": bool(header),
    }
    target_exists = target.exists(docker)
    # A new volume can be removed again, so it is filled while the checksum is computed.
    verify_during_extraction = bool(header) and not target_exists and not check_mode and target.kind == "volume"
    if header and not verify_during_extraction:
        verify_archive_checksum(path, header, program.run)
    if target_exists:
        target.refuse_if_used(docker)
        found = scan_tree(program, target, hashes=True)["entries"]
        if not compare_entries(entries, found):
            return {**result, "same": True}
        if check_mode and len(found) > 1:
            raise_for_error({"refused": "occupied", "differences": []}, f"the archive {path}", target)
    if check_mode:
        return {**result, "same": False}
    target.create(docker, labels)
    request = {
        "do": "unpack",
        "target": "/to",
        "token": path,
        "look_only": False,
        "proved": bool(header),
        "sparse": [entry["name"] for entry in entries if entry.get("sparse")],
        "total": total,
        "reserve": reserve,
    }
    mounts = target.mount_arguments("/to", writable=True)
    with ThreadPoolExecutor(max_workers=1) as executor:
        verification = (
            executor.submit(verify_archive_checksum, path, header, None) if verify_during_extraction else None
        )
        try:
            answer = _unpack_archive(program, request, path, mounts)
            raise_for_error(answer, f"archive {path}", target)
        finally:
            # A corrupt archive fails in many ways; the checksum names the cause.
            if verification and verification.exception():
                docker.run("volume", "rm", "--force", target.name, check=False)
                verification.result()
    lines = compare_entries(entries, answer["entries"])
    if lines:
        raise RecoveryError(
            FailureId.COPY_DIFFERS,
            f"The files unpacked from {path} differ from its manifest",
            details=summarise_differences(lines),
            hint="Repeat this command. If that does not help, choose another archive.",
        )
    return {**result, "same": False}
