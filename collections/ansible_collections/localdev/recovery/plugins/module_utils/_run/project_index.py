# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Find the stack of a project folder without Compose, and the other stacks of an engine.

The index has a file for each project folder, named after its real path. It is written when a run begins.
"""

from __future__ import annotations

import contextlib
import glob
import hashlib
import json
import os
import typing as t

from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils._core.files import write_file_atomically
from ansible_collections.localdev.recovery.plugins.module_utils._docker.cli import Docker, Project
from ansible_collections.localdev.recovery.plugins.module_utils._run.state_access import INDEX_FOLDER, choose_file_mode
from ansible_collections.localdev.recovery.plugins.module_utils._run.store import RunStore
from ansible_collections.localdev.recovery.plugins.module_utils._stack.description import (
    StackDescription,
    StateDescription,
)
from ansible_collections.localdev.recovery.plugins.module_utils._stack.project_name import (
    find_chosen_project_name,
    find_project_name,
)
from ansible_collections.localdev.recovery.plugins.module_utils._stack.state_place import (
    SYSTEM_ROOT,
    get_user_state_folder,
    read_state_place,
)


class IndexEntry(t.TypedDict):
    """The stack of a project folder, when a run began there last. dir: its real path."""

    dir: str
    project: str
    state: StateDescription


def write_index_entry(state: StateDescription, project_dir: str, project: str) -> None:
    """Note the stack of a project folder. The index is a help alone, so an error is ignored."""
    entry: IndexEntry = {"dir": os.path.realpath(project_dir), "project": project, "state": state}
    path = _get_index_path(state["root"], project_dir)
    with contextlib.suppress(OSError):
        if read_index_file(path) != entry:
            write_file_atomically(path, json.dumps(entry) + "\n", choose_file_mode(shared=state["group"] is not None))


def find_index_entry(project_dir: str, root: str = "") -> IndexEntry | None:
    """Return the newest entry of a project folder, in the place of one engine or (without root) of all of them."""
    roots = [root] if root else [SYSTEM_ROOT, *sorted(glob.glob(os.path.join(get_user_state_folder(), "*")))]
    paths = [_get_index_path(place, project_dir) for place in roots]
    found = [path for path in paths if os.path.isfile(path)]
    return read_index_file(max(found, key=os.path.getmtime)) if found else None


def read_index_file(path: str) -> IndexEntry | None:
    """Return an entry, or None if there is none, or one that cannot be read."""
    with contextlib.suppress(OSError, ValueError), open(path, encoding="utf-8") as handle:
        entry = json.load(handle)
        if isinstance(entry, dict) and {"dir", "project", "state"} <= set(entry):
            return t.cast(IndexEntry, entry)
    return None


def _get_index_path(root: str, project_dir: str) -> str:
    digest = hashlib.sha256(os.path.realpath(project_dir).encode()).hexdigest()[:16]
    return os.path.join(root, INDEX_FOLDER, f"{digest}.json")


def find_project_state(
    docker: Docker, project: Project, coming: t.Mapping[str, str] | None = None
) -> tuple[str, StateDescription]:
    """Return the name and the state place of a project that Compose need not be able to read.

    A chosen name decides. Else the index knows the stack of the folder, from its last run. coming: the values of an env
    file that is about to be written; they may choose the name.
    """
    chosen = find_chosen_project_name(project, coming)
    entry = None if chosen else find_index_entry(project.src)
    if entry:
        return entry["project"], entry["state"]
    engine = None
    with contextlib.suppress(RecoveryError):
        engine = docker.json("version", "--format", "{{json .}}")
    name = chosen or find_project_name(project)
    return name, read_state_place(docker, engine).describe(name)


def open_run_store(docker: Docker, project: Project, stack: StackDescription | None) -> RunStore:
    """Return the run records of a stack, or (without its description) of a project that Compose cannot read."""
    if stack:
        return RunStore.from_stack(stack)
    _name, state = find_project_state(docker, project)
    return RunStore.from_state(state, project.src)
