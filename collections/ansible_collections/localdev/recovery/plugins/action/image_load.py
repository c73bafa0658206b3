# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Send the images that a host lacks from the controller's Docker Engine."""

from __future__ import annotations

import concurrent.futures
import gzip
import subprocess
import tempfile
import typing as t

from ansible.module_utils.parsing.convert_bool import boolean

from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._core.text import format_count
from ansible_collections.localdev.recovery.plugins.module_utils._docker.cli import Docker
from ansible_collections.localdev.recovery.plugins.module_utils._docker.cli_errors import build_docker_error
from ansible_collections.localdev.recovery.plugins.module_utils._docker.images import find_image_id
from ansible_collections.localdev.recovery.plugins.plugin_utils._transfer import CHUNK_BYTES, TransferAction

# Chunks that are compressed while an earlier one is sent.
_CHUNKS_AHEAD = 2


class ActionModule(TransferAction):
    """An action that sends the images that the module lacks, and lets the module load them."""

    def transfer(self, arguments: dict[str, t.Any]) -> dict[str, t.Any]:
        answer = self.call_module(archive="", sha256="")
        if answer.get("failed") or not answer["lacking"] or self._task.check_mode:
            return answer
        lacking = answer["lacking"]
        docker = Docker()
        absent = [name for name in lacking if find_image_id(docker, name) is None]
        if absent:
            raise RecoveryError(
                FailureId.IMAGE_MISSING,
                f"The controller's Docker Engine has no image {', '.join(absent)}, "
                f"which {self._vars['inventory_hostname']} lacks",
                hint="Build or pull it in the controller's checkout, under the same project name.",
            )
        chunks = save_images(lacking)
        if boolean(arguments.get("compress", True)):
            chunks = compress_chunks(chunks)
        try:
            digest = self.send(chunks, answer["incoming"], f"sending {format_count(len(lacking), 'image')}")
            result = self.call_module(archive=answer["incoming"], sha256=digest)
        finally:
            self.delete_remote_file(answer["incoming"])
        return {**result, "lacking": lacking}


def save_images(names: t.Sequence[str]) -> t.Iterator[bytes]:
    """Yield the output of ``docker save`` of the images, in chunks."""
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
            raise build_docker_error(["save", *names], code, errors.read().decode(errors="replace"))


def compress_chunks(chunks: t.Iterable[bytes]) -> t.Iterator[bytes]:
    """Yield each chunk as a gzip file of its own, at the fastest level. Gzip files in a row are one gzip file."""
    with concurrent.futures.ThreadPoolExecutor(_CHUNKS_AHEAD) as pool:
        waiting: list[concurrent.futures.Future[bytes]] = []
        for chunk in chunks:
            waiting.append(pool.submit(gzip.compress, chunk, 1))
            if len(waiting) > _CHUNKS_AHEAD:
                yield waiting.pop(0).result()
        for future in waiting:
            yield future.result()
