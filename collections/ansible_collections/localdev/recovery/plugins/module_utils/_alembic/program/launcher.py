# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""The first part of the program: choose the Python that has the project's packages, in the application's environment.

It runs in any Python of the container and hands the rest to the Python that has Alembic.
"""

import glob
import importlib.util
import json
import os
import subprocess
import sys

# Processes that only start others.
STARTERS = (
    "sh",
    "bash",
    "dash",
    "ash",
    "busybox",
    "tini",
    "docker-init",
    "dumb-init",
    "s6-svscan",
    "s6-supervise",
    "gosu",
)
# Variables of a process and not of the application.
OWN_VARIABLES = ("HOME", "HOSTNAME", "PWD", "OLDPWD", "SHLVL", "TERM", "_")
# Commands whose first line names the Python that has the project's packages.
COMMANDS = ("alembic", "flask", "uvicorn", "gunicorn", "celery")
IMPORT_TIMEOUT_S = 30


def read_null_separated(path):
    try:
        with open(path, "rb") as handle:
            return [part.decode("utf-8", "surrogateescape") for part in handle.read().split(b"\0") if part]
    except OSError:
        return []


def descends_from_first(number):
    """Return whether a process belongs to the service. A command of ``docker exec``, as this one, has parent 0."""
    while number > 1:
        try:
            with open("/proc/%d/stat" % number) as handle:
                number = int(handle.read().rpartition(")")[2].split()[1])
        except (OSError, ValueError, IndexError):
            return False
    return number == 1


def read_environment(number):
    """Return the environment of a process, read as its own user: root in a container must not read that of others."""
    group, user = os.getegid(), os.geteuid()
    try:
        owner = os.stat("/proc/%d" % number)
        if user == 0:
            os.setegid(owner.st_gid)
            os.seteuid(owner.st_uid)
        return read_null_separated("/proc/%d/environ" % number)
    except OSError:
        return []
    finally:
        os.seteuid(user)
        os.setegid(group)


def find_application_process():
    """Return (environment, arguments) of the oldest process that does not only start others; empty if there is none.

    An entry point may set variables that ``docker exec`` does not have, such as a URL with a password from a file.
    """
    for number in sorted(int(name) for name in os.listdir("/proc") if name.isdigit()) if os.path.isdir("/proc") else []:
        arguments = read_null_separated("/proc/%d/cmdline" % number)
        if arguments and descends_from_first(number) and os.path.basename(arguments[0]).lstrip("-") not in STARTERS:
            environment = dict(item.split("=", 1) for item in read_environment(number) if "=" in item)
            return environment, arguments
    return {}, []


def adopt_environment(environment):
    for name, value in environment.items():
        if name not in OWN_VARIABLES:
            os.environ[name] = value
    for folder in reversed(os.environ.get("PYTHONPATH", "").split(os.pathsep)):
        if folder and folder not in sys.path:
            sys.path.insert(1, folder)


def has_alembic():
    try:
        found = importlib.util.find_spec("alembic")
    except (ImportError, ValueError):
        return False
    # A folder named alembic with migrations has no origin.
    return found is not None and found.origin is not None


def list_pythons(arguments):
    """Return the other Pythons of the container, the most likely first. arguments: of the application's process."""
    found = [word for word in arguments[:2] if os.path.basename(word).startswith("python")]
    folders = os.environ.get("PATH", os.defpath).split(os.pathsep)
    for command in COMMANDS:
        for folder in folders:
            try:
                with open(os.path.join(folder, command), "rb") as handle:
                    first = handle.readline(1024)
            except OSError:
                continue
            if first.startswith(b"#!"):
                found += first[2:].decode("utf-8", "replace").split()[:1]
    places = [os.environ.get(name, "") for name in ("VIRTUAL_ENV", "UV_PROJECT_ENVIRONMENT", "CONDA_PREFIX")]
    folder = os.getcwd()
    while True:
        places += [os.path.join(folder, name) for name in (".venv", "venv", "env", "__pypackages__")]
        if folder == os.path.dirname(folder):
            break
        folder = os.path.dirname(folder)
    places += ["/opt/venv", "/venv", "/app/.venv", "/code/.venv", "/srv/.venv", "/usr/local", "/usr", "/opt/conda"]
    homes = [os.path.expanduser("~"), "/root"]
    patterns = [os.environ.get("POETRY_VIRTUALENVS_PATH", "") + "/*", os.environ.get("WORKON_HOME", "") + "/*"]
    patterns += [
        home + part for home in homes for part in ("/.cache/pypoetry/virtualenvs/*", "/.local/share/virtualenvs/*")
    ]
    patterns += ["/opt/*", "/app/*", "/opt/*/.venv"]
    for pattern in patterns:
        places += sorted(glob.glob(pattern)) if not pattern.startswith("/*") else []
    for place in places:
        found += [os.path.join(place, "bin", name) for name in ("python", "python3")] if place else []
    usable = [path for path in found if os.path.isabs(path) and os.access(path, os.X_OK)]
    return [path for path in dict.fromkeys(usable) if path != sys.executable]


def can_import_alembic(python):
    command = [python, "-c", "import alembic.config"]
    try:
        done = subprocess.run(
            command, cwd="/", stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            timeout=IMPORT_TIMEOUT_S, check=False,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def launch(program, request, mark):
    """Run the rest of the program where Alembic is installed. mark: before a response."""
    arguments = []
    if request.get("in_container"):
        environment, arguments = find_application_process()
        adopt_environment(environment)
    request = dict(request, process_arguments=arguments or request.get("process_arguments") or [])
    named = request.get("python")
    if not named and has_alembic():
        exec(compile(program, "<localdev.recovery>", "exec"), {"__name__": "localdev_program", "REQUEST": request})
        return
    text = "import json\nREQUEST = json.loads(%r)\n%s" % (json.dumps(request), program)
    tried = [named] if named else list_pythons(arguments)
    for python in tried:
        if named or can_import_alembic(python):
            try:
                done = subprocess.run([python, "-"], input=text.encode("utf-8", "surrogateescape"), check=False)
            except OSError as exc:
                tried = ["%s: %s" % (python, exc.strerror)]
                break
            sys.stdout.flush()
            os._exit(done.returncode)
    message = "no Python in there has Alembic (tried %s)" % ", ".join(dict.fromkeys([sys.executable, *tried]))
    sys.stdout.write("\n" + mark + json.dumps({"kind": "no_alembic", "error": message, "config": ""}) + "\n")
    sys.stdout.flush()
