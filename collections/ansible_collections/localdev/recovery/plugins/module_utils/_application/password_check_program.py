# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Check a password with the application's own code in its container. Password and hash travel by standard input."""

from __future__ import annotations

import json
import typing as t

from ansible_collections.localdev.recovery.plugins.module_utils._docker.cli import CompletedCommand, Docker
from ansible_collections.localdev.recovery.plugins.module_utils._docker.interpreter import FIND_PYTHON

PASSWORD_RESPONSE_MARK = "@localdev.recovery:account "
PASSWORD_CHECK_TIMEOUT_S = 120.0

# Runs in the container, with the application's working folder and packages. Other output is ignored.
PASSWORD_CHECK_PROGRAM = f"""
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
print({PASSWORD_RESPONSE_MARK!r} + json.dumps(answer))
"""


def request_password_check(docker: Docker, container: str, request: t.Mapping[str, str]) -> dict[str, t.Any]:
    """Return hash, matches (None: not known) and error. request: password, hash and verify (addresses), stored."""
    done = docker.run(
        *(
            "exec",
            "--interactive",
            container,
            "sh",
            "-c",
            FIND_PYTHON + 'exec $python -c "$1"',
            "sh",
            PASSWORD_CHECK_PROGRAM,
        ),
        stdin=json.dumps(request),
        check=False,
        timeout=PASSWORD_CHECK_TIMEOUT_S,
    )
    return parse_password_response(done)


def parse_password_response(done: CompletedCommand) -> dict[str, t.Any]:
    """Return the response that the program printed among other output. Pure."""
    for line in reversed(done.stdout.splitlines()):
        if line.startswith(PASSWORD_RESPONSE_MARK):
            return t.cast("dict[str, t.Any]", json.loads(line.removeprefix(PASSWORD_RESPONSE_MARK)))
    output = " ".join(done.stderr.split())[-400:] or "no output"
    return {"hash": "", "matches": None, "error": f"Python could not be run (exit code {done.returncode}): {output}"}
