# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Each integration target as one test: a play against a real engine, in a throw-away project of its own.

The plays wait for containers most of the time, so a few run at once.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
import typing as t
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.harness.checkout import ROOT
from tests.harness.comparable_results import list_comparable_results, list_differences
from tests.harness.engine import HANG_TIMEOUT_S, docker, find_free_ports
from tests.harness.images import build_application_image, provide_base_images
from tests.harness.playbook_run import CALLBACK_FOLDER, RESULTS_VARIABLE, read_events
from tests.harness.project import list_project_objects, remove_objects
from tests.harness.state_folders import remove_state

pytestmark = pytest.mark.docker

HERE = Path(__file__).resolve().parent
TARGETS = HERE / "targets"
AT_ONCE = 3
SHOWN_LINES = 60


# A target of this suffix runs its modules as Ansible does it, not in a child of Ansible's worker.
USUAL = "-usual"
# The cheapest target runs that way in make test too.
USUAL_TARGET = "env_file"
# These targets run for two users of the cluster's files, because each base image has another one.
TARGETS_WITH_UIDS = ("set_aside_folder", "set_aside_volume")


def target_cases() -> list[t.Any]:
    """Return the parameters of all tests: a target, or a target and the user of the cluster's files as NAME-uidUID."""
    names = sorted(path.name for path in TARGETS.iterdir() if (path / "aliases").exists() and path.name[:6] != "setup_")
    cases: list[t.Any] = []
    for name in names:
        if name in TARGETS_WITH_UIDS:
            soak = pytest.mark.soak(reason=f"{name}-uid999; test_rebuild[bind-pg15-uid70] of tests/faults")
            cases += [f"{name}-uid999", pytest.param(f"{name}-uid70", marks=soak)]
        else:
            cases.append(name)
    return cases


def usual_cases() -> list[t.Any]:
    """Return the targets that run directly and the usual way: of each role one."""
    cases: list[t.Any] = []
    for case in target_cases():
        if isinstance(case, str):
            soak = pytest.mark.soak(reason=f"test_target[{case}]; the same test with {USUAL_TARGET}; tests/ways")
            cases.append(case if case == USUAL_TARGET else pytest.param(case, marks=soak))
    return cases


@dataclass(frozen=True)
class PlayOutcome:
    """Result of a target's play. left_behind: objects of its project that it did not remove.

    results: what the callback plugin of the harness has written. own_words: the values that only this play has.
    """

    returncode: int
    output: str
    seconds: float
    left_behind: list[str]
    results: list[dict[str, t.Any]]
    own_words: list[str]


# --- images ----------------------------------------------------------------------------------------------------------


def base_images_by_name() -> dict[str, str]:
    """Return the names of the base images, by the variable of the targets that takes them."""
    names = {}
    variants = {"POSTGRES": "pg15", "POSTGRES_UID70": "pg15-uid70", "POSTGRES_18": "pg18"}
    for variable, variant in variants.items():
        found = provide_base_images(variant)
        names |= {"REDIS": found["REDIS_IMAGE"], "PYTHON": found["PYTHON_IMAGE"], variable: found["POSTGRES_IMAGE"]}
    return names


@pytest.fixture(scope="session")
def images() -> dict[str, str]:
    names = base_images_by_name()
    del names["PYTHON"]
    return {**names, "APP": build_application_image()}


# --- plays -----------------------------------------------------------------------------------------------------------


def project_name(target: str) -> str:
    # No underscores: names of volumes are the project's and an underscore, and one target must not see another's.
    return f"ldr-int-{target.replace('_', '-')}"


def run_target_play(target: str, images: t.Mapping[str, str]) -> PlayOutcome:
    project = project_name(target)
    role, _separator, uid = target.removesuffix(USUAL).partition("-uid")
    port = str(find_free_ports(1)[0])
    # A killed test run may have left objects.
    remove_objects(list_project_objects(project))
    remove_state(project)
    remove_objects(f"image {name}" for name in docker("image", "ls", "--quiet", f"{project}-*").split())
    # Folders that containers write to: what a play does not delete belongs to other users, and may stay.
    with tempfile.TemporaryDirectory(prefix=f"{project}-", ignore_cleanup_errors=True) as folder:
        playbook = Path(folder) / "play.yml"
        playbook.write_text(f"- hosts: localhost\n  gather_facts: false\n  roles: [{role}]\n")
        environment = {
            **os.environ,
            **{f"LOCALDEV_TEST_{name}": value for name, value in images.items()},
            "LOCALDEV_TEST_DIR": f"{folder}/project",
            "LOCALDEV_TEST_PROJECT": project,
            "LOCALDEV_TEST_PORT": port,
            **({"LOCALDEV_TEST_UIDS": uid} if uid else {}),
            "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
            "ANSIBLE_ROLES_PATH": str(TARGETS),
            "ANSIBLE_DISPLAY_SKIPPED_HOSTS": "false",
            # A play that a target starts names another file.
            "ANSIBLE_CALLBACK_PLUGINS": str(CALLBACK_FOLDER),
            "ANSIBLE_CALLBACKS_ENABLED": "result_recorder",
            RESULTS_VARIABLE: f"{folder}/results",
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
            "--extra-vars",
            f"localdev_direct_execution={not target.endswith(USUAL)}",
            str(playbook),
        ]
        began = time.monotonic()
        try:
            done = subprocess.run(
                command,
                env=environment,
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                timeout=HANG_TIMEOUT_S,
                check=False,
            )
            returncode, output = done.returncode, done.stdout
        except subprocess.TimeoutExpired as exc:
            output = exc.stdout.decode(errors="replace") if isinstance(exc.stdout, bytes) else exc.stdout or ""
            returncode, output = -1, f"{output}\nstill running after {HANG_TIMEOUT_S} s"
        seconds = time.monotonic() - began
        left = list_project_objects(project)
        remove_objects(left)
        remove_state(project)
        results = read_events(Path(folder) / "results")
        return PlayOutcome(returncode, output, seconds, left, results, [folder, project, port])


@pytest.fixture(scope="session")
def plays(request: pytest.FixtureRequest, images: dict[str, str]) -> t.Iterator[dict[str, Future[PlayOutcome]]]:
    """Start the plays of all selected tests, and yield them."""
    selected: dict[str, None] = {}
    for item in request.session.items:
        if isinstance(item, pytest.Function) and "plays" in item.fixturenames:
            target = item.callspec.params["target"]
            selected |= {target: None} | ({} if item.function is test_target else {f"{target}{USUAL}": None})
    pool = ThreadPoolExecutor(AT_ONCE)
    yield {target: pool.submit(run_target_play, target, images) for target in selected}
    pool.shutdown(cancel_futures=True)


def check_outcome(target: str, outcome: PlayOutcome) -> None:
    """Raise AssertionError unless the play succeeded and removed what it had created."""
    shown = "\n".join(outcome.output.splitlines()[-SHOWN_LINES:])
    if outcome.returncode != 0:
        ended = f"the play of {target} ended with {outcome.returncode} after {outcome.seconds:.0f} s"
        pytest.fail(f"{ended}; its last lines:\n{shown}", pytrace=False)
    assert outcome.left_behind == []


@pytest.mark.parametrize("target", target_cases())
def test_target(target: str, plays: dict[str, Future[PlayOutcome]]) -> None:
    check_outcome(target, plays[target].result())


@pytest.mark.parametrize("target", usual_cases())
def test_target_has_the_same_results_the_usual_way(target: str, plays: dict[str, Future[PlayOutcome]]) -> None:
    """Run each module the usual way; the target itself runs its modules directly."""
    direct, usual = plays[target].result(), plays[f"{target}{USUAL}"].result()
    check_outcome(f"{target}{USUAL}", usual)
    first, second = (
        list_comparable_results(outcome.results, outcome.own_words, "localdev.recovery.") for outcome in (direct, usual)
    )
    assert first
    assert list_differences(first, second) == []
