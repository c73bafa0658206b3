# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Mount volumes and folders, and find the containers that mount them."""

from __future__ import annotations

import os
import typing as t

from ansible_collections.localdev.recovery.plugins.module_utils._docker.cli import Docker


def build_mount_arguments(source: str, target: str, *, writable: bool) -> list[str]:
    """Return the mount options of ``docker run``. source: a folder's path or a volume's name.

    A new volume does not get the image's files.
    """
    kind = "bind" if source.startswith("/") else "volume"
    option = f"type={kind},source={source},target={target}" + ("" if writable else ",readonly")
    return ["--mount", option + (",volume-nocopy" if kind == "volume" else "")]


def create_volume(docker: Docker, name: str, labels: t.Mapping[str, str]) -> None:
    """Create a volume. Compose uses it without a warning if it has Compose's labels."""
    options = [option for key, value in sorted(labels.items()) for option in ("--label", f"{key}={value}")]
    docker.run("volume", "create", *options, name)


def find_mounting_containers(docker: Docker, name: str) -> list[tuple[str, str]]:
    """Return the running containers that mount a volume or a path in a folder: name and path in the container."""
    running = docker.inspect("container", docker.run("ps", "--quiet", "--no-trunc").stdout.split())
    return sorted(
        (item["Name"].lstrip("/"), mount["Destination"])
        for item in running
        for mount in item["Mounts"]
        if mount.get("Name") == name or f"{os.path.normpath(mount['Source'])}/".startswith(f"{name}/")
    )
