# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test the surroundings of ansible-playbook: its options, its variables, its settings, its signals."""

from __future__ import annotations

import configparser
import json
import os
import shlex
import signal
import stat
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._core.next_command import program_command
from ansible_collections.localdev.recovery.plugins.module_utils._run import process as run_process
from localdev_recovery import Outcome, Update, ansible_playbook, run
from localdev_recovery.interruption import SignalForwarder
from localdev_recovery.private_folder import private_folder
from localdev_recovery.runner import SETTINGS_WITHOUT_CONFIG_FILE, Request, _create_runner, _execute_playbook
from tests.harness.engine import wait_until
from tests.harness.playbook_run import new_token
from tests.harness.processes import TOKEN_VARIABLE, find_processes_with_token, kill_processes, wait_for_no_process


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def prepare_runner(request: Request, folder: Path) -> tuple[list[str], dict[str, str]]:
    config = _create_runner(
        request,
        playbook="localdev.recovery.status",
        folder=folder,
        handle_event=lambda event: False,
        forwarder=SignalForwarder(),
    ).config
    return config.command, config.env


def test_variables_travel_in_a_file_of_one_owner_and_not_in_arguments(folder: Path) -> None:
    command, env = prepare_runner(
        Request(procedure="status", stack_dir="/srv/a b", extra_vars=({"stack_admin_password": "s3cret"},)), folder
    )
    assert "s3cret" not in " ".join(command)
    assert "s3cret" not in env.values()
    path = Path(command[command.index("-e") + 1].removeprefix("@"))
    assert json.loads(path.read_text()) == {"stack_admin_password": {"__ansible_unsafe": "s3cret"}}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_without_an_inventory_the_folder_is_the_stack_of_this_machine_and_interpreter(folder: Path) -> None:
    command, _env = prepare_runner(Request(procedure="status", stack_dir="/srv/a b"), folder)
    inventory = json.loads(Path(command[command.index("-i") + 1]).read_text())
    assert inventory["stacks"]["hosts"]["localhost"] == {
        name: {"__ansible_unsafe": value}
        for name, value in (
            ("ansible_connection", "local"),
            ("ansible_python_interpreter", sys.executable),
            ("stack_dir", "/srv/a b"),
        )
    }


def test_options_reach_ansible_as_they_were_given(folder: Path) -> None:
    request = Request(
        procedure="status",
        stack_dir=None,
        inventories=("one.yml", "two,"),
        limit="a:!b",
        check=True,
        diff=True,
        arguments=("-e", "note=it's a 'test'", "-vv"),
    )
    command, _env = prepare_runner(request, folder)
    program, parent_pid, executable = command[:3], command[3], Path(command[4])
    assert program == [sys.executable, "-P", ansible_playbook.__file__]
    assert parent_pid == str(os.getpid())
    # With an SSH password, Ansible starts the program "ansible" beside it.
    assert (executable.name, executable.with_name("ansible").exists()) == ("ansible-playbook", True)
    assert shlex.join(command[5:]).startswith("--check --diff --limit 'a:!b' -e ")
    assert "note=it's a 'test'" in command
    assert [command[n + 1] for n, word in enumerate(command) if word == "-i"] == ["one.yml", "two,"]
    assert command[-1] == "localdev.recovery.status"


def test_the_environment_of_the_user_goes_before_ours(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANSIBLE_PIPELINING", "false")
    monkeypatch.setenv("LOCALDEV_PROGRESS", "none")
    monkeypatch.delenv("ANSIBLE_HOST_KEY_CHECKING", raising=False)
    _command, env = prepare_runner(Request(procedure="status", stack_dir="/srv"), folder)
    assert env["ANSIBLE_PIPELINING"] == "false"
    assert env["ANSIBLE_HOST_PATTERN_MISMATCH"] == "error"
    # Not a setting: this process reads what it asks for.
    assert env["LOCALDEV_PROGRESS"] == "json"
    # By default ansible-runner turns the check of host keys off, against ansible.cfg.
    assert "ANSIBLE_HOST_KEY_CHECKING" not in env
    assert "ANSIBLE_CACHE_PLUGIN" not in env
    assert Path(env["PATH"].split(os.pathsep)[0], "ansible-playbook").exists()


def test_where_nothing_is_configured_connections_are_as_in_the_checkout(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkout = configparser.ConfigParser(interpolation=None)
    checkout.read(Path(__file__).resolve().parents[2] / "ansible.cfg")
    wanted = {
        "ANSIBLE_FORKS": checkout["defaults"]["forks"],
        "ANSIBLE_PYTHON_INTERPRETER": checkout["defaults"]["interpreter_python"],
        "ANSIBLE_SSH_ARGS": checkout["ssh_connection"]["ssh_args"],
    }
    assert wanted == SETTINGS_WITHOUT_CONFIG_FILE
    monkeypatch.delenv("ANSIBLE_CONFIG", raising=False)
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.chdir(folder)
    with private_folder() as place:
        _command, env = prepare_runner(Request(procedure="status", stack_dir="/srv"), place)
    assert env.items() >= wanted.items()
    (folder / "ansible.cfg").write_text("[defaults]\nforks = 3\n")
    with private_folder() as place:
        _command, env = prepare_runner(Request(procedure="status", stack_dir="/srv"), place)
    assert not env.keys() & wanted.keys()


def test_the_first_signal_is_passed_on_once_and_the_second_kills() -> None:
    before = signal.getsignal(signal.SIGINT)
    script = (
        "import signal, sys; signal.signal(2, lambda *a: print('interrupted', flush=True)); print('up', flush=True)\n"
    )
    with (
        subprocess.Popen(
            [sys.executable, "-c", script + "while True: signal.pause()"], stdout=subprocess.PIPE, text=True
        ) as child,
        SignalForwarder() as forwarder,
    ):
        assert child.stdout is not None
        assert child.stdout.readline() == "up\n"
        os.kill(os.getpid(), signal.SIGTERM)
        assert forwarder.interrupted
        # Only the first event names the process that gets the signal.
        forwarder.set_process_id(child.pid)
        assert child.stdout.readline() == "interrupted\n"
        forwarder.set_process_id(child.pid)
        os.kill(os.getpid(), signal.SIGINT)
        assert child.wait(10) == -signal.SIGKILL
        assert forwarder.kill_requested
    assert signal.getsignal(signal.SIGINT) is before


def start_endless_playbook(folder: Path, token: str, *, in_thread: bool) -> subprocess.Popen[bytes]:
    """Start a process that runs a playbook whose module never ends, and wait until the module is at work."""
    started = folder / "started"
    task = {"ansible.builtin.shell": f"touch {shlex.quote(str(started))}; sleep 1000; true"}
    playbook = folder / "endless.json"
    playbook.write_text(json.dumps([{"hosts": "all", "gather_facts": False, "tasks": [task]}]))
    program = (
        "import sys, threading\n"
        "from localdev_recovery.runner import Request, _execute_playbook\n"
        "request = Request(\n"
        "    procedure='status', stack_dir=None, inventories=('localhost,',), arguments=('-c', 'local')\n"
        ")\n"
        "def run(): _execute_playbook(request, find_playbook=lambda folder: sys.argv[1])\n"
    )
    program += "threading.Thread(target=run).start()" if in_thread else "run()"
    localdev = subprocess.Popen(
        [sys.executable, "-c", program, str(playbook)],
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
            "XDG_RUNTIME_DIR": str(folder),
            TOKEN_VARIABLE: token,
        },
        start_new_session=True,
    )
    wait_until(lambda: started.exists() or localdev.poll() is not None, "the module's start")
    assert localdev.poll() is None
    return localdev


@pytest.mark.parametrize(
    ("victim", "in_thread"), [("localdev", True), ("its process group", False), ("ansible-playbook", False)]
)
def test_nothing_goes_on_when_one_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, victim: str, in_thread: bool
) -> None:
    """Kill ansible-playbook, which has a session of its own, as each of its workers has."""
    token = new_token()
    localdev = start_endless_playbook(tmp_path, token, in_thread=in_thread)
    try:
        if victim == "ansible-playbook":
            children = Path(f"/proc/{localdev.pid}/task").glob("*/children")
            [pid] = [pid for path in children for pid in path.read_text().split()]
            # Its terminal closes.
            os.kill(int(pid), signal.SIGHUP)
        elif victim == "localdev":
            localdev.kill()
        else:
            os.killpg(localdev.pid, signal.SIGKILL)
        localdev.wait(30)
        assert wait_for_no_process(token, 30) == []
    finally:
        kill_processes([localdev.pid, *find_processes_with_token(token)])
    # The next start deletes the variables and the environment that the killed one has left.
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    with private_folder() as folder:
        assert list(tmp_path.glob("localdev-*")) == [folder]


def test_a_killed_ansible_playbook_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    task = {"ansible.builtin.raw": "sleep 60"}
    playbook = tmp_path / "killed.json"
    playbook.write_text(json.dumps([{"hosts": "all", "gather_facts": False, "tasks": [task]}]))
    request = Request(procedure="status", stack_dir=None, inventories=("localhost,",), arguments=("-c", "local"))

    def kill(event: Mapping[str, Any]) -> None:
        if event["event"] == "runner_on_start":
            os.kill(event["pid"], signal.SIGKILL)

    result = _execute_playbook(request, find_playbook=lambda folder: str(playbook), on_runner_event=kill)
    [host] = result.hosts.values()
    assert host.error is not None
    assert (result.outcome, host.error.id, host.next) == (Outcome.FAILED, "run.killed", None)


def test_ansible_playbook_does_not_start_when_its_parent_is_gone() -> None:
    """Check the case that the parent dies before the kernel knows of the parent-death signal."""
    command = [sys.executable, "-P", ansible_playbook.__file__]
    present, gone = (
        subprocess.run(
            [*command, str(parent), "ansible-playbook", "--version"], capture_output=True, text=True, check=False
        )
        for parent in (os.getpid(), os.getppid())
    )
    assert (present.returncode, present.stdout.split(maxsplit=1)[0]) == (0, "ansible-playbook")
    assert (gone.returncode, gone.stdout, gone.stderr) == (1, "", "")


@pytest.mark.parametrize(("text", "seconds"), [("", 0.01), ("internal_poll_interval = 0.5", 0.5)], ids=["none", "own"])
def test_ansible_polls_less_often_unless_the_user_says_how_often(tmp_path: Path, text: str, seconds: float) -> None:
    config = tmp_path / "ansible.cfg"
    config.write_text(f"[defaults]\n{text}\n")
    program = (
        "from localdev_recovery import ansible_playbook; ansible_playbook.poll_less_often();"
        "from ansible import constants; print(constants.DEFAULT_INTERNAL_POLL_INTERVAL)"
    )
    environment = {**os.environ, "ANSIBLE_CONFIG": str(config)}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)
    assert float(done.stdout) == seconds


def test_the_lock_reads_the_variable_that_names_the_parent() -> None:
    assert ansible_playbook.PARENT_VARIABLE == run_process.PARENT_VARIABLE


def test_an_inventory_that_ansible_does_not_understand(tmp_path: Path) -> None:
    inventory = tmp_path / "inventory.yml"
    inventory.write_text("stacks: [this, is, no: inventory")
    result = run("status", inventory=inventory)
    assert result.outcome is Outcome.USAGE
    assert result.error is not None
    assert result.error.id == "ansible.refused"
    assert str(inventory) in " ".join([result.error.message, *map(str, result.error.details)])
    assert result.next == program_command("ansible-inventory", "-i", str(inventory), "--graph")
    assert result.hosts == {}


def test_a_host_that_does_not_answer(tmp_path: Path) -> None:
    inventory = tmp_path / "inventory.yml"
    inventory.write_text("stacks: {hosts: {far: {ansible_host: 127.0.0.1, ansible_port: 1, stack_dir: /tmp}}}")
    result = run("status", inventory=inventory)
    assert (result.outcome, result.exit_code) == (Outcome.UNREACHABLE, 7)
    assert result.hosts["far"].error is not None
    assert result.hosts["far"].error.id == "host.unreachable"


def test_a_listener_that_raises_does_not_cut_the_run_short(tmp_path: Path) -> None:
    calls: list[Update] = []

    def listen(update: Update) -> None:
        calls.append(update)
        raise RuntimeError("no more")

    with pytest.raises(RuntimeError, match="no more"):
        run("status", stack_dir=tmp_path, on_event=listen)
    assert len(calls) == 1
