# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Run requests to Alembic in the application's container, in a one-off container or in a Python of the stack's host."""

from __future__ import annotations

import functools
import inspect
import json
import os
import subprocess
import typing as t
from dataclasses import dataclass

from ansible_collections.localdev.recovery.plugins.module_utils._alembic.commands import (
    build_alembic_command,
    build_checkout_command,
    build_config_option,
)
from ansible_collections.localdev.recovery.plugins.module_utils._alembic.program import (
    answers,
    connections,
    launcher,
    project,
    protocol,
    sections,
)
from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._core.masking import Masker
from ansible_collections.localdev.recovery.plugins.module_utils._core.next_command import (
    NextCommand,
    ProgramCommand,
    program_command,
)
from ansible_collections.localdev.recovery.plugins.module_utils._docker.cli import CompletedCommand, Docker
from ansible_collections.localdev.recovery.plugins.module_utils._docker.interpreter import (
    DIRECT_PYTHONS,
    LAUNCH_PYTHON,
    LAUNCH_PYTHON_BEHIND_ENTRYPOINT,
    is_shell_missing,
)
from ansible_collections.localdev.recovery.plugins.module_utils._docker.labels import RUN_LABEL
from ansible_collections.localdev.recovery.plugins.module_utils._git.history import find_revisions
from ansible_collections.localdev.recovery.plugins.module_utils._stack.description import StackDescription
from ansible_collections.localdev.recovery.plugins.module_utils._stack.services import list_running_containers

_TRACE_LINES = 6
_OWN_COMMAND_HINT = "If the project migrates by a command of its own, name it in stack_migrate_command."
# Kind of an error in the program's response -> failure, hint, and the arguments of Alembic that show more.
_ERRORS: dict[str, tuple[FailureId, str, tuple[str, ...]]] = {
    "no_config": (FailureId.ALEMBIC_CONFIG_MISSING, "Name the file in stack_alembic_config.", ()),
    "no_section": (FailureId.ALEMBIC_CONFIG_MISSING, "Name the section in stack_alembic_section.", ()),
    "several_sections": (
        FailureId.ALEMBIC_AMBIGUOUS,
        "Name the section in stack_alembic_section, or all that belong to this database, as [first, second].",
        (),
    ),
    "same_revision": (
        FailureId.ALEMBIC_AMBIGUOUS,
        "Name one section in stack_alembic_section. Several can only be used at once if all revision ids differ.",
        (),
    ),
    "no_alembic": (
        FailureId.ALEMBIC_NOT_INSTALLED,
        "Name the Python that has the packages of the project in stack_alembic_python.",
        (),
    ),
    "own_command": (FailureId.ALEMBIC_CONFIG_MISSING, _OWN_COMMAND_HINT, ()),
    "flask": (FailureId.ALEMBIC_ENV_PY, "Set FLASK_APP in the environment of the service.", ()),
    "x_arguments": (
        FailureId.ALEMBIC_ENV_PY,
        "env.py reads -x arguments. Set them in stack_alembic_x_arguments, for example [tenant=main].",
        (),
    ),
    "several_databases": (
        FailureId.ALEMBIC_OTHER_DATABASE,
        "Name the service of the database that is meant in stack_database_service.",
        (),
    ),
    "env_py": (FailureId.ALEMBIC_ENV_PY, _OWN_COMMAND_HINT, ("current",)),
    "other_database": (FailureId.ALEMBIC_OTHER_DATABASE, "", ("current",)),
    "overlapping": (FailureId.SCHEMA_OVERLAPPING, "", ("history", "--indicate-current")),
    "multiple_heads": (
        FailureId.SCHEMA_MULTIPLE_HEADS,
        "Name one of them as the target, or all as heads.",
        ("heads", "--verbose"),
    ),
    "no_path": (FailureId.MIGRATION_NO_PATH, "", ("history", "--indicate-current")),
    "not_postgresql": (FailureId.DATABASE_NOT_POSTGRESQL, "", ("current",)),
    "locked": (FailureId.MIGRATION_LOCKED, "Wait until the other migration has ended, then try again.", ()),
    "migration_failed": (FailureId.MIGRATION_FAILED, "", ("history", "--indicate-current")),
    "failed": (FailureId.ALEMBIC_FAILED, _OWN_COMMAND_HINT, ("history", "--indicate-current")),
}


def build_alembic_program(request: t.Mapping[str, t.Any]) -> str:
    """Return the program with its request, for the Python that has Alembic."""
    return f"import json\nREQUEST = json.loads({json.dumps(json.dumps(request))})\n{_build_program(request)}"


def build_launcher(request: t.Mapping[str, t.Any]) -> str:
    """Return the program with its request, for any Python of a container: it looks for the one that has Alembic."""
    values = (_build_program(request), dict(request), protocol.RESPONSE_MARK)
    return f"{inspect.getsource(launcher)}\n\nlaunch({', '.join(repr(value) for value in values)})\n"


def _build_program(request: t.Mapping[str, t.Any]) -> str:
    """Return all parts as one Python program that answers REQUEST."""
    lines = ["import sys, types"]
    for part in (protocol, connections, project, sections):
        name = part.__name__
        lines.append(f"sys.modules[{name!r}] = module = types.ModuleType({name!r})")
        lines.append(f"exec({inspect.getsource(part)!r}, module.__dict__)")
    lines += [f"exec({inspect.getsource(answers)!r})", "main(REQUEST)"]
    # After an upgrade the application's own exit handlers must run.
    return "\n".join([*lines, *([] if request["do"] == "upgrade" else ["exit_now()"]), ""])


@dataclass(frozen=True)
class HostPython:
    """A Python on the stack's host that has the application's packages."""

    python: str
    folder: str
    environment: dict[str, str]

    @classmethod
    def from_params(cls, params: t.Mapping[str, t.Any]) -> HostPython | None:
        """Return the Python that the options of the ``alembic`` doc fragment name; None: use a container."""
        if not params["python"]:
            return None
        environment = {name: "" if value is None else str(value) for name, value in params["environment"].items()}
        return cls(params["python"], params["chdir"] or params["stack"]["project"]["dir"], environment)

    @property
    def masker(self) -> Masker:
        return Masker.of_environments([self.environment])

    def build_command(self, *arguments: str, config: str = "", python: str = "") -> ProgramCommand:
        """Return the command that runs Alembic with this Python. config: path of Alembic's configuration."""
        folder, name = os.path.split(config)
        option = build_config_option(name)
        return program_command(python or self.python, "-m", "alembic", *option, *arguments, cwd=folder or self.folder)

    def run(self, text: str) -> CompletedCommand:
        args = (self.python, "-")
        try:
            done = subprocess.run(  # pylint: disable=ansible-bad-function
                args,
                input=text.encode(),
                capture_output=True,
                cwd=self.folder,
                env={**os.environ, **self.environment},
                check=False,
            )
        except OSError as exc:
            raise RecoveryError(
                FailureId.PYTHON_NOT_RUNNABLE,
                f"The Python {self.python} cannot be run in {self.folder}: {exc.strerror or exc}",
                next_command=program_command("ls", "-ld", self.folder, self.python),
            ) from exc
        return CompletedCommand(
            args, done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")
        )


def parse_alembic_response(
    done: CompletedCommand, where: str, next_command: NextCommand | None = None, hide: t.Callable[[str], str] = str
) -> dict[str, t.Any]:
    """Return the program's response, found among all the printed lines. Pure."""
    for line in reversed(done.stdout.splitlines()):
        if line.startswith(protocol.RESPONSE_MARK):
            return t.cast("dict[str, t.Any]", json.loads(line.removeprefix(protocol.RESPONSE_MARK)))
    raise RecoveryError(
        FailureId.ALEMBIC_NO_ANSWER,
        f"Alembic could not be asked in {where} (exit code {done.returncode})",
        details=hide(done.output)[-2000:].splitlines(),
        next_command=next_command,
    )


def run_alembic_request(
    docker: Docker,
    stack: StackDescription,
    request: t.Mapping[str, t.Any],
    *,
    fresh: bool = False,
    run_id: str = "",
    host: HostPython | None = None,
) -> dict[str, t.Any]:
    """Run a request where Alembic is installed. fresh: always in a one-off container, never in the running service.

    A one-off container outlives a controller that is killed, so it carries its run's label. An undo removes it first;
    otherwise it would migrate the data that the undo puts back. host: run on the stack's host instead.
    """
    project = describe_project_request(stack)
    if host:
        # They are paths in the container.
        project = {key: value for key, value in project.items() if key not in ("config", "folder", "python")}
    request = {**project, **{key: value for key, value in request.items() if value != ""}}
    # An entry point may print what it exports.
    hide: t.Callable[[str], str] = Masker().mask_text
    build_command: t.Callable[..., ProgramCommand | None] = functools.partial(build_alembic_command, stack)
    if host:
        where, hide, build_command = f"{host.python} in {host.folder}", host.masker.mask_text, host.build_command
        done = host.run(build_alembic_program(request))
    else:
        service = find_alembic_service(stack)
        where = f"service {service}"
        running = [] if fresh else list_running_containers(docker, stack["project"]["name"], service)
        request["in_container"] = bool(running)
        keeps_entrypoint = not (request.get("graph_only") or request.get("from_base"))
        text = build_launcher(request)
        done = _run_in_container(docker, stack, service, running, text, run_id, keeps_entrypoint)
    answer = parse_alembic_response(done, where, build_command("current"), hide)
    if "error" not in answer:
        return answer
    if answer["kind"] == "unknown_revision":
        raise build_unknown_revisions_error(stack, answer["unknown"])
    failure, hint, arguments = _ERRORS[answer["kind"]]
    raise RecoveryError(
        failure,
        hide(f"Alembic in {where}: {answer['error']}"),
        details=hide(answer.get("trace", "").strip()).splitlines()[-_TRACE_LINES:],
        hint=hint,
        next_command=build_command(*arguments, config=answer["config"], python=answer.get("python", ""))
        if arguments
        else None,
    )


def build_unknown_revisions_error(stack: StackDescription, unknown: t.Sequence[str]) -> RecoveryError:
    """Return the error for revisions that this checkout lacks; it names the branch or commit that has them."""
    folder = stack["project"]["dir"]
    found = find_revisions(folder, unknown)
    message = f"The database is at {', '.join(unknown)}, which is not among the migrations"
    for item in found:
        message += f"; {item['revision']} is in {', '.join(item['refs'][:5]) or 'commit ' + item['commit'][:12]}"
    return RecoveryError(
        FailureId.SCHEMA_UNKNOWN_REVISION,
        message,
        hint="Check out the branch that has it, build the image again if it contains the code, and run this again."
        if found
        else "Fetch all branches, then try again.",
        next_command=build_checkout_command(folder, found),
    )


def find_alembic_service(stack: StackDescription) -> str:
    if stack["alembic"] is None:
        raise RecoveryError(
            FailureId.ALEMBIC_NOT_FOUND,
            "No service of this stack was found to have Alembic (no alembic.ini in a build context or source mount)",
            hint="Set stack_application_service to the service that runs the migrations.",
        )
    return stack["alembic"]["service"]


def describe_project_request(stack: StackDescription) -> dict[str, t.Any]:
    """Return the part of a request that says how the project runs Alembic. Pure."""
    alembic, database = stack["alembic"], stack.get("database")
    request: dict[str, t.Any] = {**(alembic["settings"] if alembic else {})}
    if alembic:
        request["process_arguments"] = alembic["command"]
    if database:
        server = {"host": database["service"], "port": database["port"]}
        request.update(live=database["name"], poolers=database["poolers"], server=server)
    return request


def _run_in_container(
    docker: Docker,
    stack: StackDescription,
    service: str,
    running: list[str],
    text: str,
    run_id: str,
    keeps_entrypoint: bool,
) -> CompletedCommand:
    """Run the launcher in a running container, or in a one-off container, behind the entry point of the service.

    An image without a shell is asked by its Python itself.
    """
    if running:
        command = ["exec", "--interactive", running[0]]
        done = docker.run(*command, "sh", "-c", LAUNCH_PYTHON, stdin=text, check=False)
        for python in DIRECT_PYTHONS:
            if not is_shell_missing(done.returncode, done.output):
                break
            done = docker.run(*command, python, "-", stdin=text, check=False)
        return done
    alembic = stack["alembic"]
    entrypoint = alembic["entrypoint"] if alembic and keeps_entrypoint else []
    label = ["--label", f"{RUN_LABEL}={run_id}"] if run_id else []
    command = ["run", "--rm", "--no-deps", "-T", *label, "--entrypoint"]
    done = docker.compose(
        *command, "sh", service, "-c", LAUNCH_PYTHON_BEHIND_ENTRYPOINT, "sh", *entrypoint, stdin=text, check=False
    )
    for python in DIRECT_PYTHONS:
        if not is_shell_missing(done.returncode, done.output):
            break
        done = docker.compose(*command, python, service, "-", stdin=text, check=False)
    return done
