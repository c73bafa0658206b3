# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The artifacts of a release: the same bytes each time, and what their metadata promises."""

from __future__ import annotations

import io
import json
import os
import random
import sys
import tarfile
import tomllib
from hashlib import sha256
from pathlib import Path

import pytest
import yaml
from checkout import COLLECTION, ROOT
from dist import repack

from tests.ways.support import run_isolated

META = ROOT / COLLECTION / "meta"
EPOCH = 1_700_000_000


def compute_digests(folder: Path) -> dict[str, str]:
    return {path.name: sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}


def test_a_second_build_gives_the_same_bytes(dist: Path, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """Build with another umask (modes), time zone (times) and hash seed (order of the copies)."""
    umask = os.umask(0o077)
    request.addfinalizer(lambda: os.umask(umask))
    (tmp_path / "localdev_recovery-0-py3-none-any.whl").touch()  # of an older version
    command = (sys.executable, ROOT / "tools/dist.py", "--output", tmp_path)
    run_isolated(*command, cwd=tmp_path, TZ="Asia/Tokyo", PYTHONHASHSEED="7")
    assert compute_digests(tmp_path) == compute_digests(dist)
    assert len(compute_digests(dist)) == 2


def pack_collection(files: dict[str, bytes], seed: int) -> bytes:
    """Return an archive as ansible-galaxy packs it, in a random order, with random times and owners."""
    generator = random.Random(seed)
    listed = generator.sample(sorted(files), len(files))
    files_json = json.dumps({"files": [{"name": name} for name in listed], "format": 1}).encode()
    manifest = {"file_manifest_file": {"chksum_sha256": sha256(files_json).hexdigest()}, "format": 1}
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name in ("MANIFEST.json", "FILES.json", *listed):
            content = {"MANIFEST.json": json.dumps(manifest).encode(), "FILES.json": files_json, **files}[name]
            member = tarfile.TarInfo(name)
            member.size, member.mtime, member.uid = len(content), generator.randrange(EPOCH), generator.randrange(1000)
            member.mode = (0o755 if name == "run" else 0o644) | generator.choice((0, 0o020))
            archive.addfile(member, io.BytesIO(content))
    return packed.getvalue()


def test_repacking_removes_what_a_build_adds() -> None:
    files = {"README.md": b"text", "meta/runtime.yml": b"---", "run": b"#!/bin/sh"}
    first, second = (repack(pack_collection(files, seed), EPOCH) for seed in (1, 2))
    assert first == second
    assert repack(first, EPOCH) == first
    with tarfile.open(fileobj=io.BytesIO(first)) as archive:
        members = archive.getmembers()
        contents = {member.name: archive.extractfile(member).read() for member in members}
    assert [member.name for member in members] == ["MANIFEST.json", "FILES.json", *sorted(files)]
    assert {(member.mtime, member.uid, member.gid, member.uname) for member in members} == {(EPOCH, 0, 0, "")}
    assert {member.name for member in members if member.mode == 0o755} == {"run"}
    assert {name: contents[name] for name in files} == files
    checksum = json.loads(contents["MANIFEST.json"])["file_manifest_file"]["chksum_sha256"]
    assert checksum == sha256(contents["FILES.json"]).hexdigest()


def test_execution_environment_metadata_is_read(artifact: Path, tmp_path: Path) -> None:
    """Check that ansible-builder finds in the artifact what an image with the collection needs."""
    collection = tmp_path / "ansible_collections/localdev/recovery"
    with tarfile.open(artifact) as archive:
        archive.extractall(collection, filter="data")
    program = Path(sys.executable).with_name("ansible-builder")
    output = run_isolated(program, "introspect", tmp_path, cwd=tmp_path).stdout
    found = yaml.safe_load(output.partition("---")[2])
    for kind, file in (("python", "ee-requirements.txt"), ("system", "ee-bindep.txt")):
        assert [line.partition("  #")[0] for line in found[kind]] == read_requirements(file)


def test_execution_environment_metadata_is_what_the_project_requires() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert set(read_requirements("ee-requirements.txt")) <= set(project["dependencies"])
    image = yaml.safe_load((ROOT / "execution-environment.yml").read_text())["dependencies"]["system"]
    on_fedora = {line.split()[0] for line in read_requirements("ee-bindep.txt") if "platform:dpkg" not in line}
    assert on_fedora == {line.split()[0] for line in image}


def test_licence_files_are_the_same() -> None:
    text = (ROOT / "LICENSE").read_text()
    assert (ROOT / COLLECTION / "LICENSE").read_text() == text
    assert (ROOT / "LICENSES/GPL-3.0-or-later.txt").read_text() == text


def read_requirements(name: str) -> list[str]:
    """Return the lines of a file in meta, without comments."""
    return [line for line in (META / name).read_text().splitlines() if line and not line.startswith("#")]
