# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""The program that runs in a helper container, beside the data: how it reads trees, requests and responses.

The Python of the image executes it, so it uses old syntax and imports nothing but its other parts:
copy.py copies, tar.py packs and unpacks.

The request is one line of JSON on stdin. The stream that is packed or unpacked goes through the named pipe that the
request names. If the pipe cannot be opened, the packed stream goes to stdout, and the stream to unpack follows the
request. The answer is lines of JSON on stderr: ``stream`` says which way it goes; the last one has the key ``done``,
``refused`` or ``error``. manifest.py describes the entries.
"""

import base64
import errno
import hashlib
import json
import os
import stat
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

# In the root of an incomplete target; contains the name of the source.
MARKER = b".localdev-copy"
# Read, hashed and written while the processor still has it at hand: larger blocks take half as long again.
BLOCK = 256 * 1024
THREADS = 2
FILE_TYPES = {
    stat.S_IFREG: "file",
    stat.S_IFDIR: "folder",
    stat.S_IFLNK: "link",
    stat.S_IFIFO: "fifo",
    stat.S_IFSOCK: "socket",
    stat.S_IFCHR: "character",
    stat.S_IFBLK: "block",
}
# Labels of a machine's own policy and of the kernel: they belong to the place, not to the data.
FOREIGN_XATTRS = ("security.selinux", "security.ima", "security.evm", "trusted.", "system.nfs4", "com.apple.")


class VolumeRequestRefused(Exception):
    """A refused request, which changed nothing. reason: an identifier; the rest is data."""

    def __init__(self, reason, **data):
        super().__init__(reason)
        self.answer = dict(data, refused=reason)


class Progress:
    """Bytes done of a part of the work, reported at most twice a second."""

    def __init__(self, activity, total):
        self.activity = activity
        self.total = total
        self.done = 0
        self.reported_at = 0.0
        self.lock = threading.Lock()

    def add(self, count):
        with self.lock:
            self.done += count
            if time.monotonic() - self.reported_at > 0.5:
                self.reported_at = time.monotonic()
                send_response(progress={"doing": self.activity, "done": self.done, "total": self.total, "about": False})


def send_response(**answer):
    sys.stderr.write(json.dumps(answer) + "\n")
    sys.stderr.flush()


def decode_name(name):
    return name.decode("utf-8", "surrogateescape")


def encode_name(text):
    return text.encode("utf-8", "surrogateescape")


# --- reading a tree ------------------------------------------------------------------------------------------------


def read_xattrs(path):
    try:
        names = os.listxattr(path, follow_symlinks=False)
    except OSError as exc:
        if exc.errno in (errno.ENOTSUP, errno.EPERM):
            return {}
        raise
    found = {}
    for name in sorted(names):
        if not name.startswith(FOREIGN_XATTRS):
            value = os.getxattr(path, name, follow_symlinks=False)
            found[name] = base64.b64encode(value).decode("ascii")
    return found


def describe_path(path, name):
    """Return the entry of one path without the hash of its content, and its status."""
    status = os.lstat(path)
    kind = FILE_TYPES[stat.S_IFMT(status.st_mode)]
    entry = {
        "name": decode_name(name),
        "type": kind,
        "mode": stat.S_IMODE(status.st_mode),
        "uid": status.st_uid,
        "gid": status.st_gid,
        "mtime_ns": status.st_mtime_ns,
    }
    if kind == "file":
        entry["size"] = status.st_size
        if status.st_blocks * 512 < status.st_size and has_hole(path, status.st_size):
            entry["sparse"] = True
    elif kind == "link":
        entry["target"] = decode_name(os.readlink(path))
    elif kind in ("character", "block"):
        entry["device"] = [os.major(status.st_rdev), os.minor(status.st_rdev)]
    xattrs = read_xattrs(path)
    if xattrs:
        entry["xattrs"] = xattrs
    return entry, status


def has_hole(path, size):
    descriptor = os.open(path, os.O_RDONLY)
    try:
        return os.lseek(descriptor, 0, os.SEEK_HOLE) < size
    except OSError:
        return False
    finally:
        os.close(descriptor)


def list_tree(root):
    """Return the entries of a folder (``.``) and of everything below it, folders before their content, sorted by name.

    A file with several names is described once; the other names have ``same``: the first name.
    """
    entries = []
    seen = {}

    def visit(path, name):
        if name == MARKER:
            return
        entry, status = describe_path(path, name)
        if entry["type"] != "folder" and status.st_nlink > 1:
            first = seen.setdefault((status.st_dev, status.st_ino), entry["name"])
            if first != entry["name"]:
                entries.append({"name": entry["name"], "type": "same", "same": first})
                return
        entries.append(entry)
        if entry["type"] == "folder":
            for child in sorted(os.listdir(path)):
                visit(os.path.join(path, child), child if name == b"." else os.path.join(name, child))

    visit(root, b".")
    return entries


def get_entry_path(root, entry):
    return root if entry["name"] == "." else os.path.join(root, encode_name(entry["name"]))


def find_data_segments(descriptor, size):
    """Yield (offset, length) of the data between the holes of a file."""
    at = 0
    while at < size:
        try:
            start = os.lseek(descriptor, at, os.SEEK_DATA)
            end = min(os.lseek(descriptor, start, os.SEEK_HOLE), size)
        except OSError as exc:
            if exc.errno == errno.ENXIO:
                return
            start, end = at, size
        if start >= size:
            return
        yield start, end - start
        at = end


def hash_zeros(digest, count):
    while count > 0:
        digest.update(ZEROS[: min(count, BLOCK)])
        count -= BLOCK


ZEROS = memoryview(bytes(BLOCK))


def hash_file_content(path, size, progress=None, write=None):
    """Return the SHA-256 of a file. write(data, offset) gets the data between the holes."""
    digest = hashlib.sha256()
    buffer = memoryview(bytearray(min(BLOCK, size)))
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    try:
        at = 0
        for start, length in find_data_segments(descriptor, size):
            hash_zeros(digest, start - at)
            at = start
            while at < start + length:
                count = os.preadv(descriptor, [buffer[: min(BLOCK, start + length - at)]], at)
                if count == 0:
                    raise OSError(errno.EIO, "it has become shorter while it was read", path)
                digest.update(buffer[:count])
                if write is not None:
                    write(buffer[:count], at)
                at += count
                if progress is not None:
                    progress.add(count)
        hash_zeros(digest, size - at)
    finally:
        os.close(descriptor)
    return digest.hexdigest()


def run_in_threads(function, files):
    """Call the function for each file, the largest first, so that both threads end at about the same time."""
    with ThreadPoolExecutor(max_workers=THREADS) as pool:
        for _done in pool.map(function, sorted(files, key=get_entry_size, reverse=True)):
            pass


def get_entry_size(entry):
    return entry.get("size", 0)


def add_file_hashes(root, entries, progress):
    def add_hash(entry):
        entry["sha256"] = hash_file_content(get_entry_path(root, entry), entry["size"], progress)

    run_in_threads(add_hash, [entry for entry in entries if entry["type"] == "file"])


def sum_entry_sizes(entries):
    return sum(map(get_entry_size, entries))


# --- requests and responses ------------------------------------------------------------------------------------------


def read_request_line():
    line = b""
    while not line.endswith(b"\n"):
        data = os.read(0, 1)
        if not data:
            break
        line += data
    return line


def exit_when_caller_ends(go_on):
    """Exit when stdin ends: a caller that was killed cannot remove this container."""
    if read_request_line():
        go_on.set()
        while os.read(0, 4096):
            pass
    os._exit(3)


def open_stream(request):
    """Return the descriptor of the stream: of the named pipe if both its ends are under this kernel."""
    packs = request["do"] == "pack"
    stream = None
    if request.get("pipe"):
        try:
            # Fails at once if no process reads. The caller keeps both ends open until it has read the response.
            probe = os.open(request["pipe"], os.O_WRONLY | os.O_NONBLOCK)
            stream = probe if packs else os.open(request["pipe"], os.O_RDONLY)
            os.set_blocking(stream, True)
            if not packs:
                os.close(probe)
        except OSError:
            stream = None
    send_response(stream="standard" if stream is None else "pipe")
    return int(packs) if stream is None else stream


def serve_request(action, request):
    """Answer the one request."""
    if request["do"] != "copy":
        request["stream"] = open_stream(request)
    # If the stream follows on stdin, its end shows that the caller has ended.
    if request.get("stream") != 0:
        request["go_on"] = threading.Event()
        threading.Thread(target=exit_when_caller_ends, args=(request["go_on"],), daemon=True).start()
    try:
        answer = action(request)
        for entry in answer.pop("entries"):
            send_response(entry=entry)
        send_response(**dict(answer, done=True))
    except VolumeRequestRefused as exc:
        send_response(**exc.answer)
    except BrokenPipeError:
        send_response(error="the reader of the stream is gone")
    except Exception as exc:
        name = exc.filename if isinstance(exc, OSError) and exc.filename else b""
        name = decode_name(name) if isinstance(name, bytes) else str(name)
        message = exc.strerror if isinstance(exc, OSError) and exc.strerror else str(exc)
        send_response(error=message, name=name, errno=getattr(exc, "errno", None), kind=type(exc).__name__)
    sys.stderr.flush()
    os._exit(0)


def read_request():
    return json.loads(read_request_line().decode("ascii"))
