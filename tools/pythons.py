"""The CPythons of this machine: those on PATH, and those that pyenv keeps."""

from __future__ import annotations

import os
import subprocess
from functools import cache
from pathlib import Path

# Where Ansible and the command run.
SUPPORTED = ("3.11", "3.12", "3.13", "3.14")
# The oldest on the stack's host, as OLDEST_PYTHON of module_utils/_core/module.
OLDEST_ON_HOSTS = "3.9"


def _works(python: Path) -> bool:
    """Return whether an interpreter runs: a file may be a shim for a missing Python, or a Python without venv."""
    try:
        tried = subprocess.run([python, "-c", "import ensurepip, venv"], capture_output=True, check=False)
    except OSError:
        return False
    return tried.returncode == 0


@cache
def interpreters(versions: tuple[str, ...] = SUPPORTED) -> dict[str, Path]:
    """Return each of the versions that is installed, oldest first, and its interpreter."""
    kept_by_pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"), "versions").glob("*/bin")
    folders = [*map(Path, os.environ["PATH"].split(os.pathsep)), *sorted(kept_by_pyenv)]
    found = {}
    for version in versions:
        candidates = (folder / f"python{version}" for folder in folders)
        python = next((path for path in candidates if path.exists() and _works(path)), None)
        if python:
            found[version] = python
    return found


def path_without_shims() -> str:
    """Return PATH without the folders whose Pythons do not run."""
    folders = os.environ["PATH"].split(os.pathsep)
    names = [f"python{version}" for version in (OLDEST_ON_HOSTS, *SUPPORTED)]
    broken = {f for f in folders for name in names if (path := Path(f, name)).exists() and not _works(path)}
    return os.pathsep.join(folder for folder in folders if folder not in broken)


if __name__ == "__main__":
    for version, python in interpreters((OLDEST_ON_HOSTS, *SUPPORTED)).items():
        print(version, python)
