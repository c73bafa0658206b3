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
import errno
import inspect
import json
import re
import subprocess
import threading
import typing as t

from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._core.next_command import (
    playbook_command,
    program_command,
)
from ansible_collections.localdev.recovery.plugins.module_utils._core.text import format_size
from ansible_collections.localdev.recovery.plugins.module_utils._docker.cli import Docker, Project
from ansible_collections.localdev.recovery.plugins.module_utils._docker.labels import RUN_LABEL
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

SHOW_DISK_USAGE = program_command("docker", "system", "df")
# Writes a stream into an open file, and returns at its end, or when the reading side is closed.
StreamWriter = t.Callable[[t.IO[bytes]], None]
# Records bytes and digest of a copy when the copy is verified.
OnVerified = t.Callable[[t.Mapping[str, t.Any]], None]


class PythonNotFoundError(RecoveryError):
    """A failure to find an image that has a Python."""


def build_program_source() -> str:
    """Return all parts as one Python program; imported parts come first, under their own module names. Pure."""
    lines = ["import sys, types"]
    for part in (protocol, copy):
        name = part.__name__
        lines.append(f"sys.modules[{name!r}] = module = types.ModuleType({name!r})")
        lines.append(f"exec({inspect.getsource(part)!r}, module.__dict__)")
    return "\n".join([*lines, f"exec({inspect.getsource(tar)!r})"])


class VolumeProgram:
    """The volume program in its container. For the entries in its response see manifest.py."""

    def __init__(
        self,
        docker: Docker,
        images: t.Sequence[str],
        run: ActiveRun | None = None,
    ) -> None:
        """Use the first of the images that has Python."""
        self.docker = docker
        self.images = list(images)
        self.run = run
        self.progress: dict[str, t.Any] | None = None
        self.write_error: RecoveryError | None = None

    def build_command(self, image: str, mounts: t.Sequence[str]) -> list[str]:
        label = self.run.record["run_id"] if self.run else "none"
        # Without a log driver, or the engine would write the whole stream into its log.
        args = ["run", "--rm", "--interactive", "--pull", "never", "--network", "none", "--user", "0:0"]
        args += ["--log-driver", "none", "--label", f"{RUN_LABEL}={label}", *mounts, "--entrypoint", "python3"]
        return [self.docker.binary, *args, image, "-ISc", build_program_source()]

    def send_request(
        self,
        request: t.Mapping[str, t.Any],
        mounts: t.Sequence[str],
        *,
        pipe: NamedPipe | None = None,
        write_stream: StreamWriter | None = None,
        on_verified: OnVerified | None = None,
    ) -> dict[str, t.Any]:
        """Return the response of the program with ``entries``; raise RecoveryError if the program could not run.

        pipe: the packed stream arrives at its reading end. write_stream: writes the stream to unpack, through the pipe
        too. on_verified: the program waits for it before it continues.
        """
        with report_progress_of_parts(self.run, lambda: self.progress):
            for image in self.images:
                by_name = pipe is not None and bool(pipe.folder)
                answer = self._run_in_image(image, request, mounts, pipe, write_stream, on_verified, by_name=by_name)
                if answer is not None:
                    return answer
        project = self.docker.project or Project("")
        raise PythonNotFoundError(
            FailureId.IMAGE_NO_PYTHON,
            f"No image has a python3 to copy files with; tried {', '.join(self.images) or 'none'}",
            hint="Build the images of the stack, or name an image that has python3 in the option image of the module.",
            next_command=project.compose_command("build"),
        )

    def _run_in_image(
        self,
        image: str,
        request: t.Mapping[str, t.Any],
        mounts: t.Sequence[str],
        pipe: NamedPipe | None,
        write_stream: StreamWriter | None,
        on_verified: OnVerified | None,
        *,
        by_name: bool,
    ) -> dict[str, t.Any] | None:
        """Return the response; None if the image has no Python. by_name: the container opens the pipe by name."""
        channel = pipe if by_name else None
        process = subprocess.Popen(  # pylint: disable=ansible-bad-function
            self.build_command(image, [*mounts, *(channel.mount_arguments() if channel else [])]),
            stdin=subprocess.PIPE,
            # By name or through the engine: the packed stream arrives at the same end of the pipe.
            stdout=pipe.write_end if pipe and not write_stream else subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        stdin = t.cast("t.IO[bytes]", process.stdin)
        with contextlib.suppress(OSError):
            sent = {**request, "pipe": channel.container_path() if channel else ""}
            stdin.write(json.dumps(sent).encode("ascii") + b"\n")
            stdin.flush()
        answer: dict[str, t.Any] = {"entries": []}
        output_lines = []
        started = False
        writer: threading.Thread | None = None
        for raw in t.cast("t.IO[bytes]", process.stderr):
            line = raw.decode(errors="replace")
            try:
                response = json.loads(line) if line.startswith("{") else None
            except ValueError:
                response = None
            if response is None:
                output_lines.append(line.strip())
                continue
            started = True
            if "entry" in response:
                answer["entries"].append(response["entry"])
            elif "progress" in response:
                self.progress = response["progress"]
            elif "stream" in response:
                answer.update(response)
                if write_stream and pipe:
                    pipe.read_end.close()
                    writer = self._start_writer(write_stream, pipe.write_end if response["stream"] == "pipe" else stdin)
            elif "held" in response or "proved" in response:
                try:
                    if on_verified and "proved" in response:
                        on_verified(response["proved"])
                    else:
                        wait_at_breakpoint(self.run, "copying")
                except BaseException:
                    # The program ends when its stdin is closed; the source is unchanged.
                    stdin.close()
                    process.wait()
                    raise
                with contextlib.suppress(OSError):
                    stdin.write(b"\n")
                    stdin.flush()
            else:
                answer.update(response)
        if writer is None or answer["stream"] == "pipe":
            with contextlib.suppress(OSError):
                stdin.close()
        process.wait()
        if writer is not None:
            # The reading side is closed, so the writer ends at once.
            writer.join()
        if self.write_error:
            raise self.write_error
        text = "\n".join(output_lines)
        if {"done", "refused", "error"} & set(answer):
            return answer
        if re.search(r"executable file not found|no such file or directory.*python3|python3.*no such file", text, re.I):
            return None
        if by_name and not started:
            # An engine on another machine does not know the folder.
            return self._run_in_image(image, request, mounts, pipe, write_stream, on_verified, by_name=False)
        raise RecoveryError(
            FailureId.HELPER_CONTAINER_FAILED,
            f"The helper container of the image {image} could not run (exit code {process.returncode})",
            details=text[-2000:].splitlines(),
        )

    def _start_writer(self, write_stream: StreamWriter, into: t.IO[bytes]) -> threading.Thread:
        def write() -> None:
            # The program has ended and has reported the reason.
            with contextlib.suppress(OSError), into:
                try:
                    write_stream(into)
                except RecoveryError as exc:
                    self.write_error = exc

        thread = threading.Thread(target=write, daemon=True)
        thread.start()
        return thread


def raise_for_error(answer: t.Mapping[str, t.Any], source: str, target: Location | None) -> None:
    """Raise RecoveryError if the response reports a refusal, an error or differences."""
    refused = answer.get("refused")
    where = str(target) if target else source
    if refused == "occupied":
        raise RecoveryError(
            FailureId.VOLUME_OCCUPIED,
            f"The {target} is not empty, and holds something else than {source}",
            details=summarise_differences(describe_differences(answer["differences"])),
            hint="Choose another target, or set that one aside first.",
        )
    if refused == "room":
        raise RecoveryError(
            FailureId.DISK_TOO_SMALL,
            f"Too little disk space in the {target}: {format_size(answer['needed'])} are needed, "
            f"{format_size(answer['free'])} are free",
            hint=["Delete what old runs keep, or look for what else uses the disk: ", SHOW_DISK_USAGE],
            next_command=playbook_command("cleanup"),
        )
    if refused in ("outside", "unknown"):
        what = "leads outside of the archive" if refused == "outside" else "is of a type that cannot be unpacked"
        raise RecoveryError(
            FailureId.ARCHIVE_UNSAFE_MEMBER,
            f"{source} cannot be unpacked: {escape_name(answer['name'])} {what}",
            hint="Choose another archive.",
        )
    if answer.get("errno") == errno.ENOSPC:
        raise RecoveryError(
            FailureId.DISK_FULL,
            f"The disk is full: {where} could not be written whole",
            hint="Free some space, then repeat this command.",
            next_command=SHOW_DISK_USAGE,
        )
    if "error" in answer:
        name = f" {escape_name(answer['name'])}" if answer.get("name") else ""
        raise RecoveryError(FailureId.COPY_FAILED, f"{where}: {answer['error']}{name}")
    if answer.get("differences"):
        raise RecoveryError(
            FailureId.COPY_DIFFERS,
            f"The copy in the {target} differs from the {source}",
            details=summarise_differences(describe_differences(answer["differences"])),
            hint="Repeat this command: what differs is copied again.",
        )
