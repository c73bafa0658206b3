# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Measure ``status`` on many hosts against one host: wall time, and the controller's own processor time.

``volume_transition`` is measured too, with a stack of its own on each host. The hosts are containers with an SSH
server. They share one engine and one light stack, as they share this machine's processors: the connection is measured.
The delayed connections go through a relay, because not every kernel has tc's netem.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import os
import resource
import secrets
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import typing as t
from pathlib import Path

from tests.harness.checkout import ROOT
from tests.harness.engine import docker, run_command
from tests.harness.state_folders import STATE_ROOT, remove_state

IMAGE = "localdev/testhost:bookworm-ssh"
COUNTS = (1, 2, 4, 8)
DELAYED_COUNTS = (1, 8, 32)
MOVE_COUNTS = (1, 2, 4)
MOVES = ("bind", "volume")
DELAY_S = 0.05
RUNS = 3
GOALS = {8: 3, 32: 8}
# The command and its plugins, from this machine, so that a host starts at once; and the state folders, which have to
# outlive the container.
SHARED = (
    "/var/run/docker.sock",
    shutil.which("docker") or "/usr/bin/docker",
    "/usr/libexec/docker",
    "/usr/lib/docker",
    str(STATE_ROOT),
)
COMPOSE = """
services:
  cache:
    image: localdev/redis:7
    volumes: [cache:/data]
  # An image of the stack provides the Python that copies files. It has to run until it is stopped: an application that
  # has ended would count as broken.
  application:
    image: localdev/python:3.13
    command: sleep infinity
    init: true
volumes:
  cache:
"""


@contextlib.contextmanager
def hosts(count: int, *, apart: bool = False) -> t.Iterator[Path]:
    """Start hosts with an SSH server and a stack, and yield the folder with inventory.json, which lists them in order.

    apart: each has a stack of its own.
    """
    if not docker("image", "ls", "--quiet", IMAGE):
        raise SystemExit(f"There is no image {IMAGE}: molecule create --scenario-name default makes it")
    name = f"ldb-{secrets.token_hex(4)}"
    names = [f"{name}-{number}" for number in range(count)]
    with tempfile.TemporaryDirectory(prefix="localdev-bench-") as place:
        folder = Path(place)
        projects = [folder / each for each in (names if apart else [name])]
        for project in projects:
            project.mkdir()
            (project / "compose.yaml").write_text(COMPOSE)
        key = folder / "key"
        run_command("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key))
        script = (
            f"install -d -m 0700 ~/.ssh && echo '{key.with_suffix('.pub').read_text().strip()}' "
            ">~/.ssh/authorized_keys && mkdir -p /run/sshd && exec /usr/sbin/sshd -D -o MaxStartups=100"
        )
        mounts = [f"--volume={path}:{path}" for path in (*SHARED, str(folder)) if os.path.exists(path)]
        try:
            for project in projects:
                docker("compose", "up", "--detach", cwd=project)
            for each in names:
                options = ("--name", each, *mounts)
                docker("run", "--detach", *options, IMAGE, "/bin/sh", "-c", script)
            write_inventory(folder, names, projects)
            yield folder
        finally:
            docker("rm", "--force", "--volumes", *names, check=False)
            for project in projects:
                docker("compose", "down", "--timeout", "1", "--volumes", check=False, cwd=project)
                remove_state(project.name)
            # A move leaves kept copies, which Compose does not know.
            if volumes := docker("volume", "ls", "--quiet", "--filter", f"name={name}").split():
                docker("volume", "rm", "--force", *volumes, check=False)


def write_inventory(folder: Path, names: t.Sequence[str], projects: t.Sequence[Path]) -> None:
    addresses = docker("inspect", "--format", "{{.NetworkSettings.IPAddress}}", *names).split()
    common = "-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR"
    described = {
        "hosts": {
            name: {"ansible_host": address, "stack_dir": str(project)}
            for name, address, project in zip(names, addresses, itertools.cycle(projects), strict=False)
        },
        "vars": {
            "ansible_user": "root",
            "ansible_ssh_private_key_file": str(folder / "key"),
            "ansible_ssh_common_args": common,
        },
    }
    (folder / "inventory.json").write_text(json.dumps({"stacks": described}))


@contextlib.contextmanager
def delayed(folder: Path) -> t.Iterator[None]:
    """Let Ansible reach every host through a relay."""
    path = folder / "inventory.json"
    inventory = json.loads(path.read_text())
    found = inventory["stacks"]["hosts"]
    command = [sys.executable, "-m", "benchmarks.hosts", *(host["ansible_host"] for host in found.values())]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as relay:
        ports = json.loads(t.cast("t.IO[str]", relay.stdout).readline())
        for host, port in zip(found.values(), ports, strict=True):
            host |= {"ansible_host": "127.0.0.1", "ansible_port": port}
        path.write_text(json.dumps(inventory))
        try:
            yield
        finally:
            relay.terminate()


async def relay(addresses: t.Sequence[str]) -> None:
    """Listen on a port for each address, and pass on in half of the delay what comes, either way."""

    async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        loop = asyncio.get_running_loop()
        while data := await reader.read(65536):
            loop.call_later(DELAY_S / 2, writer.write, data)
        loop.call_later(DELAY_S / 2, writer.close)

    def server_for(address: str) -> t.Callable[..., t.Awaitable[None]]:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            there, back = await asyncio.open_connection(address, 22)
            await asyncio.gather(pass_on(reader, back), pass_on(there, writer), return_exceptions=True)

        return serve

    servers = [await asyncio.start_server(server_for(address), "127.0.0.1", 0) for address in addresses]
    print(json.dumps([server.sockets[0].getsockname()[1] for server in servers]), flush=True)
    await asyncio.gather(*(server.serve_forever() for server in servers))


def run(folder: Path, count: int, name: str, *arguments: str) -> dict[str, float]:
    """Run a playbook on the first hosts and return wall seconds and the controller's processor seconds."""
    program = str(Path(sys.executable).parent / "ansible-playbook")
    limit = f"stacks[0:{count - 1}]"
    command = (program, "-i", str(folder / "inventory.json"), f"localdev.recovery.{name}", "--limit", limit, *arguments)
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    run_command(*command, cwd=str(ROOT), env={**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg")})
    wall, after = time.monotonic() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"wall_s": wall, "controller_s": processor}


def medians(runs: t.Sequence[dict[str, float]]) -> dict[str, float]:
    return {key: round(statistics.median(each[key] for each in runs), 2) for key in runs[0]}


def status(folder: Path, count: int) -> dict[str, float]:
    # The first one opens the connections, which stay.
    return medians([run(folder, count, "status") for _ in range(RUNS + 1)][1:])


def move(folder: Path, count: int) -> dict[str, float]:
    """Move the data to a folder and back. Both count."""
    return medians([run(folder, count, "volume_transition", "-e", f"volume_transition_to={to}") for to in MOVES])


def row(seconds: dict[int, dict[str, float]], *, slow: bool) -> dict[str, t.Any]:
    """Return the row of results.json: the most hosts against one."""
    most = max(seconds)
    ours, hand = seconds[most]["wall_s"], seconds[1]["wall_s"]
    ratio = round(ours / hand, 2)
    return {
        "id": f"hosts_{most}{'_delayed' if slow else ''}",
        "ours_s": ours,
        "hand_s": hand,
        "limit_s": hand,
        "ratio": ratio,
        "goal": f"status of {most} hosts at most {GOALS[most]} times that of one",
        "reached": ratio <= GOALS[most],
        "data": f"light stack, SSH{f', {DELAY_S * 1000:.0f} ms added to each link' if slow else ''}",
        "by_hosts": {str(count): values for count, values in seconds.items()},
    }


def measure() -> list[dict[str, t.Any]]:
    rows = []
    with hosts(max(COUNTS)) as folder:
        rows.append(row({count: status(folder, count) for count in COUNTS}, slow=False))
    with hosts(max(MOVE_COUNTS), apart=True) as folder:
        rows[0]["volume_transition"] = {str(count): move(folder, count) for count in MOVE_COUNTS}
    with hosts(max(DELAYED_COUNTS)) as folder, delayed(folder):
        rows.append(row({count: status(folder, count) for count in DELAYED_COUNTS}, slow=True))
    return rows


if __name__ == "__main__":
    asyncio.run(relay(sys.argv[1:]))
