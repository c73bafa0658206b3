# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Read, replace and remove files inside containers; each file is at any moment the old or the new one.

In a running container one ``docker exec`` reads all files. For a stopped container ``docker cp`` is used.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import posixpath
import re
import shlex
import tarfile
import time
import typing as t
from dataclasses import dataclass

from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._core.next_command import Line, playbook_command
from ansible_collections.localdev.recovery.plugins.module_utils._docker.cli import Docker
from ansible_collections.localdev.recovery.plugins.module_utils._docker.inspect import get_compose_label

# Error messages of a container without a command that the scripts need. BusyBox has all of them.
_MISSING_COMMAND = re.compile(r'"sh": executable file not found|exec: "sh"|(\w+): (?:command )?not found')
REMOVE_ATTEMPTS = 10

_READ_SCRIPT = r"""
read_path() {
if [ -L "$1" ]; then echo @link
elif [ -f "$1" ]; then echo "@file $(stat -c '%u %g %a' "$1")"; base64 < "$1"
elif [ -e "$1" ]; then echo @other
else
    d=$1
    while d=${d%/*}; [ ! -e "${d:-/}" ]; do :; done
    if [ -d "${d:-/}" ]; then echo "@absent $(stat -c '%u %g' "${d:-/}") ${d:-/}"; else echo @other; fi
fi
}
"""
# The shell reads the whole function before it executes it, so a controller that is killed changes nothing. All files
# are written under temporary names before the first one is replaced: a full disk changes nothing.
_CHANGE_SCRIPT = r"""
change() {
set -e
staged=
trap 'for t in $staged; do rm -f "$t"; done' EXIT
folder() { [ -d "$1" ] || { mkdir "$1"; chown "$2" "$1"; chmod 755 "$1"; }; }
staged_path() { d=${1%/*}; echo "$d/.${1##*/}.localdev"; }
stage() {
    t=$(staged_path "$1")
    printf %s "$4" | base64 -d > "$t"
    chown "$2" "$t"; chmod "$3" "$t"
    sync "$t" 2>/dev/null || sync
}
place() { mv -f "$(staged_path "$1")" "$1"; }
"""
_COMPILE_PROGRAM = """
import base64, json, sys, warnings
warnings.simplefilter("ignore")
found = {}
for path, text in json.load(sys.stdin).items():
    try:
        compile(base64.b64decode(text), path, "exec", dont_inherit=True)
    except (SyntaxError, ValueError) as exc:
        line = getattr(exc, "lineno", None)
        found[path] = f"line {line}: {exc.msg}" if line else str(exc)
print("@compiled " + json.dumps(found))
"""
_COMPILE_COMMAND = (
    "python=$(command -v python3 || command -v python) || exit 127; "
    f"exec $python -I -S -B -c {shlex.quote(_COMPILE_PROGRAM)}"
)


@dataclass(frozen=True)
class ContainerFile:
    """A path of a container. kind: ``file``, ``absent``, ``link`` or ``other``.

    uid, gid: of the file, or of the nearest folder above it that exists. folder: that folder.
    """

    kind: str
    content: bytes = b""
    uid: int = 0
    gid: int = 0
    mode: int = 0o644
    mtime: float = 0
    folder: str = "/"

    @property
    def digest(self) -> str:
        return hash_content(self.content) if self.kind == "file" else "absent"


@dataclass(frozen=True)
class FileChange:
    """The wanted state of a file. content None: no file. folders: to be created above it, the outermost first."""

    path: str
    content: bytes | None
    uid: int = 0
    gid: int = 0
    mode: int = 0o644
    mtime: float = 0
    folders: tuple[str, ...] = ()

    @property
    def digest(self) -> str:
        return "absent" if self.content is None else hash_content(self.content)


def hash_content(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def plan_file_change(path: str, content: bytes | None, executable: bool, found: ContainerFile) -> FileChange | None:
    """Return the change that gives the file this content; None if it has it already. Pure.

    An existing file keeps its owner and mode. A new one gets the owner of its folder, and a mode with which the users
    of the container can read it.
    """
    if (content is None and found.kind == "absent") or (found.kind == "file" and found.content == content):
        return None
    if found.kind == "file":
        return FileChange(path, content, found.uid, found.gid, found.mode)
    missing = posixpath.dirname(path).removeprefix(found.folder.rstrip("/")).strip("/")
    names = missing.split("/") if missing else []
    folders = tuple(posixpath.join(found.folder, *names[: n + 1]) for n in range(len(names)))
    return FileChange(path, content, found.uid, found.gid, 0o755 if executable else 0o644, 0, folders)


def read_container_files(docker: Docker, container: str, paths: t.Sequence[str]) -> dict[str, ContainerFile]:
    """Return the files at the paths of a running container."""
    if not paths:
        return {}
    script = _READ_SCRIPT + "".join(f"read_path {shlex.quote(path)}\n" for path in paths)
    found = parse_container_files(_run_script(docker, container, script))
    if len(found) != len(paths):
        raise RecoveryError(
            FailureId.CONTAINER_FILES_FAILED,
            f"Cannot read files in the container {container}: it returned {len(found)} of {len(paths)}",
        )
    return dict(zip(paths, found))


def parse_container_files(output: str) -> list[ContainerFile]:
    """Return the files in the output of the script, in its order. Pure."""
    answers: list[tuple[str, list[str]]] = []
    for line in output.splitlines():
        if line.startswith("@"):
            answers.append((line, []))
        elif answers:
            answers[-1][1].append(line)
    return [_parse_container_file(head, lines) for head, lines in answers]


def _parse_container_file(head: str, lines: t.Sequence[str]) -> ContainerFile:
    kind, _gap, rest = head.removeprefix("@").partition(" ")
    if kind == "file":
        uid, gid, mode = rest.split()
        return ContainerFile(kind, base64.b64decode("".join(lines)), int(uid), int(gid), int(mode, 8))
    if kind == "absent":
        uid, gid, folder = rest.split(" ", 2)
        return ContainerFile(kind, b"", int(uid), int(gid), folder=folder)
    return ContainerFile(kind)


def apply_file_changes(docker: Docker, container: str, changes: t.Sequence[FileChange]) -> None:
    """Apply the changes in a running container: each file is the old or the new one at any moment."""
    if changes:
        _run_script(docker, container, build_change_script(changes))


def build_change_script(changes: t.Sequence[FileChange]) -> str:
    written = [change for change in changes if change.content is not None]
    lines = []
    for change in written:
        path, owner = shlex.quote(change.path), f"{change.uid}:{change.gid}"
        lines += [f"folder {shlex.quote(folder)} {owner}" for folder in change.folders]
        # The list of names is split at blanks, so temporary files with blanks in their name stay until the next change.
        lines.append(f'staged="$staged $(staged_path {path})"')
        lines.append(f"stage {path} {owner} {change.mode:o} '{base64.b64encode(change.content or b'').decode()}'")
    lines += [f"place {shlex.quote(change.path)}" for change in written]
    for change in changes:
        if change.content is None:
            lines.append(f"rm -f {shlex.quote(change.path)}")
            for folder in map(shlex.quote, reversed(change.folders)):
                lines.append(f"rm -rf {folder}/__pycache__; rmdir {folder} 2>/dev/null || :")
    return _CHANGE_SCRIPT + "\n".join(lines) + "\n}\nchange\n"


def _run_script(docker: Docker, container: str, script: str) -> str:
    done = docker.run("exec", "--interactive", "--user", "0:0", container, "sh", "-s", stdin=script, check=False)
    if done.returncode == 0:
        return done.stdout
    error_output = done.output.strip()[-500:]
    if match := _MISSING_COMMAND.search(error_output):
        raise RecoveryError(
            FailureId.CONTAINER_COMMAND_MISSING,
            f"The container {container} has no {match[1] or 'sh'}, without which no file can be replaced at once in it",
            hint="Build its image from the changed files instead.",
            next_command=playbook_command("container_recovery", container_recovery_action="rebuild"),
        )
    raise RecoveryError(
        FailureId.CONTAINER_FILES_FAILED,
        f"Files in the container {container} could not be reached",
        details=error_output.splitlines(),
    )


def check_python_syntax(docker: Docker, container: str, files: t.Mapping[str, bytes]) -> dict[str, str] | None:
    """Return path -> syntax error, by the container's own Python; None if it has no Python. Writes nothing."""
    text = json.dumps({path: base64.b64encode(content).decode() for path, content in files.items()})
    done = docker.run("exec", "--interactive", container, "sh", "-c", _COMPILE_COMMAND, stdin=text, check=False)
    for line in done.stdout.splitlines():
        if line.startswith("@compiled "):
            return t.cast("dict[str, str]", json.loads(line.removeprefix("@compiled ")))
    if done.returncode == 127:
        return None
    raise RecoveryError(
        FailureId.CONTAINER_PYTHON_FAILED,
        f"Python in the container {container} could not compile",
        details=done.output.strip()[-500:].splitlines(),
    )


# --- containers that may be stopped ----------------------------------------------------------------------------------


def fetch_container_file(docker: Docker, container: str, path: str) -> ContainerFile:
    """Return one file of a container, running or not."""
    done, data = docker.run_binary("cp", f"{container}:{path}", "-")
    if done.returncode != 0:
        if re.search("could not find the file|no such file", done.stderr, re.I):
            return ContainerFile("absent")
        raise docker.build_error(done)
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        member = archive.next()
        file = archive.extractfile(member) if member and member.isreg() else None
        if member is None or file is None:
            return ContainerFile("other")
        return ContainerFile("file", file.read(), member.uid, member.gid, member.mode & 0o7777, member.mtime)


def restore_container_file(docker: Docker, container: t.Mapping[str, t.Any], change: FileChange) -> None:
    """Apply a change in a container, running or not. May be repeated. container: as inspected."""
    if container["State"]["Running"] and not container["State"].get("Restarting"):
        apply_file_changes(docker, container["Id"], [change])
    elif change.content is None:
        _remove_from_stopped(docker, container, change)
    else:
        folder, name = posixpath.split(change.path)
        member = tarfile.TarInfo(name)
        member.size, member.mtime = len(change.content), int(change.mtime or time.time())
        member.uid, member.gid, member.mode = change.uid, change.gid, change.mode
        data = io.BytesIO()
        with tarfile.open(fileobj=data, mode="w") as archive:
            archive.addfile(member, io.BytesIO(change.content))
        docker.run("cp", "-", f"{container['Id']}:{folder}", stdin=data.getvalue())


def _remove_from_stopped(docker: Docker, container: t.Mapping[str, t.Any], change: FileChange) -> None:
    """Remove a file from a stopped container, which must run for a moment: Docker cannot remove files otherwise."""
    identity = container["Id"]
    if fetch_container_file(docker, identity, change.path).kind == "absent":
        return
    error_lines: list[Line] = []
    for _attempt in range(REMOVE_ATTEMPTS):
        docker.run("start", identity, check=False)
        try:
            # It may exit before the script runs.
            apply_file_changes(docker, identity, [change])
        except RecoveryError as exc:
            error_lines = [exc.message, *exc.details]
        finally:
            docker.run("kill", identity, check=False)
        if fetch_container_file(docker, identity, change.path).kind == "absent":
            return
    raise RecoveryError(
        FailureId.CONTAINER_FILES_FAILED,
        f"The file {change.path} could not be removed from the container {container['Name'].lstrip('/')}, which ends "
        "too soon",
        details=error_lines,
        hint="Recreate the container from its image.",
        next_command=playbook_command(
            "container_recovery",
            container_recovery_action="restart",
            container_recovery_services=[get_compose_label(container, "service")],
            container_recovery_recreate=True,
        ),
    )
