# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ways of running a module: directly, in a child of Ansible's worker, and as Ansible does it.

files/direct_tasks.yml runs both ways on each tested ansible-core. Results and output have to be equal.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import typing as t
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from tests.harness.engine import wait_until
from tests.harness.playbook_run import CALLBACK_FOLDER, RESULTS_VARIABLE, read_events
from tests.ways.support import ROOT, Environment, provide_core

FILES = Path(__file__).parent / "files"
TASKS = {task["name"]: task for task in yaml.safe_load((FILES / "direct_tasks.yml").read_text())}
# They run the usual way, with any value of the variable.
NEVER_DIRECT = ("Other user", "Background", "Other Python")
PROBE = "localdev_test.direct.probe"
# Values that differ between two runs of one way.
VOLATILE = re.compile(r"j\d{9,}\.\d+|\b0x[0-9a-f]{6,}\b|/tmp/ansible_\S+_payload\S*")


@dataclass(frozen=True)
class Core:
    """An ansible-core to run playbooks with. variables: of the environment, which put it in front of another one."""

    environment: Environment
    variables: dict[str, str]

    @property
    def settings(self) -> dict[str, str]:
        """Return the variables of a run of the checkout and of the test's collection."""
        return {
            **self.variables,
            "ANSIBLE_COLLECTIONS_PATH": f"{ROOT / 'collections'}:{FILES / 'collections'}",
            "ANSIBLE_CALLBACK_PLUGINS": str(CALLBACK_FOLDER),
            "ANSIBLE_CALLBACKS_ENABLED": "result_recorder",
            "ANSIBLE_PIPELINING": "true",
            "ANSIBLE_NOCOLOR": "true",
            "LOCALDEV_TEST_EXISTING": "of the controller",
            "LC_ALL": "C.UTF-8",
        }


@dataclass(frozen=True)
class Way:
    """One run of tasks. results, output: what callbacks got and what Ansible showed, by name of the task."""

    folder: Path
    results: dict[str, t.Any]
    output: dict[str, str]

    def get_result(self, task: str) -> t.Any:
        """Return the result and the registered variable of a task, without what differs between two runs."""
        return self._stabilize([self.results[task], self.results[registered(task)]["msg"]])

    def get_output(self, task: str) -> str:
        """Return what Ansible showed for a task, without what differs between two runs."""
        return self._stabilize_text(self.output[task])

    def is_direct(self, task: str) -> set[bool]:
        """Return, for each result of the probe, whether its code came from where ansible-playbook has it."""
        return {"_payload" not in item["code"] for item in self.list_volatile(task)}

    def list_volatile(self, task: str) -> list[dict[str, t.Any]]:
        """Return what differs between two runs in each result of the probe, as far as it returned one."""
        result = self.results[task]
        return [item["volatile"] for item in (result, *result.get("results", [])) if "volatile" in item]

    def _stabilize(self, value: t.Any) -> t.Any:
        if isinstance(value, dict):
            return {key: self._stabilize(item) for key, item in value.items() if key != "volatile"}
        if isinstance(value, list):
            return [self._stabilize(item) for item in value]
        return self._stabilize_text(value) if isinstance(value, str) else value

    def _stabilize_text(self, text: str) -> str:
        return VOLATILE.sub("VOLATILE", text.replace(str(self.folder), "FOLDER"))


def registered(task: str) -> str:
    """Return the name of the task that shows what a task registered."""
    return f"{task}, registered"


def write_play(core: Core, folder: Path, direct: bool, tasks: list[dict[str, t.Any]]) -> dict[str, str]:
    """Write a play into a new folder, and return the environment variables of its run."""
    folder.mkdir()
    variables = {
        "ansible_connection": "local",
        "ansible_python_interpreter": str(core.environment.python),
        "folder": str(folder),
        "localdev_direct_execution": direct,
    }
    # The same program, but without the virtual environment.
    (folder / "python").symlink_to(core.environment.python.resolve())
    play = {"hosts": "localhost", "gather_facts": False, "vars": variables, "tasks": tasks}
    (folder / "play.yml").write_text(json.dumps([play]))
    return {**core.settings, RESULTS_VARIABLE: str(folder / "results")}


def run_tasks(core: Core, folder: Path, direct: bool, tasks: list[dict[str, t.Any]], **settings: str) -> Way:
    """Run tasks to success."""
    settings = {**write_play(core, folder, direct, tasks), **settings}
    output = core.environment.run("ansible-playbook", "play.yml", cwd=folder, **settings)
    results = {event["task"]: event["result"] for event in read_events(folder / "results") if "task" in event}
    parts = re.split(r"^TASK \[(.+)\] \*+$", output, flags=re.MULTILINE)
    return Way(folder, results, dict(zip(parts[1::2], parts[2::2], strict=True)))


MIDDLE = pytest.param("2.20", marks=pytest.mark.soak(reason="the same tests with oldest and newest"))


@pytest.fixture(scope="module", params=["oldest", MIDDLE, "newest"])
def core(request: pytest.FixtureRequest) -> Core:
    """Return the ansible-core of the oldest and of the newest Python, and the one between them."""
    environment: Environment = request.getfixturevalue("bare" if request.param == "oldest" else "newest")
    if request.param != "2.20":
        return Core(environment, {})
    variables = {"PYTHONPATH": str(provide_core(environment, request.param))}
    assert environment.read_core_version(**variables) == request.param
    return Core(environment, variables)


@pytest.fixture(scope="module")
def ways(core: Core, tmp_path_factory: pytest.TempPathFactory) -> dict[bool, Way]:
    """Return the runs of all tasks with the variable true and false."""
    folder = tmp_path_factory.mktemp("ways")
    tasks = []
    for name, task in TASKS.items():
        tasks.append({**task, "register": "found", "ignore_errors": True})
        tasks.append({"name": registered(name), "ansible.builtin.debug": {"msg": "{{ found }}"}})
    # The names have the same length, because Ansible wraps lines.
    return {direct: run_tasks(core, folder / name, direct, tasks) for direct, name in ((True, "a"), (False, "b"))}


@pytest.mark.parametrize("task", TASKS)
def test_both_ways_have_the_same_result(ways: dict[bool, Way], task: str) -> None:
    assert ways[True].get_result(task) == ways[False].get_result(task)
    assert ways[True].get_output(task) == ways[False].get_output(task)


def test_tasks_fail_where_they_have_to(ways: dict[bool, Way]) -> None:
    failed = {task for task in TASKS if ways[True].results[registered(task)]["msg"].get("failed")}
    assert failed == {task for task, step in TASKS.items() if step.get("tags") == "fails"}


def test_the_variable_chooses_the_way(ways: dict[bool, Way]) -> None:
    direct = {task: ways[True].is_direct(task) for task in TASKS}
    # Failures do not show their way.
    chosen = [way for task, way in direct.items() if way and task not in NEVER_DIRECT]
    assert len(chosen) > len(TASKS) / 3
    assert all(way == {True} for way in chosen)
    assert [direct[task] for task in NEVER_DIRECT] == [{False}] * len(NEVER_DIRECT)
    assert set().union(*map(ways[False].is_direct, TASKS)) == {False}


def test_files_that_modules_wrote_are_equal(ways: dict[bool, Way]) -> None:
    for direct in (True, False):
        assert (ways[direct].folder / "outlive").read_text() == "thread\nexit function\n"
        assert (ways[direct].folder / "diff").read_text() == "changed\n"
        assert not (ways[direct].folder / "check-mode").exists()


def test_the_next_item_sees_nothing_of_the_one_before(ways: dict[bool, Way]) -> None:
    """Let each item change all that a process can change."""
    first, second = ways[True].results["Loop"]["results"]
    assert first["process"] == second["process"]


def test_modules_delete_their_temporary_folders(ways: dict[bool, Way]) -> None:
    folders = [Path(item["tmpdir"]) for task in TASKS for item in ways[True].list_volatile(task)]
    assert folders
    assert not any(folder.exists() for folder in folders)


def test_the_timeout_of_a_task_kills_the_module(ways: dict[bool, Way]) -> None:
    """Check that the module has ended; the usual way leaves it running."""
    [process] = (ways[True].folder / "timeout").read_text().split()
    assert not Path("/proc", process).exists()


@pytest.mark.parametrize("direct", [True, False], ids=["directly", "the usual way"])
def test_rescue_follows_a_killed_module(core: Core, tmp_path: Path, direct: bool) -> None:
    kill = {"name": "Kill", PROBE: {"do": "kill", "number": signal.SIGKILL}}
    rescue = {"name": "Rescue", "ansible.builtin.debug": {"msg": "{{ ansible_failed_result.rc }}"}}
    block = {"block": [kill], "rescue": [rescue]}
    # It needs a folder that ansible-playbook deletes when it ends.
    copy = {"name": "Copy", "ansible.builtin.copy": {"content": "", "dest": str(tmp_path / "copy"), "mode": "0600"}}
    way = run_tasks(core, tmp_path / "run", direct, [block, {"name": "Next", PROBE: {}}, copy])
    assert way.results["Rescue"]["msg"] == 137
    assert way.is_direct("Next") == {direct}


def test_tracebacks_are_those_of_the_module(core: Core, tmp_path: Path) -> None:
    tasks = [{"name": name, PROBE: {"do": name}, "ignore_errors": True} for name in ("crash", "fail", "warn")]
    shown = []
    for direct in (True, False):
        way = run_tasks(core, tmp_path / str(direct), direct, tasks, ANSIBLE_DISPLAY_TRACEBACK="error")
        ends = [way.results[name].get("exception", "").split("probe.py")[-1] for name in ("crash", "fail", "warn")]
        shown.append([re.sub(r"^    .*\n", "", text, flags=re.MULTILINE) for text in ends])
    assert shown[0] == shown[1]
    assert "ValueError: crash" in shown[0][0]


@pytest.mark.parametrize("direct", [True, False], ids=["directly", "the usual way"])
def test_a_terminated_playbook_ends_its_module(core: Core, tmp_path: Path, direct: bool) -> None:
    folder = tmp_path / "run"
    task = {"name": "Sleep", PROBE: {"do": "sleep", "number": 300, "file": str(folder / "sleeping")}}
    settings = write_play(core, folder, direct, [task])
    program = core.environment.folder / "bin/ansible-playbook"
    playbook = subprocess.Popen(
        [program, "play.yml"], cwd=folder, env={**os.environ, **settings}, stdout=subprocess.DEVNULL
    )
    try:
        process = wait_until(lambda: read_number(folder / "sleeping"), "start of the module")
        playbook.terminate()
        assert playbook.wait() != 0
        wait_until(lambda: not Path("/proc", process).exists(), "end of the module")
    finally:
        playbook.kill()


def read_number(file: Path) -> str:
    """Return the complete line of a file, or an empty text."""
    text = file.read_text() if file.exists() else ""
    return text.strip() if text.endswith("\n") else ""
