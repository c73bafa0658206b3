# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One ansible-playbook under ansible-runner: its surroundings, its events, its signals."""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import shutil
import signal
import sys
import sysconfig
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

from ansible_runner.config.runner import RunnerConfig
from ansible_runner.runner import Runner

from localdev_recovery import procedures
from localdev_recovery.progress import Progress, Update
from localdev_recovery.results import Failure, Outcome, Result, overall
from localdev_recovery.sessions import Place

# What the procedures and the events rely on. A user's environment goes before it, ansible.cfg decides all else.
SETTINGS: Mapping[str, str] = {
    "ANSIBLE_CALLBACK_RESULT_FORMAT": "yaml",
    # A host that is not there, or a file that is not understood, would else be left out, and the run succeed.
    "ANSIBLE_HOST_PATTERN_MISMATCH": "error",
    "ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED": "true",
    "ANSIBLE_LOCALHOST_WARNING": "false",
    "ANSIBLE_NOCOWS": "true",
    "ANSIBLE_PIPELINING": "true",
}
# For many hosts, and hosts that go away, as in the checkout's ansible.cfg; who has an ansible.cfg has decided.
WITHOUT_CONFIGURATION: Mapping[str, str] = {
    "ANSIBLE_FORKS": "32",
    "ANSIBLE_PYTHON_INTERPRETER": "python3",
    "ANSIBLE_SSH_ARGS": (
        "-o ControlMaster=auto -o ControlPersist=10m -o ServerAliveInterval=10 -o ServerAliveCountMax=6"
    ),
}


@dataclass(frozen=True)
class Request:
    """What to run. stack_dir: None when inventories say it."""

    procedure: str
    stack_dir: str | None
    inventories: tuple[str, ...] = ()
    limit: str | None = None
    check: bool = False
    diff: bool = False
    extra_vars: Mapping[str, Any] = field(default_factory=dict)
    arguments: tuple[str, ...] = ()

    def command_line(self) -> list[str]:
        """Options for ansible-playbook, without inventories and variables."""
        switches = [*(["--check"] if self.check else []), *(["--diff"] if self.diff else [])]
        limit = ["--limit", self.limit] if self.limit else []
        return [*switches, *limit, *self.arguments]


# What a session needs to know of each stack: the description, and how Ansible reaches its machine.
_CONNECTION = ("connection", "host", "port", "user", "ssh_private_key_file", "ssh_common_args", "ssh_extra_args")
_LOOK = [
    {
        "name": "Look at a stack",
        "hosts": "{{ groups | localdev.recovery.hosts_meant }}",
        "gather_facts": False,
        "roles": [f"{procedures.COLLECTION}.stack"],
        "tasks": [
            {
                "name": "Find out how the machine is reached",
                "ansible.builtin.set_fact": {
                    "localdev_place": {name: f"{{{{ ansible_{name} | default('') }}}}" for name in _CONNECTION}
                    | {"become": "{{ ansible_become | default(false) | bool }}", "stack": "{{ stack_description }}"}
                },
            }
        ],
    }
]


def play(request: Request, on_event: Callable[[Update], None]) -> Result:
    """Run the procedure's playbook and wait for its end."""
    procedure = procedures.find(request.procedure)
    if procedure is None:
        raise ValueError(request.procedure)
    return _play(request, lambda folder: procedure.address, on_event, lambda event: None, procedure.data)


def look(request: Request) -> tuple[Result, dict[str, Place]]:
    """Describe the stacks and how their machines are reached, by host."""
    places: dict[str, Place] = {}

    def observe(event: Mapping[str, Any]) -> None:
        data = event.get("event_data") or {}
        facts = ((data.get("res") or {}).get("ansible_facts") or {}).get("localdev_place")
        if event["event"] == "runner_on_ok" and facts:
            places[data["host"]] = Place(data["host"], facts["stack"], facts)

    def playbook(folder: Path) -> str:
        return _write(folder / "look" / "look.json", _LOOK)

    return _play(request, playbook, lambda update: None, observe), places


def _play(
    request: Request,
    playbook: Callable[[Path], str],
    on_event: Callable[[Update], None],
    observe: Callable[[Mapping[str, Any]], None],
    data: Sequence[str] = (),
) -> Result:
    """playbook: says what to run, given a private folder. observe: is shown every event of ansible-runner. data: as
    Progress has it."""
    began = time.monotonic()
    progress = Progress(data)
    listener = _Listener(on_event)
    with private_folder() as folder, _Interruption() as interruption:

        def handle(event: dict[str, Any]) -> bool:
            interruption.know(event.get("pid"))
            _forget_environment(folder)
            observe(event)
            for update in progress.feed(event):
                listener(update)
            return False  # Nothing of it is written to a file.

        returncode = _runner(request, playbook(folder), folder, handle, interruption).run()[1]
        interrupted = interruption.asked
    for update in progress.close(interrupted=interrupted):
        listener(update)
    listener.complain()
    seconds = round(time.monotonic() - began, 2)
    hosts = progress.results(check=request.check, interrupted=interrupted)
    outcome = overall(host.outcome for host in hosts.values())
    if not hosts and interrupted:
        nothing = Failure("Interrupted before anything was done", kind="interrupted")
        return Result(request.procedure, Outcome.INTERRUPTED, request.check, seconds, {}, nothing)
    if returncode != 0 and outcome is Outcome.DONE:
        # Ansible gave up by itself: an inventory, a limit or an option that it does not understand.
        error, command = _complaint(progress, request)
        outcome = Outcome.FAILED if hosts else Outcome.USAGE
        return Result(request.procedure, outcome, request.check, seconds, hosts, error, command)
    return Result(request.procedure, outcome, request.check, seconds, hosts)


def _complaint(progress: Progress, request: Request) -> tuple[Failure, str | None]:
    message, warnings = progress.complaint()
    if request.limit and "host pattern" in message:
        message = f"No host of the inventory matches --limit {request.limit}"
    message = message or "ansible-playbook ended without saying why; -v shows all that it printed"
    inventory = " ".join(f"-i {shlex.quote(item)}" for item in request.inventories)
    return Failure(message, warnings, kind="usage"), f"ansible-inventory {inventory} --graph" if inventory else None


class _Listener:
    """Calls the caller's function. One that raises is not called again, but the run goes on: half a run is worse."""

    def __init__(self, function: Callable[[Update], None]) -> None:
        self._function = function
        self._raised: Exception | None = None

    def __call__(self, update: Update) -> None:
        if self._raised is None:
            try:
                self._function(update)
            except Exception as exc:
                self._raised = exc

    def complain(self) -> None:
        if self._raised is not None:
            raise self._raised


def _forget_environment(folder: Path) -> None:
    """Delete what ansible-runner has written of the environment, in which a password may stand."""
    for path in folder.glob("artifacts/*/command"):
        path.unlink(missing_ok=True)


# --- surroundings ------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def private_folder() -> Iterator[Path]:
    """A folder for ansible-runner and answers, 0700 and gone afterwards; in memory where the machine has such a place,
    because ansible-runner writes the environment and variables down."""
    candidates = [os.environ.get("XDG_RUNTIME_DIR", ""), "/dev/shm"]
    place = next((path for path in candidates if path and os.access(path, os.W_OK | os.X_OK)), None)
    folder = tempfile.mkdtemp(prefix="localdev-", dir=place)
    try:
        yield Path(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _write(path: Path, content: Mapping[str, Any] | list[dict[str, Any]]) -> str:
    path.parent.mkdir(mode=0o700, exist_ok=True)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as handle:
        json.dump(content, handle)
    return str(path)


def _inventory_of(stack_dir: str) -> dict[str, Any]:
    """The inventory of someone who has none: one stack, on this machine, by this interpreter."""
    host = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable, "stack_dir": stack_dir}
    return {"stacks": {"hosts": {"localhost": host}}}


def _environment() -> dict[str, str]:
    configured = any(map(os.path.isfile, _configurations()))
    ours = SETTINGS if configured else {**SETTINGS, **WITHOUT_CONFIGURATION}
    found = {name: os.environ.get(name, value) for name, value in ours.items()}
    # ansible-playbook lies beside this interpreter, whether or not its environment is active.
    found["PATH"] = os.pathsep.join([sysconfig.get_path("scripts"), os.environ.get("PATH", os.defpath)])
    return found


def _configurations() -> Iterator[str]:
    """Where Ansible looks for its configuration."""
    if "ANSIBLE_CONFIG" in os.environ:
        given = os.path.expanduser(os.environ["ANSIBLE_CONFIG"])
        yield from (given, os.path.join(given, "ansible.cfg"))
    yield from ("ansible.cfg", os.path.expanduser("~/.ansible.cfg"), "/etc/ansible/ansible.cfg")


def _runner(
    request: Request,
    playbook: str,
    folder: Path,
    handle: Callable[[dict[str, Any]], bool],
    interruption: _Interruption,
) -> Runner:
    inventories = list(request.inventories)
    if request.stack_dir is not None:
        inventories = [_write(folder / "inventory" / "hosts.json", _inventory_of(request.stack_dir))]
    if request.extra_vars:
        _write(folder / "env" / "extravars", request.extra_vars)
    config = RunnerConfig(
        private_data_dir=str(folder),
        # The folder in which ansible-playbook runs: its ansible.cfg and relative paths are the caller's.
        project_dir=os.getcwd(),
        playbook=playbook,
        inventory=inventories,
        cmdline=shlex.join(request.command_line()) or None,
        envvars=_environment(),
        settings={"suppress_output_file": True},
        # Leaves the choice of a fact cache to ansible.cfg.
        fact_cache_type="none",
        quiet=True,
    )
    config.prepare()
    if "ANSIBLE_HOST_KEY_CHECKING" not in os.environ:
        # ansible-runner turns the check of host keys off; ansible.cfg is to decide.
        del config.env["ANSIBLE_HOST_KEY_CHECKING"]
    return Runner(config, event_handler=handle, cancel_callback=lambda: interruption.hopeless)


# --- signals -----------------------------------------------------------------------------------------------------


class _Interruption:
    """Turns the first SIGINT, SIGTERM or SIGHUP into one SIGINT for ansible-playbook; the second one kills it.

    ansible-playbook runs in a session of its own, so a terminal's Ctrl-C reaches only this process.
    """

    def __init__(self) -> None:
        self.asked = False
        self.hopeless = False
        self._told = False
        self._pid: int | None = None
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> _Interruption:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                self._before[number] = signal.signal(number, self._handle)
        return self

    def __exit__(self, *details: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def know(self, pid: int | None) -> None:
        """Events carry the process id of ansible-playbook; before the first one nothing has begun."""
        self._pid = pid or self._pid
        if self.asked:
            self._tell()

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.asked:
            self.hopeless = True
            self._send(signal.SIGKILL)
        self.asked = True
        self._tell()

    def _tell(self) -> None:
        if not self._told and self._pid is not None:
            self._told = True
            self._send(signal.SIGINT)

    def _send(self, number: signal.Signals) -> None:
        if self._pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._pid, number)
