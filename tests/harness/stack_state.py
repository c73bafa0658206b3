# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""State of a copy of the reference stack: what the engine and the folder hold."""

from __future__ import annotations

import hashlib
import json
import os
import stat
import typing as t
from pathlib import Path

from tests.harness.engine import docker, inspect_objects
from tests.harness.stack_settings import StackSettings

RUN_LABEL = "localdev.recovery.run"
SERVICE_LABEL = "com.docker.compose.service"
ONE_OFF_LABEL = "com.docker.compose.oneoff"


class StackState(StackSettings):
    """A copy of the reference stack whose containers, volumes, files and run records can be read."""

    def containers(self) -> dict[str, dict[str, t.Any]]:
        """Return name -> inspection of the containers of the project, and of helpers that work on it."""
        ids = docker("ps", "--all", "--quiet", "--filter", f"label=com.docker.compose.project={self.name}")
        return inspect_objects("container", ids.split()) | self.helper_containers()

    def one_off_containers(self) -> list[str]:
        """Return the names of the containers of ``docker compose run``."""
        containers = self.containers().items()
        return [name for name, item in containers if item["Config"]["Labels"].get(ONE_OFF_LABEL) == "True"]

    def helper_containers(self) -> dict[str, dict[str, t.Any]]:
        """Return the helper containers of runs on this stack, running or not."""
        ids = docker("ps", "--all", "--quiet", "--filter", f"label={RUN_LABEL}").split()
        own = set(self.run_ids())
        found = inspect_objects("container", ids)
        return {name: item for name, item in found.items() if item["Config"]["Labels"][RUN_LABEL] in own}

    def running_services(self) -> list[str]:
        return sorted(
            item["Config"]["Labels"][SERVICE_LABEL]
            for item in self.containers().values()
            if item["State"]["Running"] and SERVICE_LABEL in item["Config"]["Labels"]
        )

    def volumes(self) -> list[str]:
        return sorted(docker("volume", "ls", "--quiet", "--filter", f"name={self.name}").split())

    def kept_copies(self) -> list[str]:
        """Return the volumes and folders that runs have left beside the data."""
        folders = [str(path) for path in (self.dir / "data").glob("postgres.*")] if self.mounts == "bind" else []
        return sorted(folders + [name for name in self.volumes() if ".aside-" in name or ".discarded-" in name])

    def run_records(self) -> list[dict[str, t.Any]]:
        """Return the records of runs, oldest first. Paths of folders in the project are absolute."""
        records = [json.loads(path.read_text()) for path in sorted((self.state_folder / "runs").glob("*.json"))]
        for entry in (entry for record in records for entry in record["asides"] if entry["kind"] == "folder"):
            entry.update(name=str(self.dir / entry["name"]), aside=str(self.dir / entry["aside"]))
        return records

    def run_ids(self) -> list[str]:
        return [record["run_id"] for record in self.run_records()]

    def last_run(self, procedure: str = "full_rebuild") -> dict[str, t.Any]:
        """Return the record of the newest run of a procedure."""
        return [record for record in self.run_records() if record["procedure"] == procedure][-1]

    def engine_state(self) -> dict[str, t.Any]:
        """Return all that Docker knows of the project and that a change would show in."""
        containers = {
            name: (item["Id"], item["Image"], item["State"]["Status"], item["State"]["StartedAt"], item["RestartCount"])
            for name, item in self.containers().items()
            # `docker run --rm` ends before the engine has deleted the container.
            if item["State"]["Status"] != "removing"
        }
        networks = docker(
            "network", "ls", "--no-trunc", "--filter", f"name={self.name}", "--format", "{{.ID}} {{.Name}}"
        )
        images = docker(
            "image", "ls", "--no-trunc", "--filter", f"reference={self.name}-*", "--format", "{{.ID}} {{.Repository}}"
        )
        return {
            "containers": containers,
            "volumes": {name: item["CreatedAt"] for name, item in inspect_objects("volume", self.volumes()).items()},
            "networks": sorted(networks.splitlines()),
            "images": sorted(images.splitlines()),
        }

    def file_states(self, leave_out: t.Container[str] = ()) -> dict[str, tuple[t.Any, ...]]:
        """Return path -> mode, owner, time and digest of every file of the folder.

        leave_out: folders whose files change, such as those of a running server.
        """
        found: dict[str, tuple[t.Any, ...]] = {}
        for folder, folders, files in os.walk(self.dir):
            here = os.path.relpath(folder, self.dir)
            folders[:] = [name for name in folders if os.path.normpath(os.path.join(here, name)) not in leave_out]
            for name in [".", *files]:
                path = os.path.join(folder, name)
                status = os.lstat(path)
                digest = ""
                if stat.S_ISREG(status.st_mode):
                    digest = hashlib.sha256(Path(path).read_bytes()).hexdigest()
                relative = os.path.normpath(os.path.join(here, name))
                found[relative] = (oct(status.st_mode), status.st_uid, status.st_gid, status.st_mtime_ns, digest)
        return found
