# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Find the name of a Compose project by Compose's own rules, without Compose: it cannot read every project."""

from __future__ import annotations

import contextlib
import os
import re
import typing as t

from ansible_collections.localdev.recovery.plugins.module_utils._docker.cli import Project
from ansible_collections.localdev.recovery.plugins.module_utils._stack.compose_files import (
    read_compose_settings,
    resolve_project_files,
)

_NAME_KEY = re.compile(r"^name:\s*[\"']?([a-z0-9][a-z0-9_-]*)[\"']?\s*(?:#.*)?$", re.M)


def find_chosen_project_name(project: Project, coming: t.Mapping[str, str] | None = None) -> str:
    """Return the name that an option, the environment or an env file gives the project; empty without one.

    coming: the values of an env file that is about to be written.
    """
    if project.name:
        return project.name
    settings: dict[str, str] = {}
    for env_file in project.env_files or (".env",):
        settings.update(read_compose_settings(os.path.join(project.src, env_file)))
    settings.update(coming or {})
    return os.environ.get("COMPOSE_PROJECT_NAME") or settings.get("COMPOSE_PROJECT_NAME", "")


def find_project_name(project: Project) -> str:
    """Return the name of the project: the chosen one, that of a Compose file, or that of the folder."""
    chosen = find_chosen_project_name(project)
    if chosen:
        return chosen
    folder, files, _env_files, _profiles = resolve_project_files(project)
    for path in reversed(files):
        with contextlib.suppress(OSError, UnicodeDecodeError), open(path, encoding="utf-8") as file:
            match = _NAME_KEY.search(file.read())
            if match:
                return match.group(1)
    return normalise_project_name(os.path.basename(os.path.normpath(folder)))


def normalise_project_name(folder_name: str) -> str:
    """Return the project name that Compose makes of a folder's name; ``default`` where nothing is left of it. Pure."""
    return re.sub(r"[^a-z0-9_-]", "", folder_name.lower()).lstrip("_-") or "default"
