# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run one ansible-playbook under ansible-runner: settings, inventory, events and signals."""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import shutil
import signal
import sys
import sysconfig
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

from ansible_runner.config.runner import RunnerConfig
from ansible_runner.runner import Runner

from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._run.progress_line import FORMAT_VARIABLE, JSON_FORMAT
from localdev_recovery import procedures
from localdev_recovery.ansible_messages import describe_ansible_failure
from localdev_recovery.private_folder import private_folder
from localdev_recovery.progress import Progress
from localdev_recovery.results import Failure, Outcome, Result, combine_outcomes
from localdev_recovery.sessions import GatheredStack
from localdev_recovery.updates import Update
from localdev_recovery.variables import ExtraVariables, list_magic_variables, mark_as_data

# Settings that the procedures and the events rely on. The user's environment overrides them; ansible.cfg sets the rest.
ANSIBLE_SETTINGS: Mapping[str, str] = {
    "ANSIBLE_CALLBACK_RESULT_FORMAT": "yaml",
    # Without these, Ansible leaves out unknown hosts and unreadable files, and the run succeeds.
    "ANSIBLE_HOST_PATTERN_MISMATCH": "error",
    "ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED": "true",
    "ANSIBLE_LOCALHOST_WARNING": "false",
    "ANSIBLE_NOCOWS": "true",
    "ANSIBLE_PIPELINING": "true",
}
# For many hosts and unstable connections, as in the checkout's ansible.cfg. The user's own ansible.cfg replaces them.
SETTINGS_WITHOUT_CONFIG_FILE: Mapping[str, str] = {
    "ANSIBLE_FORKS": "32",
    "ANSIBLE_PYTHON_INTERPRETER": "python3",
    "ANSIBLE_SSH_ARGS": (
        "-o ControlMaster=auto -o ControlPersist=10m -o ServerAliveInterval=10 -o ServerAliveCountMax=6"
    ),
}
_ANSIBLE_PLAYBOOK_PROGRAM = Path(__file__).with_name("ansible_playbook.py")


@dataclass(frozen=True)
class Request:
    """A procedure to run. stack_dir: None when inventories name it. extra_vars: later ones win."""

    procedure: str
    stack_dir: str | None
    inventories: tuple[str, ...] = ()
    limit: str | None = None
    check: bool = False
    diff: bool = False
    extra_vars: tuple[ExtraVariables, ...] = ()
    arguments: tuple[str, ...] = ()

    def ansible_options(self) -> list[str]:
        """Return the options for ansible-playbook, without inventories and variables."""
        switches = [*(["--check"] if self.check else []), *(["--diff"] if self.diff else [])]
        limit = ["--limit", self.limit] if self.limit else []
        return [*switches, *limit, *self.arguments]


# A session needs the description of each stack and Ansible's connection variables of its machine.
_CONNECTION_VARIABLES = (
    "connection",
    "host",
    "port",
    "user",
    "ssh_private_key_file",
    "ssh_common_args",
    "ssh_extra_args",
)
_GATHER_PLAYBOOK = [
    {
        "name": "Gather the stacks",
        "hosts": "{{ groups | localdev.recovery.hosts_meant }}",
        "gather_facts": False,
        "roles": [f"{procedures.COLLECTION}.stack"],
        "tasks": [
            {
                "name": "Set the stack and its connection",
                "ansible.builtin.set_fact": {
                    "localdev_gathered_stack": {
                        name: f"{{{{ ansible_{name} | default('') }}}}" for name in _CONNECTION_VARIABLES
                    }
                    | {"become": "{{ ansible_become | default(false) | bool }}", "stack": "{{ stack_description }}"}
                },
            }
        ],
    }
]


def run_playbook(request: Request, on_event: Callable[[Update], None]) -> Result:
    """Run the procedure's playbook and wait for its end."""
    procedure = procedures.find_procedure(request.procedure)
    if procedure is None:
        raise ValueError(request.procedure)
    return _execute_playbook(
        request,
        find_playbook=lambda folder: procedure.playbook_fqcn,
        on_event=on_event,
        data_source=procedure.data_source,
    )


def gather_stack(request: Request) -> tuple[Result, dict[str, GatheredStack]]:
    """Describe the stacks and the connections to their machines, by host."""
    stacks: dict[str, GatheredStack] = {}

    def read_stack(event: Mapping[str, Any]) -> None:
        data = event.get("event_data") or {}
        facts = ((data.get("res") or {}).get("ansible_facts") or {}).get("localdev_gathered_stack")
        if event["event"] == "runner_on_ok" and facts:
            stacks[data["host"]] = GatheredStack(data["host"], facts["stack"], facts)

    def write_playbook(folder: Path) -> str:
        return _write_private_json(folder / "gather_stack" / "gather_stack.json", _GATHER_PLAYBOOK)

    return _execute_playbook(request, find_playbook=write_playbook, on_runner_event=read_stack), stacks


def _execute_playbook(
    request: Request,
    *,
    find_playbook: Callable[[Path], str],
    on_event: Callable[[Update], None] = lambda update: None,
    on_runner_event: Callable[[Mapping[str, Any]], None] = lambda event: None,
    data_source: Sequence[str] = (),
) -> Result:
    """Run a playbook and return its result.

    find_playbook: returns the playbook's name or path, given a private folder. on_runner_event: called with every event
    of ansible-runner. data_source: see Progress.
    """
    started_at = time.monotonic()
    progress = Progress(data_source)
    listener = _EventListener(on_event)
    with private_folder() as folder, _SignalForwarder() as forwarder:

        def handle_event(event: dict[str, Any]) -> bool:
            forwarder.set_process_id(event.get("pid"))
            _delete_environment_files(folder)
            on_runner_event(event)
            for update in progress.process_event(event):
                listener(update)
            return False  # ansible-runner then writes no event to a file.

        returncode = _create_runner(
            request, playbook=find_playbook(folder), folder=folder, handle_event=handle_event, forwarder=forwarder
        ).run()[1]
        interrupted = forwarder.interrupted
    for update in progress.end_open_steps(interrupted=interrupted):
        listener(update)
    listener.raise_for_error()
    seconds = round(time.monotonic() - started_at, 2)
    hosts = progress.build_host_results(check=request.check, interrupted=interrupted)
    outcome = combine_outcomes(host.outcome for host in hosts.values())
    if not hosts and interrupted:
        error = Failure(FailureId.RUN_INTERRUPTED.id, "Interrupted before anything was done")
        return Result(request.procedure, Outcome.INTERRUPTED, request.check, seconds, {}, error)
    if returncode != 0 and outcome is Outcome.DONE:
        error, next_command = describe_ansible_failure(
            progress.messages, limit=request.limit, inventories=request.inventories, has_reached_hosts=bool(hosts)
        )
        return Result(request.procedure, error.outcome, request.check, seconds, hosts, error, next_command)
    return Result(request.procedure, outcome, request.check, seconds, hosts)


class _EventListener:
    """A guard around the caller's function: after it raises, it is not called again, and the run goes on."""

    def __init__(self, function: Callable[[Update], None]) -> None:
        self._function = function
        self._raised: Exception | None = None

    def __call__(self, update: Update) -> None:
        if self._raised is None:
            try:
                self._function(update)
            except Exception as exc:
                self._raised = exc

    def raise_for_error(self) -> None:
        """Raise the exception of the caller's function, if there was one."""
        if self._raised is not None:
            raise self._raised


def _delete_environment_files(folder: Path) -> None:
    """Delete the files to which ansible-runner writes the environment: it may hold a password."""
    for path in folder.glob("artifacts/*/command"):
        path.unlink(missing_ok=True)


# --- settings and inventory --------------------------------------------------------------------------------------


def _write_private_json(path: Path, content: Mapping[str, Any] | list[dict[str, Any]]) -> str:
    """Write a new file with mode 0600 and return its path."""
    path.parent.mkdir(mode=0o700, exist_ok=True)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as handle:
        json.dump(content, handle)
    return str(path)


def _local_inventory(stack_dir: str) -> dict[str, Any]:
    """Return the inventory for a folder without one: one stack, on this machine, by this interpreter."""
    host = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable, "stack_dir": stack_dir}
    return {"stacks": {"hosts": {"localhost": mark_as_data(host)}}}


def _variable_options(request: Request, folder: Path) -> list[str]:
    """Write the variables to private files and return the options that name the files, in the order of the request."""
    magic_variables = list_magic_variables(request.inventories, request.limit)
    options = []
    for number, item in enumerate([*([magic_variables] if magic_variables else []), *request.extra_vars]):
        path = item
        if not isinstance(item, str):
            path = _write_private_json(folder / "variables" / f"{number}.json", mark_as_data(item))
        options += ["-e", f"@{path}"]
    return options


def _ansible_environment() -> dict[str, str]:
    configured = any(map(os.path.isfile, _config_file_candidates()))
    settings = ANSIBLE_SETTINGS if configured else {**ANSIBLE_SETTINGS, **SETTINGS_WITHOUT_CONFIG_FILE}
    environment = {name: os.environ.get(name, value) for name, value in settings.items()}
    environment[FORMAT_VARIABLE] = JSON_FORMAT
    # ansible-playbook is beside this interpreter, and its virtual environment may not be active.
    environment["PATH"] = os.pathsep.join([sysconfig.get_path("scripts"), os.environ.get("PATH", os.defpath)])
    return environment


def _config_file_candidates() -> Iterator[str]:
    """Yield the paths at which Ansible looks for its configuration."""
    if "ANSIBLE_CONFIG" in os.environ:
        config_path = os.path.expanduser(os.environ["ANSIBLE_CONFIG"])
        yield from (config_path, os.path.join(config_path, "ansible.cfg"))
    yield from ("ansible.cfg", os.path.expanduser("~/.ansible.cfg"), "/etc/ansible/ansible.cfg")


def _create_runner(
    request: Request,
    *,
    playbook: str,
    folder: Path,
    handle_event: Callable[[dict[str, Any]], bool],
    forwarder: _SignalForwarder,
) -> Runner:
    inventories = list(request.inventories)
    if request.stack_dir is not None:
        inventories = [_write_private_json(folder / "inventory" / "hosts.json", _local_inventory(request.stack_dir))]
    config = RunnerConfig(
        private_data_dir=str(folder),
        # ansible-playbook runs in the caller's folder: its ansible.cfg and relative paths count.
        project_dir=os.getcwd(),
        playbook=playbook,
        inventory=inventories,
        cmdline=shlex.join([*request.ansible_options(), *_variable_options(request, folder)]) or None,
        envvars=_ansible_environment(),
        settings={"suppress_output_file": True},
        # ansible.cfg chooses the fact cache.
        fact_cache_type="none",
        quiet=True,
    )
    config.prepare()
    if "ANSIBLE_HOST_KEY_CHECKING" not in os.environ:
        # ansible-runner turns the check of host keys off; ansible.cfg decides.
        del config.env["ANSIBLE_HOST_KEY_CHECKING"]
    config.command = _end_with_this_process(config.command, config.env["PATH"])
    return Runner(config, event_handler=handle_event, cancel_callback=lambda: forwarder.kill_requested)


def _end_with_this_process(command: Sequence[str], search_path: str) -> list[str]:
    """Return the command that runs ansible-playbook with the same arguments and ends with this process.

    -P: the current folder holds a stranger's project, and no module may be imported from there.
    """
    executable = shutil.which(command[0], path=search_path) or command[0]
    program = [sys.executable, "-P", str(_ANSIBLE_PLAYBOOK_PROGRAM), str(os.getpid())]
    return [*program, executable, *command[1:]]


# --- signals -----------------------------------------------------------------------------------------------------


class _SignalForwarder:
    """A guard that turns the first SIGINT, SIGTERM or SIGHUP into one SIGINT; the second kills ansible-playbook.

    ansible-playbook runs in a session of its own, so a terminal's Ctrl-C reaches only this process.
    """

    def __init__(self) -> None:
        self.interrupted = False
        self.kill_requested = False
        self._signal_sent = False
        self._pid: int | None = None
        self._previous_handlers: dict[signal.Signals, Any] = {}

    def __enter__(self) -> _SignalForwarder:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                self._previous_handlers[number] = signal.signal(number, self._handle_signal)
        return self

    def __exit__(self, *details: object) -> None:
        for number, handler in self._previous_handlers.items():
            signal.signal(number, handler)

    def set_process_id(self, pid: int | None) -> None:
        """Take the process id of ansible-playbook from an event. Before the first event, nothing has started."""
        self._pid = pid or self._pid
        if self.interrupted:
            self._forward_interruption()

    def _handle_signal(self, number: int, frame: FrameType | None) -> None:
        if self.interrupted:
            self.kill_requested = True
            self._send_signal(signal.SIGKILL)
        self.interrupted = True
        self._forward_interruption()

    def _forward_interruption(self) -> None:
        if not self._signal_sent and self._pid is not None:
            self._signal_sent = True
            self._send_signal(signal.SIGINT)

    def _send_signal(self, number: signal.Signals) -> None:
        if self._pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._pid, number)
