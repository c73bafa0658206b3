# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Find volumes and folders that already hold data of the stack's database."""

from __future__ import annotations

import os

from ansible_collections.localdev.recovery.plugins.module_utils._docker.cli import Docker
from ansible_collections.localdev.recovery.plugins.module_utils._docker.inspect import parse_environment_list
from ansible_collections.localdev.recovery.plugins.module_utils._stack.description import StackDescription


def find_database_data(docker: Docker, stack: StackDescription) -> list[str]:
    """Return volumes and folders that hold data of the stack's database."""
    existing = {item["name"] for item in stack["volumes"].values() if item["exists"]}
    found = {
        mount["source"]
        for mount in (stack["database"]["data_mounts"] if stack["database"] else [])
        if mount["source"] in existing or _has_content(mount["source"])
    }
    return sorted(found | _find_container_data(docker))


def _find_container_data(docker: Docker) -> set[str]:
    """Return data of database containers created from this folder: a missing env file may have named the project."""
    src = docker.project.src if docker.project else ""
    label = f"label=com.docker.compose.project.working_dir={src}"
    ids = docker.run("ps", "--all", "--quiet", "--no-trunc", "--filter", label).stdout.split()
    return {
        str(mount.get("Name") or mount["Source"])
        for item in docker.inspect("container", ids)
        if "PGDATA" in parse_environment_list(item["Config"]["Env"])
        for mount in item["Mounts"]
        if mount.get("RW")
    }


def _has_content(path: str) -> bool:
    if not os.path.isabs(path) or not os.path.isdir(path):
        return False
    try:
        return bool(os.listdir(path))
    except PermissionError:
        # Only PostgreSQL's own user may read its folder.
        return True
