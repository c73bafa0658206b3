# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Streams the images that a host lacks from the controller's engine into the host's."""

from __future__ import annotations

import concurrent.futures
import gzip
import subprocess
import tempfile
import typing as t

from ansible.module_utils.parsing.convert_bool import boolean

from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils._docker.cli import Docker
from ansible_collections.localdev.recovery.plugins.module_utils._docker.images import find_image_id
from ansible_collections.localdev.recovery.plugins.plugin_utils._transfer import CHUNK_BYTES, TransferAction

# Compressed ahead of what is being sent.
_AHEAD = 2


class ActionModule(TransferAction):
    """Asks what is lacking, sends that, lets the module load it."""

    def transfer(self, arguments: dict[str, t.Any]) -> dict[str, t.Any]:
        asked = self.call_module(archive="", sha256="")
        if asked.get("failed") or not asked["lacking"] or self._task.check_mode:
            return asked
        lacking = asked["lacking"]
        docker = Docker()
        absent = [name for name in lacking if find_image_id(docker, name) is None]
        if absent:
            raise RecoveryError(
                f"The controller's Docker Engine has no image {', '.join(absent)}, "
                f"which {self._vars['inventory_hostname']} lacks",
                next_command="docker compose build (or pull) in the controller's checkout, under the same project name",
            )
        chunks = saved(lacking)
        if boolean(arguments.get("compress", True)):
            chunks = compressed(chunks)
        try:
            digest = self.send(chunks, asked["incoming"], f"sending {len(lacking)} images")
            loaded = self.call_module(archive=asked["incoming"], sha256=digest)
        finally:
            self.delete_remote_file(asked["incoming"])
        return {**loaded, "lacking": lacking}


def saved(names: t.Sequence[str]) -> t.Iterator[bytes]:
    """``docker save`` of the images, in chunks."""
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(["docker", "save", *names], stdout=subprocess.PIPE, stderr=errors)
        output = t.cast("t.IO[bytes]", process.stdout)
        try:
            while chunk := output.read(CHUNK_BYTES):
                yield chunk
            code = process.wait()
        finally:
            process.kill()
            output.close()
            process.wait()
        if code != 0:
            errors.seek(0)
            said = errors.read().decode(errors="replace").strip()
            raise RecoveryError(f"docker save failed on the controller: {said}")


def compressed(chunks: t.Iterable[bytes]) -> t.Iterator[bytes]:
    """Each chunk as a gzip file of its own, which make one together. Quickest, and ahead of what is being sent."""
    with concurrent.futures.ThreadPoolExecutor(_AHEAD) as pool:
        waiting: list[concurrent.futures.Future[bytes]] = []
        for chunk in chunks:
            waiting.append(pool.submit(gzip.compress, chunk, 1))
            if len(waiting) > _AHEAD:
                yield waiting.pop(0).result()
        for future in waiting:
            yield future.result()
