# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Find the Compose files, env files and active profiles of a project by Compose's own rules."""

from __future__ import annotations

import os
import re
import typing as t

from ansible_collections.localdev.recovery.plugins.module_utils._docker.cli import Project

COMPOSE_FILES = ("compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml")
OVERRIDE_FILES = (
    "compose.override.yml",
    "compose.override.yaml",
    "docker-compose.override.yml",
    "docker-compose.override.yaml",
)


def resolve_project_files(project: Project) -> tuple[str, tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    """Return project folder, Compose files, env files and active profiles by Compose's rules; paths are absolute."""
    settings: dict[str, str] = {}
    for env_file in project.env_files or (".env",):
        settings.update(read_compose_settings(os.path.join(project.src, env_file)))
    settings.update(os.environ)
    separator = settings.get("COMPOSE_PATH_SEPARATOR") or os.pathsep
    files = list(project.files) or [item for item in settings.get("COMPOSE_FILE", "").split(separator) if item]
    paths = [os.path.normpath(os.path.join(project.src, item)) for item in files] or _default_files(project.src)
    directory = project.src if project.files or not paths else os.path.dirname(paths[0])
    env_files = [os.path.normpath(os.path.join(project.src, item)) for item in project.env_files]
    if not env_files:
        env_files = [path for path in [os.path.join(directory, ".env")] if os.path.isfile(path)]
    profiles = set(project.profiles) or {
        item.strip() for item in settings.get("COMPOSE_PROFILES", "").split(",") if item.strip()
    }
    return directory, tuple(paths), tuple(env_files), tuple(sorted(profiles))


def list_compose_files(project: Project) -> tuple[str, ...]:
    """Return the Compose files of a project, absolute, without those that they extend or include. Runs no command."""
    return resolve_project_files(project)[1]


def _default_files(folder: str) -> list[str]:
    """Return the file in the folder or in its nearest parent, and the override in the same folder, like Compose."""

    def present(names: t.Iterable[str]) -> list[str]:
        return [path for path in (os.path.join(folder, name) for name in names) if os.path.isfile(path)]

    while not (found := present(COMPOSE_FILES)):
        parent = os.path.dirname(folder)
        if parent == folder:
            return []
        folder = parent
    return [found[0], *present(OVERRIDE_FILES)[:1]]


def read_compose_settings(path: str) -> dict[str, str]:
    """Return the COMPOSE_* settings of an env file. Values are not interpolated."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            lines = file.read().splitlines()
    except OSError:
        return {}
    found = (re.match(r"\s*(?:export\s+)?(COMPOSE_\w+)\s*=\s*(.*?)\s*$", line) for line in lines)
    return {match.group(1): match.group(2).strip("'\"") for match in found if match}
