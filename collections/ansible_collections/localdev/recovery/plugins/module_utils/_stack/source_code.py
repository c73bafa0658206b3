# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Search the host folders that services build from or mount for source code and Alembic configurations."""

from __future__ import annotations

import collections
import itertools
import os
import re

from ansible_collections.localdev.recovery.plugins.module_utils._stack.facts import Json, SourcePath

MAX_SOURCE_DEPTH = 3
# A folder with more entries than this is data, not source.
MAX_FOLDER_ENTRIES = 2000
# The search ends after this many entries.
MAX_SOURCE_FILES = 20000
SKIPPED_FOLDERS = frozenset(
    ("node_modules", "venv", "__pycache__", "site-packages", "dist", "build", "data", "backups")
)
CODE_FILES = frozenset(
    {"pyproject.toml", "setup.py", "requirements.txt", "Pipfile", "manage.py", "alembic.ini", "package.json"}
    | {"index.html", "go.mod", "Cargo.toml", "Gemfile", "pom.xml", "composer.json", "Dockerfile", "Makefile"}
)
CODE_SUFFIXES = (".py", ".js", ".ts", ".tsx", ".jsx", ".go", ".rb", ".rs", ".java", ".php", ".vue", ".svelte")


def list_source_paths(config: Json) -> list[str]:
    """Return host paths that services are built from or mount."""
    paths = set()
    for service in config["services"].values():
        context = str((service.get("build") or {}).get("context") or "")
        paths.add(context)
        paths |= {str(mount.get("source", "")) for mount in service.get("volumes") or () if mount.get("type") == "bind"}
    return sorted(path for path in paths if path.startswith("/"))


def inspect_source_path(path: str) -> SourcePath:
    """Search a host path for code and Alembic configurations."""
    if not os.path.exists(path):
        return SourcePath(exists=False)
    if not os.path.isdir(path):
        return SourcePath(folder=False)
    found: list[tuple[int, str]] = []
    code = False
    seen = 0
    # Breadth first, so that the limit skips the deepest folders.
    pending = collections.deque([(path, 0)])
    while pending:
        folder, depth = pending.popleft()
        entries = _list_folder(folder)
        seen += len(entries)
        if seen > MAX_SOURCE_FILES:
            break
        for entry in entries:
            if entry.is_file():
                code = code or (depth <= 1 and (entry.name in CODE_FILES or entry.name.endswith(CODE_SUFFIXES)))
                if _configures_alembic(entry.name, entry.path):
                    found.append((depth, os.path.relpath(entry.path, path)))
            elif depth < MAX_SOURCE_DEPTH and _may_hold_source(entry):
                pending.append((entry.path, depth + 1))
    return SourcePath(code=code, alembic=tuple(name for _rest, name in sorted(found)))


def _list_folder(folder: str) -> list[os.DirEntry[str]]:
    """Return the entries of a folder; none when it cannot be read or is too large to be source."""
    try:
        with os.scandir(folder) as entries:
            listed = list(itertools.islice(entries, MAX_FOLDER_ENTRIES + 1))
    except OSError:
        return []
    return sorted(listed, key=lambda entry: entry.name) if len(listed) <= MAX_FOLDER_ENTRIES else []


def _may_hold_source(entry: os.DirEntry[str]) -> bool:
    return entry.name not in SKIPPED_FOLDERS and not entry.name.startswith(".") and entry.is_dir(follow_symlinks=False)


def _configures_alembic(name: str, path: str) -> bool:
    if name == "alembic.ini":
        return True
    if name != "pyproject.toml":
        return False
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return bool(re.search(r"^\s*\[tool\.alembic\]", file.read(), re.M))
    except OSError:
        return False
