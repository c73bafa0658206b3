# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Programs that a test runs, the docker command above all."""

from __future__ import annotations

import contextlib
import json
import secrets
import socket
import subprocess
import time
import typing as t

# Stops what hangs. No test measures with it: machines differ, and tests share them.
HANG_TIMEOUT_S = 1200.0


class DockerMissing(Exception):
    """An engine that does not answer."""


def run_command(*command: str, check: bool = True, **options: t.Any) -> subprocess.CompletedProcess[str]:
    """Run a program and return its result. Raise AssertionError if it fails and ``check`` is true."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=HANG_TIMEOUT_S, check=False, **options)
    if check and done.returncode != 0:
        raise AssertionError(f"{' '.join(command)[:400]}: exit code {done.returncode}\n{done.stdout}\n{done.stderr}")
    return done


def docker(*arguments: str, check: bool = True, **options: t.Any) -> str:
    """Run the docker command and return its standard output."""
    return run_command("docker", *arguments, check=check, **options).stdout.strip()


def require_docker_engine() -> None:
    """Raise DockerMissing if no engine answers: a skipped test shows nothing."""
    try:
        done = run_command("docker", "version", "--format", "{{.Server.Version}}", check=False)
    except FileNotFoundError:
        raise DockerMissing("These tests need Docker: the docker command is not installed.") from None
    if done.returncode != 0:
        raise DockerMissing(f"These tests need a Docker engine: {done.stderr.strip()}")


def inspect_objects(kind: str, names: t.Sequence[str]) -> dict[str, dict[str, t.Any]]:
    """Return name -> inspection of the containers, volumes or images that exist."""
    if not names:
        return {}
    return {item["Name"].lstrip("/"): item for item in json.loads(docker(kind, "inspect", *names, check=False) or "[]")}


def wait_until(condition: t.Callable[[], t.Any], what: str) -> t.Any:
    """Poll a condition until it is true and return its value."""
    deadline = time.monotonic() + HANG_TIMEOUT_S
    while not (value := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(f"{what}: not within {HANG_TIMEOUT_S:g} s")
        time.sleep(0.1)
    return value


def find_free_ports(count: int) -> list[int]:
    """Return ports without a listener, below the range from which the kernel takes ports for outgoing connections."""
    found: list[int] = []
    while len(found) < count:
        port = 20000 + secrets.randbelow(12000)
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
            if port not in found:
                found.append(port)
    return found
