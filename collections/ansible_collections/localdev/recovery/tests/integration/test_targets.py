# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Each integration target as one test: a play against a real engine, in a throw-away project of its own.

The plays wait for containers most of the time, so a few run at once.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
import typing as t
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

pytestmark = pytest.mark.docker

HERE = Path(__file__).resolve().parent
CHECKOUT = HERE.parents[5]
TARGETS = HERE / "targets"
APP = TARGETS / "setup_stack" / "files" / "app"
APP_IMAGE = "ldr-int-app:latest"
AT_ONCE = 3
PLAY_TIMEOUT_S = 420
SHOWN_LINES = 60


def target_names() -> list[str]:
    return sorted(path.name for path in TARGETS.iterdir() if (path / "aliases").exists() and path.name[:6] != "setup_")


@dataclass(frozen=True)
class Outcome:
    returncode: int
    output: str
    seconds: float
    left_behind: list[str]


def run(*command: str, check: bool = True, **options: t.Any) -> str:
    done = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        **options,
    )
    if check and done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)} failed:\n{done.stdout[-3000:]}")
    return done.stdout


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return t.cast(int, probe.getsockname()[1])


# --- images ----------------------------------------------------------------------------------------------------------


def base_images() -> dict[str, str]:
    """Names under which the base images exist, by variable; the reference stack's own program provides them."""
    prepare = CHECKOUT / "examples" / "residency-scheduler" / "prepare"
    names = {}
    for variable, variant in (("POSTGRES", "pg15"), ("POSTGRES_UID70", "pg15-uid70")):
        answer = run(sys.executable, str(prepare), "--images-only", "--variant", variant)
        found = dict(line.split("=", 1) for line in answer.splitlines() if "_IMAGE=" in line)
        names |= {"REDIS": found["REDIS_IMAGE"], "PYTHON": found["PYTHON_IMAGE"], variable: found["POSTGRES_IMAGE"]}
    return names


def build_app(python_image: str, folder: Path) -> None:
    bundle = next(
        (b for b in ("/etc/ssl/certs/ca-certificates.crt", "/etc/ssl/cert.pem") if os.path.exists(b)), "/dev/null"
    )
    compose = folder / "docker-compose.yml"
    compose.write_text(
        f"""
name: ldr-int-images
services:
  app:
    image: {APP_IMAGE}
    build:
      context: {APP}
      args: {{PYTHON_IMAGE: "{python_image}"}}
      secrets: [ca_bundle]
secrets:
  ca_bundle: {{file: "{bundle}"}}
"""
    )
    run("docker", "compose", "--file", str(compose), "build", "--quiet")


@pytest.fixture(scope="session")
def images(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[dict[str, str]]:
    names = base_images()
    build_app(names.pop("PYTHON"), tmp_path_factory.mktemp("images"))
    yield {**names, "APP": APP_IMAGE}
    run("docker", "image", "rm", APP_IMAGE, check=False)


# --- plays -----------------------------------------------------------------------------------------------------------


def project_name(target: str) -> str:
    # No underscores: names of volumes are the project's and an underscore, and one target must not see another's.
    return f"ldr-int-{target.replace('_', '-')}"


def leftovers(project: str) -> list[str]:
    """Containers, volumes and networks of a project."""
    label = f"label=com.docker.compose.project={project}"
    found = [f"container {name}" for name in run("docker", "ps", "--all", "--quiet", "--filter", label).split()]
    found += [
        f"volume {name}" for name in run("docker", "volume", "ls", "--quiet", "--filter", f"name={project}_").split()
    ]
    found += [f"network {name}" for name in run("docker", "network", "ls", "--quiet", "--filter", label).split()]
    return found


def remove(things: t.Iterable[str]) -> None:
    for thing in things:
        kind, name = thing.split()
        run("docker", kind, "rm", *(["--force"] if kind != "network" else []), name, check=False)


def play(target: str, images: t.Mapping[str, str]) -> Outcome:
    project = project_name(target)
    # What a killed test run has left.
    remove(leftovers(project))
    remove(f"image {name}" for name in run("docker", "image", "ls", "--quiet", f"{project}-*").split())
    # Folders that containers write to: what a play does not delete belongs to other users, and may stay.
    with tempfile.TemporaryDirectory(prefix=f"{project}-", ignore_cleanup_errors=True) as folder:
        playbook = Path(folder) / "play.yml"
        playbook.write_text(f"- hosts: localhost\n  gather_facts: false\n  roles: [{target}]\n")
        environment = {
            **os.environ,
            **{f"LOCALDEV_TEST_{name}": value for name, value in images.items()},
            "LOCALDEV_TEST_DIR": f"{folder}/project",
            "LOCALDEV_TEST_PROJECT": project,
            "LOCALDEV_TEST_PORT": str(free_port()),
            "ANSIBLE_CONFIG": str(CHECKOUT / "ansible.cfg"),
            "ANSIBLE_ROLES_PATH": str(TARGETS),
            "ANSIBLE_DISPLAY_SKIPPED_HOSTS": "false",
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        }
        # A stack of the caller's must not be mistaken for the test's.
        for name in [name for name in environment if name.startswith("COMPOSE_")]:
            del environment[name]
        command = [str(Path(sys.executable).parent / "ansible-playbook"), "--inventory", "localhost,"]
        command += [
            "--connection",
            "local",
            "--extra-vars",
            f"ansible_python_interpreter={sys.executable}",
            str(playbook),
        ]
        began = time.monotonic()
        try:
            done = subprocess.run(
                command,
                env=environment,
                cwd=CHECKOUT,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                timeout=PLAY_TIMEOUT_S,
                check=False,
            )
            returncode, output = done.returncode, done.stdout
        except subprocess.TimeoutExpired as exc:
            output = exc.stdout.decode(errors="replace") if isinstance(exc.stdout, bytes) else exc.stdout or ""
            returncode, output = -1, f"{output}\nstill running after {PLAY_TIMEOUT_S} s"
        left = leftovers(project)
        remove(left)
        return Outcome(returncode, output, time.monotonic() - began, left)


@pytest.fixture(scope="session")
def plays(request: pytest.FixtureRequest, images: dict[str, str]) -> t.Iterator[dict[str, Future[Outcome]]]:
    """The plays of all selected tests, under way."""
    tests = [
        item for item in request.session.items if isinstance(item, pytest.Function) and item.function is test_target
    ]
    selected = [item.callspec.params["target"] for item in tests]
    pool = ThreadPoolExecutor(AT_ONCE)
    yield {target: pool.submit(play, target, images) for target in selected}
    pool.shutdown(cancel_futures=True)


@pytest.mark.parametrize("target", target_names())
def test_target(target: str, plays: dict[str, Future[Outcome]]) -> None:
    outcome = plays[target].result()
    shown = "\n".join(outcome.output.splitlines()[-SHOWN_LINES:])
    if outcome.returncode != 0:
        ended = f"the play of {target} ended with {outcome.returncode} after {outcome.seconds:.0f} s"
        pytest.fail(f"{ended}; its last lines:\n{shown}", pytrace=False)
    assert outcome.left_behind == []
