# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Build the names under which a run keeps objects: each follows from the object's name and the run id. Pure."""

from __future__ import annotations

import hashlib
import os
import re
import typing as t

from ansible_collections.localdev.recovery.plugins.module_utils._docker.image_name import add_tag_suffix

# Folders of the state folder with kept content. Below container_files: RUN ID/CONTAINER/path in the container.
FILES_FOLDER = "files"
ROWS_FOLDER = "rows"
CONTAINERS_FOLDER = "containers"
CONTAINER_FILES_FOLDER = "container_files"
KEPT_MARK = ".aside-"
# Bytes of a file name, with room for the suffixes of unfinished copies.
_MAX_FILE_NAME_BYTES = 200
# Bytes; PostgreSQL cuts longer names without an error.
_MAX_DATABASE_NAME_BYTES = 63


def build_kept_name(name: str, run_id: str, longest: int | None = None) -> str:
    """Return the name under which a run keeps an object, cut to at most ``longest`` bytes.

    A cut name carries a digest of the full name, so two long names with the same beginning differ.
    """
    suffix = f"{KEPT_MARK}{run_id}"
    if longest is not None and len((name + suffix).encode()) > longest:
        suffix = f"~{_shorten_digest(name)}{suffix}"
        name = name.encode()[: longest - len(suffix)].decode(errors="ignore")
    return name + suffix


def derive_kept_name(kind: str, name: str, run_id: str) -> str:
    """Return the kept name of an object. name: as its record has it on the disk, so a file's is relative if it can be.

    The kept name of a file is a path in the state folder.
    """
    if kind == "database":
        return build_kept_name(name, run_id, _MAX_DATABASE_NAME_BYTES)
    if kind == "image":
        return add_tag_suffix(name, f"{KEPT_MARK}{run_id}")
    if kind == "file":
        # Files of one name in two folders differ in the digest.
        plain = f"{os.path.basename(name)}~{_shorten_digest(name)}"
        return os.path.join(FILES_FOLDER, build_kept_name(plain, run_id, _MAX_FILE_NAME_BYTES))
    if kind == "row":
        # A valid file name for any value.
        plain = re.sub(r"[^\w.=@+-]", "_", name)
        plain += f"~{_shorten_digest(name)}" if plain != name else ""
        return build_kept_name(plain, run_id, _MAX_FILE_NAME_BYTES)
    return build_kept_name(name, run_id)


def get_kept_file(entry: t.Mapping[str, t.Any]) -> str:
    """Return the path in the state folder where the content of an entry is kept; empty for other kinds of objects."""
    if entry["kind"] == "file":
        return str(entry["aside"])
    if entry["kind"] == "row":
        return os.path.join(ROWS_FOLDER, entry["aside"])
    if entry["kind"] == "container":
        return os.path.join(CONTAINERS_FOLDER, f"{entry['aside']}.tar")
    if entry["kind"] == "container_file":
        run_id = entry["aside"].rpartition(KEPT_MARK)[2]
        container, _colon, path = entry["name"].partition(":")
        return os.path.join(CONTAINER_FILES_FOLDER, run_id, container, os.path.normpath(path).lstrip("/"))
    return ""


def _shorten_digest(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()[:6]
