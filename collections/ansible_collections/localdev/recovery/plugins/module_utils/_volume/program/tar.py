# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""The part of the program in a helper container that packs a tree into a tar stream, and unpacks one.

See protocol.py.
"""

import base64
import gzip
import hashlib
import io
import os
import tarfile
import threading
from concurrent.futures import ThreadPoolExecutor

from ansible_collections.localdev.recovery.plugins.module_utils._volume.program.copy import (
    apply_folder_metadata,
    apply_metadata,
    create_entry,
    empty_folder,
    handle_copy_request,
    has_marker,
    pair_differing_entries,
    require_free_space,
    sync_filesystem,
    write_all,
    write_marker,
)
from ansible_collections.localdev.recovery.plugins.module_utils._volume.program.protocol import (
    BLOCK,
    FOREIGN_XATTRS,
    MARKER,
    ZEROS,
    Progress,
    VolumeRequestRefused,
    add_file_hashes,
    decode_name,
    encode_name,
    get_entry_path,
    hash_file_content,
    list_tree,
    read_request,
    serve_request,
    sum_entry_sizes,
)

# A hole of a sparse file is looked for in pieces of this size.
HOLE_BYTES = 64 * 1024
# So large that handing it to another thread is worth its while.
HASH_IN_THREAD_BYTES = 1024 * 1024
HASHER = ThreadPoolExecutor(max_workers=1)


def build_tar_header(entry, size):
    info = tarfile.TarInfo("./" + entry["name"] if entry["name"] != "." else "./")
    if entry["type"] == "same":
        info.type, info.linkname = tarfile.LNKTYPE, "./" + entry["same"]
        return info.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")
    info.type = {
        "file": tarfile.REGTYPE,
        "folder": tarfile.DIRTYPE,
        "link": tarfile.SYMTYPE,
        "fifo": tarfile.FIFOTYPE,
        "character": tarfile.CHRTYPE,
        "block": tarfile.BLKTYPE,
    }[entry["type"]]
    info.mode, info.uid, info.gid, info.size = entry["mode"], entry["uid"], entry["gid"], size
    info.linkname = entry.get("target", "")
    info.devmajor, info.devminor = entry.get("device", (0, 0))
    seconds, nanoseconds = divmod(abs(entry["mtime_ns"]), 10**9)
    info.mtime = seconds
    if nanoseconds or entry["mtime_ns"] < 0:
        info.pax_headers["mtime"] = "%s%d.%09d" % ("-" if entry["mtime_ns"] < 0 else "", seconds, nanoseconds)
    for name, value in entry.get("xattrs", {}).items():
        info.pax_headers["SCHILY.xattr." + name] = decode_name(base64.b64decode(value))
    return info.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")


def handle_pack_request(request):
    """Write a tar stream of the source; with look_only return its entries alone."""
    source = os.fsencode(request["source"])
    # Tar knows no sockets.
    entries = [entry for entry in list_tree(source) if entry["type"] != "socket"]
    progress = Progress("packing", sum_entry_sizes(entries))
    if request["look_only"]:
        return {"bytes": progress.total, "entries": entries, "versions": read_version_files(source, entries)}
    out = stream = os.fdopen(request["stream"], "wb", closefd=False)
    if request["gzip"]:
        out = gzip.GzipFile(fileobj=stream, mode="wb", compresslevel=1, mtime=0)
    at = [0]

    def write(data, offset):
        write_zeros(out, offset - at[0])
        out.write(data)
        at[0] = offset + len(data)

    for entry in entries:
        size = entry.get("size", 0)
        out.write(build_tar_header(entry, size))
        if entry["type"] == "file":
            at[0] = 0
            entry["sha256"] = hash_file_content(get_entry_path(source, entry), size, progress, write)
            write_zeros(out, size - at[0] + -size % tarfile.BLOCKSIZE)
    write_zeros(out, 2 * tarfile.BLOCKSIZE)
    if request["gzip"]:
        out.close()
    stream.flush()
    return {"bytes": progress.total, "entries": entries, "versions": read_version_files(source, entries)}


def read_version_files(root, entries):
    """Return the content of the files PG_VERSION, by name."""
    found = {}
    for entry in entries:
        if is_version_file(entry):
            with open(get_entry_path(root, entry), "rb") as handle:
                found[entry["name"]] = decode_name(handle.read()).strip()
    return found


def is_version_file(entry):
    return entry["type"] == "file" and os.path.basename(entry["name"]) == "PG_VERSION" and entry["size"] < 64


def write_zeros(out, count):
    while count > 0:
        out.write(ZEROS[: min(count, BLOCK)])
        count -= BLOCK


def convert_member(member):
    """Return the entry of a member; raise VolumeRequestRefused for an untrusted one that leads outside."""
    name = os.path.normpath(member.name)
    if name.startswith(("/", "..")):
        raise VolumeRequestRefused("outside", name=member.name)
    if member.islnk():
        same = os.path.normpath(member.linkname)
        if same.startswith(("/", "..")):
            raise VolumeRequestRefused("outside", name=member.linkname)
        return {"name": name, "type": "same", "same": same}
    kinds = (
        (member.isreg, "file"),
        (member.isdir, "folder"),
        (member.issym, "link"),
        (member.isfifo, "fifo"),
        (member.ischr, "character"),
        (member.isblk, "block"),
    )
    kind = next((name for test, name in kinds if test()), None)
    if kind is None:
        raise VolumeRequestRefused("unknown", name=member.name)
    seconds, _point, fraction = member.pax_headers.get("mtime", str(int(member.mtime))).lstrip("-").partition(".")
    mtime_ns = int(seconds) * 10**9 + int((fraction + "0" * 9)[:9])
    entry = {
        "name": name,
        "type": kind,
        "mode": member.mode & 0o7777,
        "uid": member.uid,
        "gid": member.gid,
        "mtime_ns": -mtime_ns if member.mtime < 0 else mtime_ns,
    }
    if kind == "file":
        entry["size"] = member.size
    elif kind == "link":
        entry["target"] = member.linkname
        entry["mode"] = 0o777
    elif kind in ("character", "block"):
        entry["device"] = [member.devmajor, member.devminor]
    prefix = "SCHILY.xattr."
    xattrs = {
        name[len(prefix) :]: base64.b64encode(encode_name(value)).decode("ascii")
        for name, value in sorted(member.pax_headers.items())
        if name.startswith(prefix) and not name[len(prefix) :].startswith(FOREIGN_XATTRS)
    }
    if xattrs:
        entry["xattrs"] = xattrs
    return entry


def unpack_file(root, entry, stream, sparse, progress, digest):
    """Write the content of a member to a file. stream: has readinto. digest: is updated with the content, if given."""
    size = entry["size"]
    buffer = memoryview(bytearray(min(HOLE_BYTES if sparse else HASH_IN_THREAD_BYTES, size)))
    descriptor = os.open(get_entry_path(root, entry), os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    at = 0
    try:
        while at < size:
            data = buffer[: stream.readinto(buffer[: size - at])]
            if not data:
                raise tarfile.ReadError("unexpected end of data")
            # Hashing and writing run in parallel: both release the interpreter lock.
            hashing = digest and len(data) == HASH_IN_THREAD_BYTES and HASHER.submit(digest.update, data)
            if digest and not hashing:
                digest.update(data)
            if not sparse or bytes(data).count(0) != len(data):
                write_all(descriptor, data, at)
            if hashing:
                hashing.result()
            at += len(data)
            progress.add(len(data))
        os.ftruncate(descriptor, size)
    finally:
        os.close(descriptor)
    apply_metadata(get_entry_path(root, entry), entry)


def hash_written_file(root, entry):
    entry["sha256"] = hash_file_content(get_entry_path(root, entry), entry["size"])


def check_member(entry, stream, found, progress):
    digest = hashlib.sha256()
    for data in iter(lambda: stream.read(BLOCK), b""):
        digest.update(data)
        progress.add(len(data))
        if is_version_file(entry):
            found[entry["name"]] = decode_name(data).strip()
    if stream.tell() != entry["size"]:
        raise tarfile.ReadError("unexpected end of data")
    entry["sha256"] = digest.hexdigest()


class ForwardTarStream:
    """A file object for tarfile that reads a tar stream forward only, decompresses gzip, and detects truncation.

    The stream mode of tarfile itself copies every byte several times, accepts a stream that ends between two members,
    and ignores the checksum of gzip.
    """

    def __init__(self, raw):
        stream = io.BufferedReader(raw, BLOCK)
        self.stream = gzip.GzipFile(fileobj=stream) if stream.peek(2)[:2] == b"\x1f\x8b" else stream
        self.position = 0
        self.tail = b""

    def tell(self):
        return self.position

    def seek(self, offset):
        if offset < self.position:
            raise tarfile.ReadError("the archive leads back")
        while self.position < offset and self.read(min(BLOCK, offset - self.position)):
            pass

    def read(self, count):
        data = self.stream.read(count)
        self._advance(memoryview(data))
        return data

    def readinto(self, buffer):
        count = self.stream.readinto(buffer)
        self._advance(buffer[:count])
        return count

    def _advance(self, data):
        self.position += len(data)
        self.tail = (self.tail + bytes(data[-tarfile.BLOCKSIZE :]))[-tarfile.BLOCKSIZE :]

    def read_to_end(self):
        while self.read(BLOCK):
            pass
        if self.tail != bytes(tarfile.BLOCKSIZE):
            raise tarfile.ReadError("unexpected end of data")


def open_member_content(archive, member, stream):
    """Return a file object with the content of a member: the stream itself, unless the member is sparse."""
    if member.issparse():
        return archive.extractfile(member)
    stream.seek(member.offset_data)
    return stream


def handle_unpack_request(request):
    """Unpack the stream that follows the request into an empty folder; with look_only only read it.

    If ``proved``, the caller has a manifest, so a file's hash is that of its content in the folder. Otherwise it is the
    hash of the stream, and the content in the folder is compared with it.
    """
    target = os.fsencode(request["target"]) if not request["look_only"] else None
    sparse = set(request["sparse"])
    entries, found, reading = [], {}, []
    progress = Progress("unpacking" if target else "checking", request["total"])
    if target:
        token = request["token"].encode("utf-8", "surrogateescape")
        if os.listdir(target) and not has_marker(target, token):
            raise VolumeRequestRefused("occupied", differences=[])
        empty_folder(target)
        write_marker(target, token)
        require_free_space(target, request["total"], request["reserve"])
    # Not sys.stdin: its buffer may contain the begin of the stream.
    stream = ForwardTarStream(os.fdopen(request["stream"], "rb", buffering=0, closefd=False))
    with tarfile.open(fileobj=stream, mode="r:", encoding="utf-8", errors="surrogateescape") as archive:
        for member in archive:
            entry = convert_member(member)
            if target is None:
                if entry["type"] == "file":
                    check_member(entry, archive.extractfile(member), found, progress)
            elif entry["type"] == "file":
                create_parent_folders(target, entry)
                digest = None if request["proved"] else hashlib.sha256()
                unpack_file(
                    target,
                    entry,
                    open_member_content(archive, member, stream),
                    entry["name"] in sparse,
                    progress,
                    digest,
                )
                if digest:
                    entry["sha256"] = digest.hexdigest()
                else:
                    reading.append(HASHER.submit(hash_written_file, target, entry))
            elif entry["type"] == "folder":
                create_parent_folders(target, entry)
                os.makedirs(get_entry_path(target, entry), 0o700, exist_ok=True)
            else:
                create_parent_folders(target, entry)
                create_entry(target, entry)
            entries.append(entry)
            # Otherwise tarfile keeps every member in memory.
            archive.members = []
        stream.read_to_end()
    if target is None:
        return {"bytes": sum_entry_sizes(entries), "entries": entries, "versions": found}
    folders = [entry for entry in entries if entry["type"] == "folder"]
    os.unlink(os.path.join(target, MARKER))
    apply_folder_metadata(target, folders)
    flushing = threading.Thread(target=sync_filesystem, args=(target,))
    flushing.start()
    others = list_tree(target)
    if request["proved"]:
        for future in reading:
            future.result()
        hashes = {entry["name"]: entry.get("sha256") for entry in entries}
        for other in others:
            if other["type"] == "file":
                other["sha256"] = hashes.get(other["name"])
    else:
        add_file_hashes(target, others, Progress("comparing", sum_entry_sizes(entries)))
    # Folders above the members need not be members.
    names = {entry["name"] for entry in entries}
    differences = pair_differing_entries(entries, [entry for entry in others if entry["name"] in names])
    if differences:
        write_marker(target, token)
    flushing.join()
    sync_filesystem(target)
    return {"bytes": sum_entry_sizes(entries), "entries": entries, "differences": differences}


def create_parent_folders(root, entry):
    """Create the folders above a member that have no member of their own before it."""
    above = os.path.dirname(get_entry_path(root, entry)) if entry["name"] != "." else root
    os.makedirs(above, exist_ok=True)
    # A link in the place of a folder would lead outside.
    if os.path.realpath(above) != above:
        raise VolumeRequestRefused("outside", name=entry["name"])


if __name__ == "__main__":
    wanted = read_request()
    serve_request(
        {"copy": handle_copy_request, "pack": handle_pack_request, "unpack": handle_unpack_request}[wanted["do"]],
        wanted,
    )
