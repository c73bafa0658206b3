# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""The base class of the keepers, which set one kind of object aside and put it back."""

from __future__ import annotations

import os
import shlex
import typing as t

from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._core.next_command import program_command
from ansible_collections.localdev.recovery.plugins.module_utils._docker.cli import Docker
from ansible_collections.localdev.recovery.plugins.module_utils._docker.helper_container import HelperContainer
from ansible_collections.localdev.recovery.plugins.module_utils._docker.mounts import find_mounting_containers
from ansible_collections.localdev.recovery.plugins.module_utils._run.active import ActiveRun
from ansible_collections.localdev.recovery.plugins.module_utils._run.kept_names import KEPT_MARK
from ansible_collections.localdev.recovery.plugins.module_utils._run.record import EntryState, SetAsideEntry
from ansible_collections.localdev.recovery.plugins.module_utils._stack.description import ServiceDescription

# Name, type, mode, owner, time, link target and content of every file below a folder, as one digest. The tar
# stream is only hashed. Sockets are left out: tar knows none. Works with GNU and BusyBox tools alike. OpenSSL uses the
# processor's own instructions and is four times as fast as GNU's sha256sum.
DIGEST = (
    "(cd {folder} && find . ! -type s | LC_ALL=C sort "
    "| tar -c --no-recursion --numeric-owner -f - -T - "
    "| if command -v openssl >/dev/null; then openssl dgst -sha256 -r; else sha256sum; fi | cut -c1-64)"
)

# BusyBox knows no -f.
SYNC = "{{ sync -f {folder} 2>/dev/null || sync; }}"

# Kilobytes of a folder on the disk, then a slash if a file in it has content. BusyBox knows these options too.
USED = "du -sk {folder} | cut -f1; find {folder} -type f -size +0 | head -c 1; echo"


def parse_used_bytes(answer: str) -> tuple[int, bool]:
    """Return the bytes of a folder, and whether no file has content, from the answer to USED."""
    used, *content = answer.split()
    return int(used) * 1024, not content


class Keeper:
    """A keeper: it keeps and puts back one kind of object. Every method may be repeated after a crash at any point."""

    # Whether keeping leaves the original in its place, so that an unverified copy can be deleted.
    copies = False
    # Keys of an object beside kind and name that keeping and putting back need.
    required_keys: tuple[str, ...] = ()

    def __init__(self, docker: Docker, run: ActiveRun, image: str, python_images: t.Sequence[str] = ()) -> None:
        """Take an image with a shell, and images that may have a Python, the most likely first."""
        self.docker = docker
        self.run = run
        self.image = image
        self.python_images = python_images

    @staticmethod
    def normalise_name(item: t.Mapping[str, t.Any]) -> str:
        """Return the name of an object as records have it; raise RecoveryError for an invalid name."""
        return str(item["name"])

    @classmethod
    def discarded_name(cls, entry: SetAsideEntry) -> str:
        """Return the name of incomplete content between renaming and deleting."""
        name, _aside, run_id = entry["aside"].rpartition(KEPT_MARK)
        return cls.build_discarded_name(name, run_id)

    @staticmethod
    def build_discarded_name(name: str, run_id: str) -> str:
        return f"{name}.discarded-{run_id}"

    @staticmethod
    def must_stop(service: ServiceDescription, entry: SetAsideEntry) -> bool:
        """Return whether a service must stop while the object is put back. Any service may use volumes and folders."""
        return True

    def open_helper(self, *mounts: tuple[str, str, bool]) -> HelperContainer:
        return HelperContainer(self.docker, self.image, mounts, self.run.record["run_id"])

    def exists(self, entry: SetAsideEntry) -> bool:
        """Return whether there is something to set aside."""
        raise NotImplementedError

    def kept_copy_exists(self, entry: SetAsideEntry) -> bool:
        raise NotImplementedError

    def measure(self, entry: SetAsideEntry) -> tuple[int, int | None, int | None]:
        """Return bytes of the original, bytes needed to keep it, bytes free at the kept copy (None: not known)."""
        raise NotImplementedError

    def find_users(self, name: str) -> list[tuple[str, str]]:
        """Return the running containers that mount a volume or folder: name, and path in the container."""
        return find_mounting_containers(self.docker, name)

    def refuse_if_used(self, entry: SetAsideEntry) -> None:
        """Raise RecoveryError if a running container mounts it: a copy would be a mix of old and new."""
        users = [name for name, _path in self.find_users(entry["name"])]
        if users:
            raise RecoveryError(
                FailureId.VOLUME_IN_USE,
                f"The {entry['kind']} {entry['name']} is in use by the running container {', '.join(users)}",
                next_command=program_command("docker", "stop", *users),
            )

    def measure_used_and_free(self, source: str, free_at: str = "") -> tuple[int, int]:
        """Return bytes in the volume or folder source, and bytes free at a path beside it (default: in it).

        A container that mounts it already is used, else a helper container.
        """
        script = "du -sk {0} | cut -f1; df -Pk {1} | tail -n 1 | awk '{{print $4}}'"
        users = self.find_users(source)
        if users:
            name, path = users[0]
            command = script.format(shlex.quote(path), free_at or shlex.quote(path))
            answer = self.docker.run("exec", "--user", "0:0", name, "sh", "-c", command).stdout
        else:
            with self.open_helper((source, "/from", False)) as shell:
                answer = shell.run(script.format("/from", free_at or "/from"))
        used, free = answer.split()
        return int(used) * 1024, int(free) * 1024

    def prepare(self, entry: SetAsideEntry) -> None:
        """Prepare the object before it is checked whether there is something to keep."""

    def keep(self, entry: SetAsideEntry) -> None:
        """Keep the object. Record its bytes, and whether it is ``empty`` or ``absent`` if bytes alone do not say so."""
        raise NotImplementedError

    def put_back(self, entry: SetAsideEntry, displaced: SetAsideEntry | None) -> None:
        raise NotImplementedError

    def delete(self, entry: SetAsideEntry) -> None:
        raise NotImplementedError

    def place_replacement(self, entry: SetAsideEntry) -> None:
        """Move the replacement to its place if there is nothing to set aside."""

    def abandon(self, entry: SetAsideEntry) -> None:
        """Undo the first steps of an interrupted keep."""

    def state_when_kept(self, entry: SetAsideEntry) -> EntryState:
        """Return the state of an entry whose old content is complete under the kept name."""
        return "kept"


def normalise_absolute_path(item: t.Mapping[str, t.Any]) -> str:
    """Return the path of a folder or file without a slash at its end: the kept copy must be beside the folder."""
    if not os.path.isabs(item["name"]):
        raise RecoveryError(FailureId.OPTION_INVALID, f"The {item['kind']} {item['name']} is not an absolute path")
    return os.path.normpath(str(item["name"]))
