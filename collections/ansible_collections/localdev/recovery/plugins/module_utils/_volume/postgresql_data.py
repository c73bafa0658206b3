# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Find a PostgreSQL cluster among the files of a volume, and refuse one that was not stopped cleanly."""

from __future__ import annotations

import os
import re
import typing as t

from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._docker.cli import Docker
from ansible_collections.localdev.recovery.plugins.module_utils._volume.manifest import ManifestEntry

# Of a server that runs, or that was killed.
PID_FILE = "postmaster.pid"


def find_cluster(versions: t.Mapping[str, str], names: t.Container[str]) -> tuple[str, str]:
    """Return folder and major version of the PostgreSQL cluster among the files; empty without one. Pure.

    versions: content of the files PG_VERSION, by name; every database of a cluster has one too.
    """
    for name in sorted(versions, key=len):
        folder = os.path.dirname(name)
        if os.path.join(folder, "global") in names:
            return folder, versions[name]
    return "", ""


def refuse_unclean_cluster(what: str, entries: t.Iterable[ManifestEntry], versions: t.Mapping[str, str]) -> str:
    """Return the cluster's major version; raise RecoveryError if its server was not stopped. Pure."""
    names = {entry["name"] for entry in entries}
    folder, version = find_cluster(versions, names)
    if version and os.path.join(folder, PID_FILE) in names:
        raise RecoveryError(
            FailureId.VOLUME_UNCLEAN_CLUSTER,
            f"{what} holds {os.path.join(folder, PID_FILE)}: PostgreSQL was running, or was killed, so the files need "
            "not fit each other",
            hint="Start the server, stop its container with time to shut down, then make the archive again.",
        )
    return version


def read_image_server_version(docker: Docker, image: str) -> str:
    """Return the major version of the PostgreSQL server in an image."""
    command = ("run", "--rm", "--pull", "never", "--network", "none", "--entrypoint", "postgres", image, "--version")
    answer = docker.run(*command).stdout
    match = re.search(r"\(PostgreSQL\) (\d+)", answer)
    if match is None:
        raise RecoveryError(
            FailureId.IMAGE_UNKNOWN_VERSION,
            f"The image {image} does not tell the version of its PostgreSQL: {answer.strip()}",
            hint="Set stack_database_service to the service of PostgreSQL.",
        )
    return match.group(1)
