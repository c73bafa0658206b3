# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Write the paths of a run record relative to the project folder, and read them again. Pure.

A record outlives the folder: a clone of a deleted project, or a folder under another name, has the same files.
"""

from __future__ import annotations

import os
import typing as t

from ansible_collections.localdev.recovery.plugins.module_utils._core.files import is_path_within

# Keys that hold a path, by the kind of the entry. The kept name of a folder is beside it, that of a file is not.
_PATH_KEYS = {"folder": ("name", "aside", "replacement"), "file": ("name", "replacement"), "path": ("name", "unless")}


def make_path_relative(path: str, folders: t.Iterable[str]) -> str:
    """Return the path relative to the first of the folders that contain it, else the path itself."""
    for folder in folders:
        if folder and is_path_within(path, folder):
            return os.path.relpath(path, folder)
    return path


def make_paths_relative(record: t.Mapping[str, t.Any], folders: t.Sequence[str]) -> dict[str, t.Any]:
    """Return a copy of a record for the disk. folders: the spellings of the project folder's path."""
    return _map_paths(record, lambda path: make_path_relative(path, folders))


def make_paths_absolute(record: t.Mapping[str, t.Any], folder: str) -> dict[str, t.Any]:
    """Return a copy of a record from the disk. folder: of the project."""
    return _map_paths(record, lambda path: os.path.normpath(os.path.join(folder, path)))


def _map_paths(record: t.Mapping[str, t.Any], change: t.Callable[[str], str]) -> dict[str, t.Any]:
    def map_entry(entry: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
        keys = _PATH_KEYS.get(entry["kind"], ())
        return {key: change(value) if key in keys and value else value for key, value in entry.items()}

    changed = {**record, "asides": [map_entry(entry) for entry in record["asides"]]}
    if "scratch" in record:
        changed["scratch"] = [map_entry(entry) for entry in record["scratch"]]
    return changed
