# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Programs started as a person would start them, and environments apart from the tests' own."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import tomllib
import zipfile
from dataclasses import dataclass
from pathlib import Path

from checkout import COLLECTION, ROOT

PLAYBOOKS = sorted(path.stem for path in (ROOT / COLLECTION / "playbooks").glob("*.yml"))
CACHE = ROOT / ".cache/ways"
# Where the wheel has the collections that the roles need.
VENDORED = "localdev_recovery/_vendor/"


def assert_playbooks_find_roles(listing: str) -> None:
    """Check the output of --list-hosts and --list-tasks: each playbook acts on this machine, by its own role."""
    parts = listing.split("\nplaybook: ")[1:]
    assert len(parts) == len(PLAYBOOKS)
    for name, part in zip(PLAYBOOKS, parts, strict=True):
        assert "localhost" in part, name
        assert f"{name} : " in part, name


def run_isolated(
    *command: str | Path, cwd: Path, path: Path | None = None, **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run a program to success, with nothing set that could help it find the checkout. path: searched first."""
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "PYTHON", "VIRTUAL_"))
    }
    if path:
        kept["PATH"] = os.pathsep.join([str(path), kept["PATH"]])
    done = subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        env={**kept, "COLUMNS": "200", **variables},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{' '.join(map(str, command))}: exit code {done.returncode}\n{done.stdout}"
    return done


@dataclass(frozen=True)
class Environment:
    """A virtual environment, apart from the one that runs the tests."""

    folder: Path

    @property
    def python(self) -> Path:
        return self.folder / "bin/python"

    def run(self, program: str, *arguments: str | Path, cwd: Path, **variables: str) -> str:
        """Run a program of this environment and return its output."""
        path = self.folder / "bin"
        return run_isolated(path / program, *arguments, cwd=cwd, path=path, **variables).stdout

    def pip(self, *arguments: str | Path) -> str:
        return self.run("python", "-m", "pip", "--quiet", "--disable-pip-version-check", *arguments, cwd=self.folder)

    def uninstall_product(self) -> Environment:
        """Uninstall the wheel, and delete what Python compiled: it would still look like a collection.

        A test that was killed may have left the package ansible.
        """
        self.pip("uninstall", "--yes", "localdev-recovery", "ansible")
        for folder in self.folder.glob("lib/*/site-packages/ansible_collections/localdev"):
            shutil.rmtree(folder)
        return self

    def read_core_version(self, **variables: str) -> str:
        """Return the major and minor number of ansible-core's version."""
        show = "import ansible.release as r; print(r.__version__)"
        version = self.run("python", "-c", show, cwd=self.folder, **variables)
        return ".".join(version.strip().split(".")[:2])

    def find_module_file(self, module: str, cwd: Path, **variables: str) -> Path:
        """Return the file that a module is taken from."""
        found = json.loads(self.run("ansible-doc", "--json", module, cwd=cwd, **variables))
        return Path(found[module]["doc"]["filename"])


def extract_vendored_collections(wheel: Path, target: Path) -> Path:
    """Copy the folder ansible_collections of the collections that the wheel contains into a folder."""
    with zipfile.ZipFile(wheel) as archive:
        for name in archive.namelist():
            if name.startswith(VENDORED):
                copied = target / name.removeprefix(VENDORED)
                copied.parent.mkdir(parents=True, exist_ok=True)
                copied.write_bytes(archive.read(name))
    return target


def provide_environment(interpreter: Path, wheel: Path) -> Environment:
    """Return an environment with what the wheel requires, without the wheel.

    It is kept as long as the requirements stay the same.
    """
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    version = subprocess.run([interpreter, "-VV"], check=True, capture_output=True, text=True).stdout
    key = hashlib.sha256(f"{version}{project['dependencies']}".encode()).hexdigest()[:12]
    environment = Environment(CACHE / f"venv-{version.split()[1]}-{key}")
    complete = environment.folder / "complete"
    if not complete.exists():
        shutil.rmtree(environment.folder, ignore_errors=True)
        run_isolated(interpreter, "-m", "venv", environment.folder, cwd=ROOT)
        environment.pip("install", "--no-compile", wheel)
        environment.pip("install", "--no-compile", "pytest", "hypothesis", "alembic")
        complete.touch()
    return environment.uninstall_product()


def provide_core(environment: Environment, minor: str) -> Path:
    """Return a folder with an ansible-core of a minor version, for PYTHONPATH of an environment with another."""
    target = environment.folder / f"core-{minor}"
    if not target.exists():
        unfinished = environment.folder / f"core-{minor}.part"
        shutil.rmtree(unfinished, ignore_errors=True)
        environment.pip("install", "--no-compile", "--no-deps", "--target", unfinished, f"ansible-core=={minor}.*")
        unfinished.rename(target)
    return target
