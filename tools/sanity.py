"""Run ansible-test sanity on the collection as it stands in the checkout. Arguments are handed to ansible-test.

ansible-test wants the collection in a git repository of its own below a folder ansible_collections, so it gets a copy.
It would fetch get-pip.py from its maintainers' host. A file in its cache, which is in HOME, avoids that.
"""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
import sysconfig
from importlib.metadata import version
from pathlib import Path

import pythons
from checkout import COLLECTION, ROOT, copy_checkout

# Takes the arguments of get-pip.py that ansible-test passes.
GET_PIP = """\
import subprocess
import sys

packages = [argument for argument in sys.argv[1:] if "==" in argument]
subprocess.check_output([sys.executable, "-m", "ensurepip"])
subprocess.check_call([sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *packages])
"""


def copy_collection(target: Path) -> None:
    shutil.rmtree(target, ignore_errors=True)
    copy_checkout(target, COLLECTION)
    for command in (["init", "--quiet"], ["add", "--all"]):
        subprocess.run(["git", *command], cwd=target, check=True)


def provide_get_pip(home: Path) -> None:
    source = Path(sysconfig.get_path("purelib"), "ansible_test/_internal/python_requirements.py").read_text()
    cache = home / ".ansible/test/cache"
    cache.mkdir(parents=True, exist_ok=True)
    for pip in set(re.findall(r"pip='([\d.]+)'", source)):
        (cache / f"get_pip_{pip.replace('.', '_')}.py").write_text(GET_PIP)


def provide_pip_settings(home: Path) -> None:
    """Write pip's settings down: ansible-test keeps PIP_* from it, and this HOME hides the user's own file."""

    def pip(*arguments: str) -> str:
        command = [sys.executable, "-m", "pip", "--disable-pip-version-check", *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    settings = {}
    for line in pip("config", "list").splitlines():
        name, _, value = line.partition("=")
        section, _, key = name.rpartition(".")
        if section in ("global", ":env:"):  # the environment comes last, and wins
            settings[key] = str(ast.literal_eval(value)).replace("\n", "\n    ")
    settings["cache-dir"] = pip("cache", "dir").strip()
    if bundle := os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("SSL_CERT_FILE"):
        settings.setdefault("cert", bundle)
    file = home / ".config/pip/pip.conf"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.touch(0o600)  # an index URL may hold a password
    file.write_text("[global]\n" + "".join(f"{key} = {value}\n" for key, value in settings.items()))


def provide_pythons(work: Path) -> Path:
    """Return a folder for PATH with the Pythons to test with."""
    folder = work / "bin"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    versions = (pythons.OLDEST_ON_HOSTS, *pythons.SUPPORTED)
    for release, python in pythons.interpreters(versions).items():
        (folder / f"python{release}").symlink_to(python)
    return folder


def require_host_python() -> None:
    """Exit with an error if the oldest Python of hosts is missing: ansible-test would leave its tests out."""
    oldest = pythons.OLDEST_ON_HOSTS
    if not pythons.interpreters((oldest,)):
        sys.exit(
            f"Cannot test the modules on Python {oldest}, the oldest on hosts: python{oldest} is not installed here.\n"
            f"Install it with its module venv, on PATH or by pyenv: pyenv install {oldest}"
        )


def main() -> int:
    if "--python" not in sys.argv:
        require_host_python()
    work = ROOT / f".cache/sanity-{version('ansible-core')}"
    collection = work / "ansible_collections/localdev/recovery"
    copy_collection(collection)
    home = work / "home"
    provide_get_pip(home)
    provide_pip_settings(home)
    environment = {name: value for name, value in os.environ.items() if name != "ANSIBLE_CONFIG"}
    path = [str(Path(sys.executable).parent), str(provide_pythons(work)), pythons.path_without_shims()]
    environment |= {"HOME": str(home), "PATH": os.pathsep.join(path)}
    command = ["ansible-test", "sanity", "--color", "no", *sys.argv[1:]]
    return subprocess.run(command, cwd=collection, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
