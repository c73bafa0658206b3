#!/usr/bin/env python3
# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""tools/dist.py [--output FOLDER]: build the wheel and the collection's archive, the same bytes each time.

Both are built from a copy of what git tracks. SOURCE_DATE_EPOCH, by default the time of the last commit, is the time of
every file in them. hatchling builds a reproducible wheel by itself. ansible-galaxy does not: it writes the time of the
build, and lists files in the order of the file system. So the collection's archive is packed once more, with sorted
names and fixed times, owners and modes. Only its two lists change: FILES.json is sorted, and MANIFEST.json gets the new
checksum of FILES.json.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import io
import json
import os
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from checkout import COLLECTION, ROOT, copy_checkout

WHEELS = "localdev_recovery-*.whl"
ARCHIVES = "localdev-recovery-*.tar.gz"
# As in hatch_build.py. Without it, each build would download the collections again, because it runs in a new folder.
CACHE_VARIABLE = "LOCALDEV_BUILD_CACHE"
# The lists come first, as ansible-galaxy packs them.
LISTS = ("MANIFEST.json", "FILES.json")


def find_commit_time() -> str:
    """Return the time of the last commit, in seconds since 1970."""
    command = ["git", "log", "-1", "--format=%ct"]
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.strip()


def has_uncommitted_changes() -> bool:
    command = ["git", "status", "--porcelain", "--untracked-files=no"]
    return bool(subprocess.run(command, cwd=ROOT, check=True, capture_output=True).stdout)


def build_wheel(source: Path, output: Path, epoch: int) -> Path:
    # In this environment: the wheel names the version of hatchling, which a build in isolation would take from PyPI.
    command = (sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", output, source)
    run_program(*command, epoch=epoch)
    (wheel,) = output.glob(WHEELS)
    run_program(sys.executable, "-m", "twine", "check", "--strict", wheel, epoch=epoch)
    return wheel


def build_archive(source: Path, output: Path, epoch: int) -> Path:
    program = Path(sys.executable).with_name("ansible-galaxy")
    run_program(program, "collection", "build", "--output-path", output, source / COLLECTION, epoch=epoch)
    (archive,) = output.glob(ARCHIVES)
    archive.write_bytes(repack(archive.read_bytes(), epoch))
    return archive


def run_program(*command: str | Path, epoch: int) -> None:
    """Run a program and show its output only if it fails."""
    cache = os.environ.get(CACHE_VARIABLE) or str(ROOT / ".cache/build")
    environment = {**os.environ, "SOURCE_DATE_EPOCH": str(epoch), CACHE_VARIABLE: cache}
    done = subprocess.run(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    if done.returncode:
        sys.exit(f"{done.stdout}\ndist: {' '.join(map(str, command))}: exit code {done.returncode}")


def repack(packed: bytes, epoch: int) -> bytes:
    """Return an archive of a collection with sorted names, fixed times, owners and modes. Pure."""
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        members = {member.name: member for member in archive}
        contents = {name: archive.extractfile(member).read() for name, member in members.items() if member.isfile()}
    sort_lists(contents)
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name in (*LISTS, *sorted(members.keys() - set(LISTS))):
            member = tarfile.TarInfo(name)
            member.type, member.linkname = members[name].type, members[name].linkname
            member.mode = 0o755 if members[name].isdir() or members[name].mode & 0o100 else 0o644
            member.mtime = epoch
            content = contents.get(name, b"")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return gzip.compress(plain.getvalue(), mtime=epoch)


def sort_lists(contents: dict[str, bytes]) -> None:
    """Sort the files in FILES.json, and write its checksum into MANIFEST.json."""
    files = json.loads(contents["FILES.json"])
    files["files"].sort(key=lambda entry: entry["name"])
    contents["FILES.json"] = json.dumps(files, indent=1).encode()
    manifest = json.loads(contents["MANIFEST.json"])
    manifest["file_manifest_file"]["chksum_sha256"] = hashlib.sha256(contents["FILES.json"]).hexdigest()
    contents["MANIFEST.json"] = json.dumps(manifest, indent=1).encode()


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition(": ")[2].partition("\n")[0])
    parser.add_argument("--output", type=Path, default=ROOT / "dist")
    output: Path = parser.parse_args().output.resolve()
    epoch = int(os.environ.get("SOURCE_DATE_EPOCH") or find_commit_time())
    if has_uncommitted_changes():
        print("dist: warning: the artifacts contain uncommitted changes", file=sys.stderr)
    output.mkdir(parents=True, exist_ok=True)
    for pattern in (WHEELS, ARCHIVES):
        for old in output.glob(pattern):
            old.unlink()
    with tempfile.TemporaryDirectory() as folder:
        source = copy_checkout(Path(folder))
        for artifact in (build_wheel(source, output, epoch), build_archive(source, output, epoch)):
            print(f"{hashlib.sha256(artifact.read_bytes()).hexdigest()}  {artifact.name}")


if __name__ == "__main__":
    main()
