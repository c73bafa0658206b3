# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The collections that the wheel contains, alone and together with the PyPI package ansible, in every order."""

from __future__ import annotations

import json
import tomllib
import typing as t
import zipfile
from hashlib import sha256
from pathlib import Path

import pytest
import yaml
from checkout import COLLECTION, ROOT

from tests.ways.support import VENDORED, Environment, extract_vendored_collections

MODULES = ("community.docker.docker_compose_v2_pull", "community.postgresql.postgresql_query")
PLAY = [{"hosts": "localhost", "gather_facts": False, "tasks": [{name: {}} for name in MODULES]}]
# A later version than the oldest that galaxy.yml allows, and another than the wheel contains.
OTHER_VERSION = "4.8.5"
PACKAGE = "ansible_collections/"


def read_pin() -> dict[str, t.Any]:
    hatch = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]
    pin: dict[str, t.Any] = hatch["build"]["targets"]["wheel"]["hooks"]["custom"]["collections"]
    return pin


def read_vendored_files(wheel: Path) -> dict[str, dict[str, bytes]]:
    """Return the files of each collection that the wheel contains, without their common folder."""
    found: dict[str, dict[str, bytes]] = {}
    with zipfile.ZipFile(wheel) as archive:
        for name in archive.namelist():
            if name.startswith(VENDORED + PACKAGE):
                namespace, collection, path = name.removeprefix(VENDORED + PACKAGE).split("/", 2)
                found.setdefault(f"{namespace}.{collection}", {})[path] = archive.read(name)
    return found


def test_wheel_contains_unchanged_collections_and_their_licences(wheel: Path) -> None:
    collections = read_vendored_files(wheel)
    assert sorted(collections) == read_pin()["names"]
    for name, files in collections.items():
        listed = {entry["name"]: entry["chksum_sha256"] for entry in json.loads(files["FILES.json"])["files"]}
        changed = {path for path, content in files.items() if listed.get(path) != sha256(content).hexdigest()}
        # The lists do not list themselves.
        assert changed == {"FILES.json", "MANIFEST.json"}, name
        assert "COPYING" in files, name


def test_wheel_contains_what_the_collections_require(wheel: Path) -> None:
    manifests = {name: json.loads(files["MANIFEST.json"]) for name, files in read_vendored_files(wheel).items()}
    needed = set(yaml.safe_load((ROOT / COLLECTION / "galaxy.yml").read_text())["dependencies"])
    needed.update(*(manifest["collection_info"]["dependencies"] for manifest in manifests.values()))
    assert needed == set(manifests)


def find_places(environment: Environment, cwd: Path) -> set[str]:
    """Return the folders of site-packages that the modules come from, after a check that playbooks start."""
    (cwd / "play.json").write_text(json.dumps(PLAY))
    environment.run("ansible-playbook", "play.json", "localdev.recovery.status", "--syntax-check", cwd=cwd)
    environment.pip("check")
    found = json.loads(environment.run("ansible-doc", "--json", *MODULES, cwd=cwd))
    places = [found[name]["doc"]["filename"] for name in MODULES]
    (packages,) = environment.folder.glob("lib/*/site-packages")
    return {str(Path(place).relative_to(packages)).partition(PACKAGE)[0] for place in places}


@pytest.fixture
def package(wheel: Path, tmp_path: Path) -> Path:
    """Return a wheel with the name and the file names of the package ansible, but with the needed collections only."""
    version = "12.3.0"
    folder = extract_vendored_collections(wheel, tmp_path / "package")
    manifest = folder / PACKAGE / "community/docker/MANIFEST.json"
    content = json.loads(manifest.read_text())
    content["collection_info"]["version"] = OTHER_VERSION
    manifest.write_text(json.dumps(content))
    info = folder / f"ansible-{version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: ansible\nVersion: {version}\n")
    (info / "WHEEL").write_text("Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
    names = [path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()]
    (info / "RECORD").write_text("".join(f"{name},,\n" for name in [*names, f"{info.name}/RECORD"]))
    packed = tmp_path / f"ansible-{version}-py3-none-any.whl"
    with zipfile.ZipFile(packed, "w") as archive:
        for name in [*names, f"{info.name}/RECORD"]:
            archive.write(folder / name, name)
    return packed


def test_package_ansible_may_come_and_go(installed: Environment, package: Path, wheel: Path, tmp_path: Path) -> None:
    """Check that its collections come first while it is installed, and those of the wheel before and after."""
    assert find_places(installed, tmp_path) == {VENDORED}
    installed.pip("install", "--no-deps", package)
    try:
        assert find_places(installed, tmp_path) == {""}
        output = installed.run("ansible-galaxy", "collection", "list", "--format", "json", cwd=tmp_path)
        # ansible-core 2.21 warns about a collection of its own.
        listed = json.loads(output.splitlines()[-1])
        versions = [found["community.docker"]["version"] for found in listed.values() if "community.docker" in found]
        assert versions[0] == OTHER_VERSION
        assert len(versions) == 2
        # The other order: the package is there when the wheel is installed.
        installed.pip("uninstall", "--yes", "localdev-recovery")
        installed.pip("install", "--no-deps", "--no-compile", wheel)
        assert find_places(installed, tmp_path) == {""}
    finally:
        installed.pip("uninstall", "--yes", "ansible")
    assert find_places(installed, tmp_path) == {VENDORED}


def test_command_finds_them_where_python_reads_no_path_file(
    installed: Environment, wheel: Path, tmp_path: Path
) -> None:
    """Check that the command adds the folder by itself: ``pip install --target`` and PYTHONPATH read no path file."""
    target = tmp_path / "target"
    installed.pip("install", "--no-deps", "--no-compile", "--target", target, wheel)
    installed.uninstall_product()
    try:
        (tmp_path / "play.json").write_text(json.dumps(PLAY))
        start = "import os, subprocess, sys; from localdev_recovery import ansible_playbook as program; "
        command = "[sys.executable, '-P', program.__file__, str(os.getpid()), 'ansible-playbook', *sys.argv[1:]]"
        program = f"{start} sys.exit(subprocess.call({command}))"
        arguments = ("-c", program, "play.json", "--syntax-check")
        installed.run("python", *arguments, cwd=tmp_path, PYTHONPATH=str(target))
    finally:
        installed.pip("install", "--no-deps", "--no-compile", wheel)


@pytest.mark.soak(reason="test_package_ansible_may_come_and_go, with a package of the same file names")
@pytest.mark.parametrize("first", ["wheel", "ansible"])
def test_the_whole_package_ansible_may_come_and_go(
    installed: Environment, wheel: Path, tmp_path: Path, first: str
) -> None:
    """Install and uninstall the package from PyPI in a new environment."""
    environment = Environment(tmp_path / "venv")
    installed.run("python", "-m", "venv", environment.folder, cwd=tmp_path)
    package = "ansible>=12,<15"
    for step in (wheel, package) if first == "wheel" else (package, wheel):
        environment.pip("install", step)
    assert find_places(environment, tmp_path) == {""}
    environment.pip("uninstall", "--yes", "ansible")
    assert find_places(environment, tmp_path) == {VENDORED}
