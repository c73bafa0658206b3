# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Copy the collections that the roles need into the wheel, from the PyPI package ansible.

pyproject.toml pins the package and its checksum, and names the collections. They are copied unchanged, with their
licences. docs/decisions/install-size.md says why. An editable install takes them from the environment instead.

HATCH_BUILD_NO_HOOKS=true builds a wheel without them, for distributions that package each collection by itself.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

# Folder in which the collections of a package are kept after the first build.
CACHE_VARIABLE = "LOCALDEV_BUILD_CACHE"
# The second one adds the folder of the first one to Python's path, where Ansible looks for collections.
COLLECTIONS = "localdev_recovery/_vendor/ansible_collections"
PATH_FILE = ("localdev_recovery_collections.pth", "localdev_recovery/_vendor\n")


class CollectionsHook(BuildHookInterface):
    """A build hook that adds the collections and the path file to a wheel."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version == "editable":
            return
        cache = Path(os.environ.get(CACHE_VARIABLE) or Path(self.root, ".cache/build")).resolve()
        folder = provide_collections(cache, **self.config["collections"])
        build_data["force_include"][str(folder / "ansible_collections")] = COLLECTIONS
        build_data["force_include"][str(folder / PATH_FILE[0])] = PATH_FILE[0]


def provide_collections(cache: Path, *, package: str, sha256: str, names: list[str]) -> Path:
    """Return a folder with the path file and the collections of a package that PyPI has. Download it once.

    Raise CalledProcessError if the package cannot be downloaded, or has another checksum.
    """
    wanted = tuple(f"ansible_collections/{name.replace('.', '/')}/" for name in names)
    target = cache / f"{package}-{sha256[:12]}-{'-'.join(names)}"
    if target.exists():
        return target
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache) as work:
        requirements, unfinished = Path(work, "requirements.txt"), Path(work, "unfinished")
        requirements.write_text(f"{package} --hash=sha256:{sha256}\n")
        # The package is only unpacked, so the Python that builds may be older than it requires.
        options = ("--quiet", "--no-deps", "--only-binary=:all:", "--ignore-requires-python", "--require-hashes")
        command = (sys.executable, "-m", "pip", "download", *options, "--dest", work, "--requirement", requirements)
        subprocess.run(command, check=True, stdout=sys.stderr)
        (wheel,) = Path(work).glob("*.whl")
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(unfinished, [name for name in archive.namelist() if name.startswith(wanted)])
        (unfinished / PATH_FILE[0]).write_text(PATH_FILE[1])
        unfinished.rename(target)
    return target
