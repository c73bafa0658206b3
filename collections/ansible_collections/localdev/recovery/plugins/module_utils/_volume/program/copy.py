# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""The part of the program in a helper container that writes trees and copies them; see protocol.py."""

import base64
import ctypes
import errno
import fcntl
import hashlib
import json
import os
import stat
import threading

from ansible_collections.localdev.recovery.plugins.module_utils._volume.program.protocol import (
    BLOCK,
    MARKER,
    Progress,
    VolumeRequestRefused,
    add_file_hashes,
    describe_path,
    encode_name,
    find_data_segments,
    get_entry_path,
    hash_file_content,
    list_tree,
    run_in_threads,
    send_response,
    sum_entry_sizes,
)

FICLONE = 0x40049409
# As much as may pass between two reports of progress.
KERNEL_COPY_BYTES = 16 * 1024 * 1024


def write_all(descriptor, data, offset):
    while data:
        count = os.pwrite(descriptor, data, offset)
        data, offset = data[count:], offset + count


def apply_metadata(path, entry):
    """Set the owner first, which clears set-uid bits and capabilities, and the times last."""
    os.chown(path, entry["uid"], entry["gid"], follow_symlinks=False)
    if entry["type"] != "link":
        os.chmod(path, entry["mode"])
    for name, value in entry.get("xattrs", {}).items():
        os.setxattr(path, name, base64.b64decode(value), follow_symlinks=False)
    os.utime(path, ns=(entry["mtime_ns"], entry["mtime_ns"]), follow_symlinks=False)


def remove_path(path):
    if os.path.isdir(path) and not os.path.islink(path):
        for child in os.listdir(path):
            remove_path(os.path.join(path, child))
        os.rmdir(path)
    else:
        os.unlink(path)


def empty_folder(root):
    for name in os.listdir(root):
        remove_path(os.path.join(root, name))


def create_entry(root, entry):
    """Create anything but a file with content; a folder gets its metadata after its content."""
    path = get_entry_path(root, entry)
    kind = entry["type"]
    if kind == "folder":
        if entry["name"] != ".":
            os.mkdir(path, 0o700)
        return
    if kind == "same":
        os.link(os.path.join(root, encode_name(entry["same"])), path, follow_symlinks=False)
        return
    if kind == "link":
        os.symlink(encode_name(entry["target"]), path)
    elif kind in ("fifo", "socket"):
        os.mknod(path, (stat.S_IFIFO if kind == "fifo" else stat.S_IFSOCK) | 0o600)
    else:
        form = stat.S_IFCHR if kind == "character" else stat.S_IFBLK
        os.mknod(path, form | 0o600, os.makedev(*entry["device"]))
    apply_metadata(path, entry)


def apply_folder_metadata(root, entries):
    for entry in reversed(entries):
        if entry["type"] == "folder":
            apply_metadata(get_entry_path(root, entry), entry)


def sync_filesystem(root):
    """Flush one filesystem to the disk; all of them if the C library has no syncfs."""
    descriptor = os.open(root, os.O_RDONLY)
    try:
        if ctypes.CDLL(None).syncfs(descriptor) != 0:
            os.sync()
    except (AttributeError, OSError):
        os.sync()
    finally:
        os.close(descriptor)


def clone_file(source, target):
    """Let two open files share their blocks; return whether the filesystem supports it."""
    try:
        fcntl.ioctl(target, FICLONE, source)
    except OSError:
        return False
    return True


def copy_file_content(source_root, target_root, entry, progress):
    source, target = get_entry_path(source_root, entry), get_entry_path(target_root, entry)
    descriptors = []
    try:
        for path, flags in ((source, os.O_RDONLY), (target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)):
            descriptors.append(os.open(path, flags | os.O_NOFOLLOW, 0o600))
        if entry["size"] == 0 or clone_file(*descriptors):
            progress.add(entry["size"])
        else:
            for start, length in find_data_segments(descriptors[0], entry["size"]):
                copy_byte_range(*descriptors, start, start + length, progress)
        os.ftruncate(descriptors[1], entry["size"])
    finally:
        for descriptor in descriptors:
            os.close(descriptor)
    apply_metadata(target, entry)


def copy_byte_range(source, target, at, end, progress):
    """Copy by copy_file_range, or by read and write where the kernel does not support it."""
    buffer = None
    while at < end:
        try:
            count = 0 if buffer else os.copy_file_range(source, target, min(KERNEL_COPY_BYTES, end - at), at, at)
        except (AttributeError, OSError) as exc:
            if getattr(exc, "errno", None) in (errno.ENOSPC, errno.EDQUOT):
                raise
            count = 0
        # Some filesystems return 0 instead of an error.
        if count == 0:
            buffer = buffer or memoryview(bytearray(BLOCK))
            count = os.preadv(source, [buffer[: min(BLOCK, end - at)]], at)
            if count == 0:
                raise OSError(errno.EIO, "it has become shorter while it was read")
            write_all(target, buffer[:count], at)
        at += count
        progress.add(count)


def sum_allocated_bytes(root, entries):
    files = [get_entry_path(root, entry) for entry in entries if entry["type"] == "file"]
    return sum(os.lstat(path).st_blocks * 512 for path in files)


def require_free_space(root, wanted, reserve):
    disk = os.statvfs(root)
    free = disk.f_bavail * disk.f_frsize
    if wanted + reserve > free:
        raise VolumeRequestRefused("room", needed=wanted, free=free)


def has_marker(root, token):
    try:
        with open(os.path.join(root, MARKER), "rb") as handle:
            return handle.read() == token
    except OSError:
        return False


def write_marker(root, token):
    with open(os.path.join(root, MARKER), "wb") as handle:
        handle.write(token)


def keep_unchanged_entries(target_root, entries):
    """Return the entries that an earlier copy has finished, by name; remove everything else."""
    wanted = {entry["name"]: entry for entry in entries}
    kept = {}
    for entry in reversed(list_tree(target_root)):
        name = entry["name"]
        other = wanted.get(name, {})
        compared = {"folder": ["type"], "file": ["type", "size", "mtime_ns"]}.get(entry["type"])
        if compared and all(entry[key] == other.get(key) for key in compared):
            kept[name] = entry
        elif name != ".":
            remove_path(get_entry_path(target_root, entry))
    return kept


def compare_contents(source_root, target_root, entries, others, progress):
    """Compare both sides byte by byte, in half the time of hashing one of them. Only files that differ get hashes."""
    by_name = {entry["name"]: entry for entry in entries if entry["type"] == "file"}

    def compare_file(other):
        entry = by_name.get(other["name"], {})
        source, target = get_entry_path(source_root, other), get_entry_path(target_root, other)
        if entry.get("size") == other["size"] and not has_same_content(source, target, other["size"], progress):
            entry["sha256"] = hash_file_content(source, entry["size"])
            other["sha256"] = hash_file_content(target, other["size"])

    run_in_threads(compare_file, [other for other in others if other["type"] == "file"])


def has_same_content(path, other, size, progress):
    """Return whether two files of one size have the same bytes."""
    descriptors = []
    try:
        for name in (path, other):
            descriptors.append(os.open(name, os.O_RDONLY | os.O_NOFOLLOW))
        # Not memoryviews: those are compared item by item.
        buffers = [bytearray(min(BLOCK, size)) for _descriptor in descriptors]
        for at, count in list_blocks_to_compare(descriptors, size):
            for number, buffer in enumerate(buffers):
                if os.preadv(descriptors[number], [memoryview(buffer)[:count]], at) != count:
                    return False
            # The rest of the buffers is from the block before, which was the same in both.
            if buffers[0] != buffers[1]:
                return False
            progress.add(count)
    finally:
        for descriptor in descriptors:
            os.close(descriptor)
    return True


def list_blocks_to_compare(descriptors, size):
    """Yield (offset, length) of the blocks in which files of one size may differ: not where both have a hole."""
    ranges = [list(find_data_segments(descriptor, size)) for descriptor in descriptors]
    # Mostly the ranges are the same; otherwise a block may come twice.
    for start, length in ranges[0] if ranges[0] == ranges[-1] else ranges[0] + ranges[-1]:
        for at in range(start, start + length, BLOCK):
            yield at, min(BLOCK, start + length - at)


def handle_copy_request(request):
    """Copy a tree and compare the copy with the source.

    replace: remove the content of the target first. ``prove``: the response has a digest over names, attributes and
    contents, and no entries. then_empty: empty the source after the caller has recorded that the copy is verified.
    """
    source, target = os.fsencode(request["source"]), os.fsencode(request["target"])
    token = request["token"].encode("utf-8", "surrogateescape")
    entries = list_tree(source)
    total = sum_entry_sizes(entries)
    marked = target and has_marker(target, token)
    if request.get("replace") and not marked:
        empty_folder(target)
    elif target and not marked:
        others = list_tree(target)
        if [entry["name"] for entry in entries] == [entry["name"] for entry in others]:
            compare_contents(source, target, entries, others, Progress("comparing", total))
        differences = pair_differing_entries(entries, others)
        if not differences:
            return {"same": True, "bytes": total, "entries": entries, "resumed": 0}
        if len(others) > 1:
            raise VolumeRequestRefused("occupied", differences=differences[:5])
    if request.get("look_only"):
        require_free_space(request["room_at"], sum_allocated_bytes(source, entries), request["reserve"])
        return {"same": False, "bytes": total, "entries": [], "resumed": 0}
    write_marker(target, token)
    kept = keep_unchanged_entries(target, entries)
    require_free_space(
        target, sum_allocated_bytes(source, [e for e in entries if e["name"] not in kept]), request["reserve"]
    )
    progress = Progress("copying", total)
    files = [entry for entry in entries if entry["type"] == "file"]
    for entry in entries:
        if entry["type"] == "folder" and entry["name"] not in kept:
            create_entry(target, entry)
    resumed = []

    def copy_or_keep(entry):
        path = get_entry_path(target, entry)
        if entry["name"] in kept and has_same_content(get_entry_path(source, entry), path, entry["size"], progress):
            apply_metadata(path, entry)
            resumed.append(entry["name"])
            return
        copy_file_content(source, target, entry, progress)

    if request.get("hold") and files:
        copy_or_keep(files.pop(0))
        send_response(held=True)
        request["go_on"].wait()
    run_in_threads(copy_or_keep, files)
    for entry in entries:
        if entry["type"] not in ("folder", "file"):
            create_entry(target, entry)
    apply_folder_metadata(target, entries)
    # Flush to the disk while it is read again.
    flushing = threading.Thread(target=sync_filesystem, args=(target,))
    flushing.start()
    others = list_tree(target)
    compare_contents(source, target, entries, others, Progress("comparing", total))
    # Removing the marker is the last change of the folder itself.
    os.unlink(os.path.join(target, MARKER))
    apply_metadata(target, entries[0])
    others[0], _status = describe_path(target, b".")
    # Changes of the source during the copy were not copied.
    differences = pair_differing_entries(entries, others) or pair_differing_entries(entries, list_tree(source))
    if differences:
        write_marker(target, token)
    answer = {"same": False, "bytes": total, "entries": entries, "resumed": len(resumed), "differences": differences}
    if request.get("prove"):
        add_file_hashes(source, entries, Progress("hashing", total))
        # Some filesystems name no blocks. 0 bytes mean that no file has content.
        used = sum_allocated_bytes(source, entries) or total
        answer.update(entries=[], bytes=used, digest=digest_entries(entries))
    flushing.join()
    sync_filesystem(target)
    if request.get("then_empty") and not differences:
        send_response(proved={"bytes": answer["bytes"], "digest": answer["digest"]})
        request["go_on"].wait()
        empty_folder(source)
        sync_filesystem(source)
    return answer


def digest_entries(entries):
    """Return a digest that is equal for equal trees."""
    digest = hashlib.sha256()
    for entry in entries:
        digest.update(json.dumps(strip_sparse(entry), sort_keys=True).encode("ascii"))
    return digest.hexdigest()


def strip_sparse(entry):
    """Return the entry without ``sparse``: holes in files are not compared."""
    return entry and {key: value for key, value in entry.items() if key != "sparse"}


def pair_differing_entries(entries, others):
    """Return the pairs of entries that differ; None stands for a missing entry."""
    by_name = {entry["name"]: entry for entry in others}
    pairs = [[entry, by_name.pop(entry["name"], None)] for entry in entries]
    pairs += [[None, entry] for entry in by_name.values()]
    return [pair for pair in pairs if strip_sparse(pair[0]) != strip_sparse(pair[1])]
