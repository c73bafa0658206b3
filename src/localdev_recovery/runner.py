# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run one ansible-playbook under ansible-runner: its settings and its events."""

from __future__ import annotations

import os
import shlex
import sysconfig
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible_runner.config.runner import RunnerConfig
from ansible_runner.runner import Runner

from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._core.limits import describe_limit
from ansible_collections.localdev.recovery.plugins.module_utils._run.progress_line import FORMAT_VARIABLE, JSON_FORMAT
from localdev_recovery.ansible_messages import describe_ansible_failure
from localdev_recovery.interruption import SignalForwarder, end_with_this_process
from localdev_recovery.inventory import build_local_inventory, write_private_json, write_variables
from localdev_recovery.private_folder import private_folder
from localdev_recovery.progress import Progress
from localdev_recovery.results import Failure, Outcome, Result, combine_outcomes
from localdev_recovery.sessions import GatheredStack
from localdev_recovery.updates import Update
from localdev_recovery.variables import ExtraVariables
from localdev_recovery.verbs.catalog import find_procedure
from localdev_recovery.verbs.definition import COLLECTION

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


@dataclass(frozen=True, kw_only=True)
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
        "roles": [f"{COLLECTION}.stack"],
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
    procedure = find_procedure(request.procedure)
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
        return write_private_json(folder / "gather_stack" / "gather_stack.json", _GATHER_PLAYBOOK)

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
    with private_folder() as folder, SignalForwarder() as forwarder:

        def handle_event(event: dict[str, Any]) -> bool:
            forwarder.set_process_id(event.get("pid"))
            _delete_environment_files(folder)
            on_runner_event(event)
            for update in progress.process_event(event):
                listener(update)
            return False  # ansible-runner then writes no event to a file.

        try:
            returncode = _create_runner(
                request, playbook=find_playbook(folder), folder=folder, handle_event=handle_event, forwarder=forwarder
            ).run()[1]
        except OSError as exc:
            limit = describe_limit(exc)
            if limit is None:
                raise
            seconds = round(time.monotonic() - started_at, 2)
            error = Failure.from_error(limit)
            return Result(request.procedure, error.outcome, request.check, seconds, {}, error, limit.next_command)
        interrupted = forwarder.interrupted
    for update in progress.end_open_steps(interrupted=interrupted):
        listener(update)
    listener.raise_for_error()
    seconds = round(time.monotonic() - started_at, 2)
    # A process that a signal ended has no exit code.
    hosts = progress.build_host_results(check=request.check, interrupted=interrupted, killed=returncode is None)
    outcome = combine_outcomes(host.outcome for host in hosts.values())
    if not hosts and interrupted:
        error = Failure(FailureId.RUN_INTERRUPTED.id, "Interrupted before anything was done")
        return Result(request.procedure, Outcome.INTERRUPTED, request.check, seconds, {}, error)
    if not hosts and returncode is None:
        error = Failure(FailureId.RUN_KILLED.id, "ansible-playbook was killed before anything was done")
        return Result(request.procedure, error.outcome, request.check, seconds, {}, error)
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


# --- settings ----------------------------------------------------------------------------------------------------


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
    forwarder: SignalForwarder,
) -> Runner:
    inventories = list(request.inventories)
    if request.stack_dir is not None:
        inventories = [
            write_private_json(folder / "inventory" / "hosts.json", build_local_inventory(request.stack_dir))
        ]
    variable_options = write_variables(
        request.extra_vars, folder=folder, inventories=request.inventories, limit=request.limit
    )
    config = RunnerConfig(
        private_data_dir=str(folder),
        # ansible-playbook runs in the caller's folder: its ansible.cfg and relative paths count.
        project_dir=os.getcwd(),
        playbook=playbook,
        inventory=inventories,
        cmdline=shlex.join([*request.ansible_options(), *variable_options]) or None,
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
    config.command = end_with_this_process(config.command, config.env["PATH"])
    return Runner(config, event_handler=handle_event, cancel_callback=lambda: forwarder.kill_requested)
