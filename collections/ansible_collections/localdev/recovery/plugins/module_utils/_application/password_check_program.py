# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Asking the application's own code about a password, where it runs. Password and hash travel by standard input."""

from __future__ import annotations

import json
import re
import typing as t

from ansible_collections.localdev.recovery.plugins.module_utils._alembic.runner import FIND_PYTHON
from ansible_collections.localdev.recovery.plugins.module_utils._application.account import SHORTEST_SIGNING_KEY
from ansible_collections.localdev.recovery.plugins.module_utils._docker.cli import Completed, Docker
from ansible_collections.localdev.recovery.plugins.module_utils._docker.compose_values import environment_of

MARK = "@localdev.recovery:account "
TIMEOUT_S = 120.0
LOG_LINES = 200

# Runs in the container, with the application's working folder and packages. Whatever else is printed stays unread.
PROGRAM = f"""
import asyncio, importlib, inspect, json, os, sys
sys.path.insert(0, os.getcwd())
request = json.load(sys.stdin)
def call(address, *arguments):
    module, _colon, name = address.partition(":")
    found = importlib.import_module(module)
    for part in name.split("."):
        found = getattr(found, part)
    answer = found(*arguments)
    return asyncio.run(answer) if inspect.iscoroutine(answer) else answer
answer = {{"hash": "", "matches": None, "error": ""}}
try:
    if request["hash"]:
        made = call(request["hash"], request["password"])
        answer["hash"] = made.decode() if isinstance(made, bytes) else str(made)
    if request["verify"] and request["stored"]:
        answer["matches"] = bool(call(request["verify"], request["password"], request["stored"]))
except BaseException as error:
    answer["error"] = type(error).__name__ + ": " + " ".join(str(error).split())[:400]
print()
print({MARK!r} + json.dumps(answer))
"""

_CAUSES = (
    (
        "signing_key",
        re.compile(r"secret_?key|InvalidKeyError|HMAC key|signing key|Could not deserialize key", re.I),
    ),
    (
        "database",
        re.compile(
            r"OperationalError|ProgrammingError|Undefined(?:Table|Column)|password authentication failed|"
            r"connection to server|could not (?:connect|translate host)|database .* does not exist|too many clients",
            re.I,
        ),
    ),
)


def ask(docker: Docker, container: str, request: t.Mapping[str, str]) -> dict[str, t.Any]:
    """hash, matches (None: not known) and error. request: password, hash and verify (addresses), stored."""
    done = docker.run(
        *("exec", "--interactive", container, "sh", "-c", FIND_PYTHON + 'exec $python -c "$1"', "sh", PROGRAM),
        stdin=json.dumps(request),
        check=False,
        timeout=TIMEOUT_S,
    )
    return parse(done)


def parse(done: Completed) -> dict[str, t.Any]:
    """The answer among whatever else was printed. Pure."""
    for line in reversed(done.stdout.splitlines()):
        if line.startswith(MARK):
            return t.cast("dict[str, t.Any]", json.loads(line.removeprefix(MARK)))
    words = " ".join(done.stderr.split())[-400:] or "no output"
    return {"hash": "", "matches": None, "error": f"Python could not be run (exit code {done.returncode}): {words}"}


def cause_in(log: str) -> dict[str, str]:
    """What the last lines of a log blame: ``signing_key``, ``database`` or nothing, and the line. Pure."""
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    for line in reversed(lines):
        for kind, pattern in _CAUSES:
            if pattern.search(line):
                return {"kind": kind, "line": line[:300]}
    return {"kind": "", "line": lines[-1][:300] if lines else ""}


def signing_state(containers: t.Mapping[str, t.Sequence[str] | None], service: str, variable: str) -> dict[str, t.Any]:
    """Whether the key that signs tokens can be one (else breaks) and is a good one. Never the key itself. Pure.

    containers: ``service: environment``, as docker inspect lists it.
    """
    if not variable or service not in containers:
        return {"variable": variable, "problem": "", "breaks": False}
    key = environment_of(containers[service]).get(variable)
    others = sorted(
        name
        for name, listed in containers.items()
        if variable in environment_of(listed) and environment_of(listed)[variable] != key
    )
    problem = ""
    if not key:
        problem = f"{variable} of service {service} is {'empty' if key == '' else 'not set'}"
    elif others:
        problem = f"{variable} of service {service} is another one than that of {', '.join(others)}"
    elif len(key) < SHORTEST_SIGNING_KEY:
        problem = f"{variable} of service {service} has {len(key)} characters, fewer than {SHORTEST_SIGNING_KEY}"
    return {"variable": variable, "problem": problem, "breaks": not key or bool(others)}
