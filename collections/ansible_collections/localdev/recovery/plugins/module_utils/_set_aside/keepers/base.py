# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""How one kind of thing is set aside and put back: what the keepers of all kinds share."""

from __future__ import annotations

import os
import shlex
import typing as t

from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils._docker.cli import Docker
from ansible_collections.localdev.recovery.plugins.module_utils._docker.helper_container import HelperContainer
from ansible_collections.localdev.recovery.plugins.module_utils._docker.mounts import find_mounting_containers
from ansible_collections.localdev.recovery.plugins.module_utils._run.active import ActiveRun
from ansible_collections.localdev.recovery.plugins.module_utils._run.record import SetAsideEntry, build_kept_name

# Name, type, mode, owner, time, link target and content of every file below a folder, as one digest. The tar
# stream is only hashed. Sockets are left out: tar knows none. Works with GNU and BusyBox tools alike. OpenSSL uses the
# processor's own instructions, four times as fast as GNU's sha256sum, and says the same.
DIGEST = (
    "(cd {folder} && find . ! -type s | LC_ALL=C sort "
    "| tar -c --no-recursion --numeric-owner -f - -T - "
    "| if command -v openssl >/dev/null; then openssl dgst -sha256 -r; else sha256sum; fi | cut -c1-64)"
)

# BusyBox knows no -f.
SYNC = "{{ sync -f {folder} 2>/dev/null || sync; }}"


class Keeper:
    """How one kind of thing is kept and put back. Every method may be repeated after a crash at any point."""

    # Whether keeping leaves the original in its place, so that a copy that is not proved can be thrown away.
    copies = False
    # What an object says beside its kind and name, wherever it is kept or put back.
    needs: tuple[str, ...] = ()

    def __init__(self, docker: Docker, run: ActiveRun, image: str, python_images: t.Sequence[str] = ()) -> None:
        """image: has a shell. python_images: may have a Python, the most likely first."""
        self.docker = docker
        self.run = run
        self.image = image
        self.python_images = python_images

    @staticmethod
    def plain_name(item: t.Mapping[str, t.Any]) -> str:
        """The name of an object as records have it; RecoveryError for one that cannot be."""
        return str(item["name"])

    @classmethod
    def aside_name(cls, name: str, run_id: str) -> str:
        return build_kept_name(name, run_id)

    @classmethod
    def discard_name(cls, entry: SetAsideEntry) -> str:
        """Where something half-made goes for the moment between renaming and deleting."""
        name, _aside, run_id = entry["aside"].rpartition(".aside-")
        return cls.discarded(name, run_id)

    @staticmethod
    def discarded(name: str, run_id: str) -> str:
        return f"{name}.discarded-{run_id}"

    @staticmethod
    def stops(service: t.Mapping[str, t.Any], entry: SetAsideEntry) -> bool:
        """Whether a service must stand still while such a thing is put back. Volumes and folders may be anybody's."""
        return True

    def helper(self, *mounts: tuple[str, str, bool]) -> HelperContainer:
        return HelperContainer(self.docker, self.image, mounts, self.run.record["run_id"])

    def exists(self, entry: SetAsideEntry) -> bool:
        """Whether there is something to set aside."""
        raise NotImplementedError

    def aside_exists(self, entry: SetAsideEntry) -> bool:
        raise NotImplementedError

    def measure(self, entry: SetAsideEntry) -> tuple[int, int | None, int | None]:
        """Bytes of the original, bytes that keeping it needs, bytes free where it will be kept (None: not asked)."""
        raise NotImplementedError

    def users(self, entry: SetAsideEntry) -> list[tuple[str, str]]:
        """Running containers that mount a volume or folder: name, and path inside."""
        return find_mounting_containers(self.docker, entry["name"])

    def refuse_if_used(self, entry: SetAsideEntry) -> None:
        """Copying or moving files under a running server would give a mix of old and new."""
        users = [name for name, _path in self.users(entry)]
        if users:
            raise RecoveryError(
                f"The {entry['kind']} {entry['name']} is in use by the running container {', '.join(users)}",
                next_command=f"docker stop {' '.join(users)}",
                kind="unsafe",
            )

    def used_and_free(self, entry: SetAsideEntry, free_at: str = "") -> tuple[int, int]:
        """Bytes in a volume or folder, and bytes free at a path beside it (default: in it), asked in whatever
        container sees it already, else in a helper."""
        script = "du -sk {0} | cut -f1; df -Pk {1} | tail -n 1 | awk '{{print $4}}'"
        users = self.users(entry)
        if users:
            name, path = users[0]
            command = script.format(shlex.quote(path), free_at or shlex.quote(path))
            answer = self.docker.run("exec", "--user", "0:0", name, "sh", "-c", command).stdout
        else:
            with self.helper((entry["name"], "/from", False)) as shell:
                answer = shell.run(script.format("/from", free_at or "/from"))
        used, free = answer.split()
        return int(used) * 1024, int(free) * 1024

    def prepare(self, entry: SetAsideEntry) -> None:
        """What is done before it is asked whether there is something to keep."""

    def keep(self, entry: SetAsideEntry) -> None:
        raise NotImplementedError

    def put_back(self, entry: SetAsideEntry, displaced: SetAsideEntry | None) -> None:
        raise NotImplementedError

    def delete(self, entry: SetAsideEntry) -> None:
        raise NotImplementedError

    def take_place(self, entry: SetAsideEntry) -> None:
        """What a replacement does where there is nothing to set aside."""

    def leave(self, entry: SetAsideEntry) -> None:
        """Undo what keep does before anything is kept, when it was cut short there."""

    def state_when_kept(self, entry: SetAsideEntry) -> str:
        """The state of an entry whose old content is whole under the aside name."""
        return "kept"


def normalise_absolute_path(item: t.Mapping[str, t.Any]) -> str:
    """The path of a folder or file. With a slash at the end the aside name would lie inside the folder."""
    if not os.path.isabs(item["name"]):
        raise RecoveryError(f"The {item['kind']} {item['name']} is not an absolute path")
    return os.path.normpath(str(item["name"]))
