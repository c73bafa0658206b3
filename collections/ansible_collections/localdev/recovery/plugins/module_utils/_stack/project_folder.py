# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Find the folder of a project and its inventory, and resolve paths relative to that folder."""

from __future__ import annotations

import os
import typing as t

from ansible_collections.localdev.recovery.plugins.module_utils._stack.compose_files import COMPOSE_FILES

# The inventory of one project, as init writes it.
INVENTORY_NAME = "localdev.yml"


def find_project_folder(folder: str) -> str:
    """Return the folder or its nearest parent that has a Compose file or an inventory, as Compose looks for its file.

    Return the folder itself if none has. folder: absolute.
    """
    candidate = folder
    while not any(os.path.isfile(os.path.join(candidate, name)) for name in (INVENTORY_NAME, *COMPOSE_FILES)):
        parent = os.path.dirname(candidate)
        if parent == candidate:
            return folder
        candidate = parent
    return candidate


def find_project_inventory(folder: str) -> str:
    """Return the path of the inventory of the project to which a folder belongs, or an empty text.

    folder: empty while it is not known.
    """
    if not folder:
        return ""
    path = os.path.join(find_project_folder(os.path.abspath(os.path.expanduser(folder))), INVENTORY_NAME)
    return path if os.path.isfile(path) else ""


def choose_inventory_variables(inventory: t.Any, host: str) -> dict[str, t.Any]:
    """Return the variables of a stack in the content of its inventory. Pure.

    They are those of the host, or of the only host of the inventory. The folder and the connection are left out: they
    are those of the caller.
    """
    group = inventory.get("stacks") if isinstance(inventory, t.Mapping) else None
    hosts = (group.get("hosts") if isinstance(group, t.Mapping) else None) or {}
    chosen = host if host in hosts else next(iter(hosts), "") if len(hosts) == 1 else ""
    if not isinstance(group, t.Mapping) or not chosen:
        return {}
    sources: list[t.Mapping[str, t.Any]] = [group.get("vars") or {}, hosts[chosen] or {}]
    # Items are read one by one: a template is evaluated when it is read.
    names = [(source, name) for source in sources for name in source]
    return {name: source[name] for source, name in names if name != "stack_dir" and not name.startswith("ansible_")}


def resolve_project_path(path: str, folder: str, *, named: bool = False) -> str:
    """Return a path with a project folder before a relative one. Pure.

    named: a word without a slash is a name, such as that of a backup. A path of a home folder is left to the host.
    """
    if not path or path.startswith("~") or (named and os.sep not in path):
        return path
    return os.path.normpath(os.path.join(folder, path))
