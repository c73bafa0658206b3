# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Run the volume program in a helper container that sees nothing but the data.

It runs in a container because only the engine reaches a volume everywhere, and because the files belong to users of the
container. The program is Python, because the application's image has Python; it may have no shell and no tools.
"""

from __future__ import annotations

import contextlib
import inspect
import json
import re
import subprocess
import threading
import typing as t

from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils._core.text import format_size
from ansible_collections.localdev.recovery.plugins.module_utils._docker.cli import Docker
from ansible_collections.localdev.recovery.plugins.module_utils._docker.helper_container import RUN_LABEL
from ansible_collections.localdev.recovery.plugins.module_utils._run.active import ActiveRun
from ansible_collections.localdev.recovery.plugins.module_utils._run.breakpoint import wait_at_breakpoint
from ansible_collections.localdev.recovery.plugins.module_utils._run.progress import report_progress_of_parts
from ansible_collections.localdev.recovery.plugins.module_utils._volume.location import Location
from ansible_collections.localdev.recovery.plugins.module_utils._volume.manifest import (
    describe_differences,
    escape_name,
    summarise_differences,
)
from ansible_collections.localdev.recovery.plugins.module_utils._volume.named_pipe import NamedPipe
from ansible_collections.localdev.recovery.plugins.module_utils._volume.program import copy, protocol, tar

_ENOSPC = 28  # ENOSPC
# Writes a stream into an open file, and returns when there is no more of it, or when nobody reads it any more.
StreamWriter = t.Callable[[t.IO[bytes]], None]
# Is told bytes and digest of a copy when it is proved, and writes them down.
OnVerified = t.Callable[[t.Mapping[str, t.Any]], None]


class PythonNotFoundError(RecoveryError):
    """No image at hand has a Python."""


def build_program_source() -> str:
    """All parts as one Python program; those that others import come first, under their own names. Pure."""
    lines = ["import sys, types"]
    for part in (protocol, copy):
        name = part.__name__
        lines.append(f"sys.modules[{name!r}] = module = types.ModuleType({name!r})")
        lines.append(f"exec({inspect.getsource(part)!r}, module.__dict__)")
    return "\n".join([*lines, f"exec({inspect.getsource(tar)!r})"])


class VolumeProgram:
    """The program in its container. Entries of a manifest are dicts; see manifests.py."""

    def __init__(
        self,
        docker: Docker,
        images: t.Sequence[str],
        run: ActiveRun | None = None,
    ) -> None:
        """images: the first that has Python is taken."""
        self.docker = docker
        self.images = list(images)
        self.run = run
        self.now: dict[str, t.Any] | None = None
        self.problem: RecoveryError | None = None

    def command(self, image: str, mounts: t.Sequence[str]) -> list[str]:
        label = self.run.record["run_id"] if self.run else "none"
        # Without a log driver, or the engine would write the whole stream into its log.
        args = ["run", "--rm", "--interactive", "--pull", "never", "--network", "none", "--user", "0:0"]
        args += ["--log-driver", "none", "--label", f"{RUN_LABEL}={label}", *mounts, "--entrypoint", "python3"]
        return [self.docker.binary, *args, image, "-ISc", build_program_source()]

    def ask(
        self,
        request: t.Mapping[str, t.Any],
        mounts: t.Sequence[str],
        *,
        pipe: NamedPipe | None = None,
        source: StreamWriter | None = None,
        proved: OnVerified | None = None,
    ) -> dict[str, t.Any]:
        """The program's answer with ``entries``; RecoveryError when it could not do its work.

        pipe: what the program packs arrives at its reading end. source: gives the stream to unpack; it goes through
        the pipe too. proved: the program waits for it before it goes on.
        """
        with report_progress_of_parts(self.run, lambda: self.now):
            for image in self.images:
                named = pipe is not None and bool(pipe.folder)
                answer = self._ask(image, request, mounts, pipe, source, proved, named=named)
                if answer is not None:
                    return answer
        raise PythonNotFoundError(
            f"No image has a python3 to copy files with; tried {', '.join(self.images) or 'none'}",
            next_command="docker compose build (or name an image that has python3 in the option image)",
        )

    def _ask(
        self,
        image: str,
        request: t.Mapping[str, t.Any],
        mounts: t.Sequence[str],
        pipe: NamedPipe | None,
        source: StreamWriter | None,
        proved: OnVerified | None,
        *,
        named: bool,
    ) -> dict[str, t.Any] | None:
        """named: the container is to open the pipe by its name."""
        channel = pipe if named else None
        process = subprocess.Popen(  # pylint: disable=ansible-bad-function
            self.command(image, [*mounts, *(channel.mount() if channel else [])]),
            stdin=subprocess.PIPE,
            # Whichever way it is packed, by name or through the engine, it arrives at the same end.
            stdout=pipe.writing if pipe and not source else subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        feed = t.cast("t.IO[bytes]", process.stdin)
        with contextlib.suppress(OSError):
            asked = {**request, "pipe": channel.path_inside() if channel else ""}
            feed.write(json.dumps(asked).encode("ascii") + b"\n")
            feed.flush()
        answer: dict[str, t.Any] = {"entries": []}
        words = []
        began = False
        pouring: threading.Thread | None = None
        for raw in t.cast("t.IO[bytes]", process.stderr):
            line = raw.decode(errors="replace")
            try:
                said = json.loads(line) if line.startswith("{") else None
            except ValueError:
                said = None
            if said is None:
                words.append(line.strip())
                continue
            began = True
            if "entry" in said:
                answer["entries"].append(said["entry"])
            elif "progress" in said:
                self.now = said["progress"]
            elif "stream" in said:
                answer.update(said)
                if source and pipe:
                    pipe.reading.close()
                    pouring = self._start(source, pipe.writing if said["stream"] == "pipe" else feed)
            elif "held" in said or "proved" in said:
                try:
                    if proved and "proved" in said:
                        proved(said["proved"])
                    else:
                        wait_at_breakpoint(self.run, "copying")
                except BaseException:
                    # It ends when nobody is there any more, and what it copies from is whole.
                    feed.close()
                    process.wait()
                    raise
                with contextlib.suppress(OSError):
                    feed.write(b"\n")
                    feed.flush()
            else:
                answer.update(said)
        if pouring is None or answer["stream"] == "pipe":
            with contextlib.suppress(OSError):
                feed.close()
        process.wait()
        if pouring is not None:
            # Nobody reads any more, so it ends at once.
            pouring.join()
        if self.problem:
            raise self.problem
        text = "\n".join(words)
        if {"done", "refused", "error"} & set(answer):
            return answer
        if re.search(r"executable file not found|no such file or directory.*python3|python3.*no such file", text, re.I):
            return None
        if named and not began:
            # An engine on another machine does not know the folder.
            return self._ask(image, request, mounts, pipe, source, proved, named=False)
        raise RecoveryError(f"The helper container of the image {image} could not run: {text[-2000:]}")

    def _start(self, source: StreamWriter, into: t.IO[bytes]) -> threading.Thread:
        def pour() -> None:
            # The one who reads has ended, and has said why.
            with contextlib.suppress(OSError), into:
                try:
                    source(into)
                except RecoveryError as exc:
                    self.problem = exc

        thread = threading.Thread(target=pour, daemon=True)
        thread.start()
        return thread


def raise_for_error(answer: t.Mapping[str, t.Any], source: str, target: Location | None) -> None:
    """Turn what the program says into RecoveryError, or return when all is well."""
    refused = answer.get("refused")
    where = str(target) if target else source
    if refused == "occupied":
        raise RecoveryError(
            f"The {target} is not empty, and holds something else than {source}",
            details=summarise_differences(describe_differences(answer["differences"])),
            next_command="choose another target, or set that one aside first",
            kind="unsafe",
        )
    if refused == "room":
        raise RecoveryError(
            f"Too little disk space in the {target}: {format_size(answer['needed'])} are needed, "
            f"{format_size(answer['free'])} are free",
            next_command="ansible-playbook localdev.recovery.cleanup (docker system df shows the rest)",
            kind="unsafe",
        )
    if refused in ("outside", "unknown"):
        what = "leads outside of the archive" if refused == "outside" else "is of a type that cannot be unpacked"
        raise RecoveryError(f"{source} cannot be unpacked: {escape_name(answer['name'])} {what}", kind="unsafe")
    if answer.get("errno") == _ENOSPC:
        raise RecoveryError(
            f"The disk is full: {where} could not be written whole",
            next_command="docker system df, then free some space",
        )
    if "error" in answer:
        name = f" {escape_name(answer['name'])}" if answer.get("name") else ""
        raise RecoveryError(f"{where}: {answer['error']}{name}")
    if answer.get("differences"):
        raise RecoveryError(
            f"The copy in the {target} differs from the {source}",
            details=summarise_differences(describe_differences(answer["differences"])),
            next_command="repeat this command: what differs is copied again",
            kind="verification",
        )
