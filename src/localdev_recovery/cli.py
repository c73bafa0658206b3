# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The command ``localdev``: it runs the procedures. Every verb comes from the table in procedures.py."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, cast

import click

from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from localdev_recovery import completion
from localdev_recovery.document import build_document
from localdev_recovery.hints import add_folder_hint, add_help_command
from localdev_recovery.private_folder import private_folder
from localdev_recovery.procedures import GROUPS, PROCEDURES, SESSIONS, Option, Procedure, Session
from localdev_recovery.results import EXIT_CODES, OUTCOME_MEANINGS, Outcome
from localdev_recovery.updates import Update
from localdev_recovery.variables import ExtraVariables, VariableError, parse_extra_variables

if TYPE_CHECKING:
    from localdev_recovery.sessions import GatheredStack

_CLICK_TYPES: Mapping[str, click.ParamType[Any]] = {"text": click.STRING, "integer": click.INT, "number": click.FLOAT}
_EXIT_CODES = "\b\nExit codes:\n" + "\n".join(
    f"  {code:>3}  {OUTCOME_MEANINGS[outcome]}" for outcome, code in EXIT_CODES.items()
)


def _parse_variable_options(
    ctx: click.Context, parameter: click.Parameter, values: tuple[str, ...]
) -> tuple[ExtraVariables, ...]:
    try:
        return tuple(map(parse_extra_variables, values))
    except VariableError as exc:
        raise click.BadParameter(str(exc), ctx, parameter) from None


# Options of every verb, with the names that ansible-playbook uses.
_COMMON_OPTIONS: tuple[Callable[[], click.Option], ...] = (
    lambda: click.Option(
        ["-C", "folder"],
        metavar="DIR",
        help="Folder of the Compose project on this machine, and of its localdev.yml. Default: this folder.",
        shell_complete=completion.make_completer("dir"),
    ),
    lambda: click.Option(
        ["-i", "--inventory"],
        metavar="FILE",
        multiple=True,
        help="Inventory of stacks, instead of -C. May be repeated.",
        shell_complete=completion.make_completer("file"),
    ),
    lambda: click.Option(["-l", "--limit"], metavar="HOSTS", help="Only these hosts of the inventory."),
    lambda: click.Option(["--check"], is_flag=True, help="Say what would happen, and change nothing."),
    lambda: click.Option(["--diff"], is_flag=True, help="Show differences."),
    lambda: click.Option(
        ["-e", "--extra-vars"],
        metavar="NAME=VALUE",
        multiple=True,
        callback=_parse_variable_options,
        help="Set a role variable, as it is written; templates are for inventories and -e @FILE. May be repeated.",
    ),
    lambda: click.Option(["-v", "--verbose"], count=True, help="Show Ansible's own output; -vvv shows more."),
    lambda: click.Option(["--json"], is_flag=True, help="Print one JSON document at the end; progress goes to stderr."),
)

COMPOSE = "docker compose"
# A session changes nothing by itself and prints the output of docker compose.
_SESSION_OPTIONS = (*_COMMON_OPTIONS[:3], _COMMON_OPTIONS[5])


def _click_parameter(option: Option) -> click.Parameter:
    complete = completion.make_completer(option.completes) if option.completes else None
    if option.kind == "list":
        return click.Argument(
            [option.variable], metavar=f"[{option.placeholder}]...", nargs=-1, shell_complete=complete
        )
    if not option.flag:
        return click.Argument(
            [option.variable], metavar=f"[{option.placeholder}]", required=False, shell_complete=complete
        )
    names = [*([option.short] if option.short else []), option.flag, option.parameter]
    if option.kind == "switch":
        return click.Option(names, is_flag=True, flag_value=option.switch_value, default=None, help=option.help)
    if option.kind == "prompt":
        return click.Option(names, is_flag=True, help=option.help)
    click_type = _CLICK_TYPES.get(option.kind, click.STRING)
    return click.Option(names, type=click_type, metavar=option.placeholder, help=option.help, shell_complete=complete)


def _click_command(verb: Procedure | Session) -> click.Command:
    is_procedure = isinstance(verb, Procedure)
    arguments = [option for option in verb.options if not option.flag]
    argument_texts = "\n".join(f"{option.placeholder}: {option.help}" for option in arguments)
    last_line = (
        f"Playbook: {verb.playbook_fqcn}" if isinstance(verb, Procedure) else f"Ends with the exit code of {COMPOSE}."
    )
    paragraphs = [verb.summary, verb.explanation, argument_texts, last_line]

    def callback(**values: Any) -> None:
        by_option = {option: values.pop(option.parameter) for option in verb.options}
        variables = {
            option.variable: value
            for option, value in by_option.items()
            if not option.secret and value not in (None, ())
        }
        if not isinstance(verb, Procedure):
            open_session(verb, variables, **values)
            return
        secrets = {option: value for option, value in by_option.items() if option.secret and value}
        with write_secret_files(secrets) as secret_files:
            run_verb(verb, {**verb.preset_variables, **variables, **secret_files}, **values)

    return click.Command(
        verb.verb.split()[-1],
        params=[
            *map(_click_parameter, verb.options),
            *(make() for make in (_COMMON_OPTIONS if is_procedure else _SESSION_OPTIONS)),
        ],
        callback=callback,
        help="\n\n".join(paragraph for paragraph in paragraphs if paragraph),
        short_help=verb.summary,
        context_settings={"help_option_names": ["-h", "--help"]},
    )


def _read_secret(option: Option, value: Any) -> str:
    """Prompt for a secret, or take it out of an environment variable, so that no child process inherits it."""
    if option.kind == "environment":
        if not os.environ.get(value):
            raise click.UsageError(f"The environment variable {value} of {option.flag} is not set or empty")
        return os.environ.pop(value)
    if not sys.stdin.isatty():
        raise click.UsageError(
            f"There is no terminal on which {option.flag} could ask; take it from a file or an environment variable"
        )
    return str(click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True))


@contextlib.contextmanager
def write_secret_files(options: Mapping[Option, Any]) -> Iterator[dict[str, str]]:
    """Write each secret to a private file and yield role variable -> path. Delete the files afterwards."""
    if not options:
        yield {}
        return
    with private_folder() as folder:
        files = {}
        for option, value in options.items():
            path = folder / option.parameter
            with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as handle:
                handle.write(f"{_read_secret(option, value)}\n")
            files[option.variable] = str(path)
        yield files


def run_verb(
    procedure: Procedure,
    variables: Mapping[str, Any],
    *,
    folder: str | None,
    inventory: tuple[str, ...],
    limit: str | None,
    check: bool,
    diff: bool,
    extra_vars: tuple[ExtraVariables, ...],
    verbose: int,
    json: bool,
) -> None:
    """Run the procedure, show its progress and result, and exit."""
    # Import lazily: these imports are slow, and --help does not need them.
    from localdev_recovery.api import run
    from localdev_recovery.display import choose_display, show_result

    target_options = list_target_options(folder, inventory)
    if procedure.asks_questions and sys.stdin.isatty() and sys.stderr.isatty():
        variables = {
            **_ask_for_variables(folder=folder, inventory=inventory, limit=limit, extra_vars=extra_vars),
            **variables,
        }
    with choose_display(sys.stderr, verbosity=verbose, target_options=target_options) as display:

        def on_event(update: Update) -> None:
            # A closed terminal or pipe does not stop the run.
            with contextlib.suppress(OSError):
                display(update)

        result = run(
            procedure.playbook,
            stack_dir=folder,
            inventory=inventory or None,
            limit=limit,
            check=check,
            diff=diff,
            extra_vars=[*extra_vars, variables],
            arguments=["-" + "v" * verbose] if verbose else [],
            on_event=on_event,
        )
    result = add_help_command(result, procedure)
    if not inventory:
        result = add_folder_hint(result, folder)
    with contextlib.suppress(OSError):
        if json:
            print_json(build_document(procedure.verb, result, target_options))
        else:
            show_result(result, target_options)
    sys.exit(result.exit_code)


def list_target_options(folder: str | None, inventory: tuple[str, ...]) -> list[str]:
    """Return the options that name the stack."""
    return [
        *(["-C", folder] if folder else []),
        *(argument for item in inventory for argument in ("-i", item)),
    ]


def _ask_for_variables(
    *, folder: str | None, inventory: tuple[str, ...], limit: str | None, extra_vars: tuple[ExtraVariables, ...]
) -> dict[str, Any]:
    """Ask on the terminal for the variables of the one stack; return nothing if the stack has an inventory."""
    from localdev_recovery.api import INVENTORY_NAME, gather_stack
    from localdev_recovery.questions import ask_open_questions

    if inventory or os.path.exists(os.path.join(folder or os.getcwd(), INVENTORY_NAME)):
        return {}
    stacks = gather_stack(stack_dir=folder, limit=limit, extra_vars=extra_vars)[1]
    if not stacks:
        # The run that follows reports why no stack could be described.
        return {}
    stack = next(iter(stacks.values()))
    answered_variables = [name for item in extra_vars if not isinstance(item, str) for name in item]
    return ask_open_questions(stack.stack, answered_variables=answered_variables)


def open_session(
    session: Session,
    variables: Mapping[str, Any],
    *,
    folder: str | None,
    inventory: tuple[str, ...],
    limit: str | None,
    extra_vars: tuple[ExtraVariables, ...],
) -> None:
    """Find the stack and replace this process by the session's command."""
    from localdev_recovery import sessions
    from localdev_recovery.api import build_error_result, gather_stack
    from localdev_recovery.display import show_result

    result, stacks = gather_stack(stack_dir=folder, inventory=inventory or None, limit=limit, extra_vars=extra_vars)
    try:
        if result.outcome is Outcome.DONE:
            gathered = choose_stack(stacks)
            terminal = sys.stdin.isatty() and sys.stdout.isatty()
            arguments = sessions.SESSION_ARGUMENTS[session.verb](gathered.stack, **variables, terminal=terminal)
            work_folder, command_line = sessions.build_session_command(gathered, arguments, terminal=terminal)
            replace_process(work_folder, command_line)
    except RecoveryError as exc:
        result = build_error_result(result.procedure, exc)
    show_result(result if inventory else add_folder_hint(result, folder), list_target_options(folder, inventory))
    sys.exit(result.exit_code)


def choose_stack(stacks: Mapping[str, GatheredStack]) -> GatheredStack:
    """Return the one stack. Raise RecoveryError if there is none, or several."""
    if len(stacks) != 1:
        raise RecoveryError(
            FailureId.SESSION_NOT_ONE_STACK,
            f"One stack is needed, and there are {', '.join(stacks) or 'none'}",
            hint="-l HOST names one of the inventory.",
        )
    (gathered,) = stacks.values()
    return gathered


def replace_process(folder: str, command_line: list[str]) -> None:
    """Replace this process by a command in a folder. Raise RecoveryError if it cannot be started."""
    try:
        os.chdir(folder)
        os.execvp(command_line[0], command_line)
    except OSError as exc:
        raise RecoveryError(
            FailureId.SESSION_NOT_STARTED, f"{command_line[0]} cannot be started: {exc.strerror}"
        ) from exc


def print_json(document: Mapping[str, Any]) -> None:
    """Print one JSON document."""
    json.dump(document, sys.stdout, indent=2)
    sys.stdout.write("\n")


class _VerbGroup(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the verbs in the order of the table, not of the alphabet."""
        return list(self.commands)

    def invoke(self, ctx: click.Context) -> Any:
        """Report an interrupted question or search for the stack. An interrupted run ends by itself."""
        try:
            return super().invoke(ctx)
        except (click.Abort, KeyboardInterrupt):
            click.echo("\nInterrupted; nothing was changed.", err=True)
            ctx.exit(EXIT_CODES[Outcome.INTERRUPTED])


@click.group(
    cls=_VerbGroup,
    params=[make() for make in _COMMON_OPTIONS[:2]],
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=_EXIT_CODES,
    help=(
        "Puts a Docker Compose + PostgreSQL + Alembic stack back in order, and loses nothing: what a verb replaces is "
        "set aside, and localdev undo brings it back.\n\n"
        "Works on the project in this folder, in -C DIR, or on the stacks of an Ansible inventory."
    ),
)
@click.version_option(package_name="localdev-recovery", prog_name="localdev")
@click.pass_context
def main(ctx: click.Context, /, **values: Any) -> None:
    # Options may also stand before the verb.
    defaults = {name: value for name, value in values.items() if value}
    ctx.default_map = _option_defaults(main, defaults)


def _option_defaults(group: click.Group, defaults: Mapping[str, Any]) -> dict[str, Any]:
    """Return the same defaults for every verb of a group, in the shape of click's default_map."""
    return {
        name: _option_defaults(command, defaults) if isinstance(command, click.Group) else dict(defaults)
        for name, command in group.commands.items()
    }


for _verb in (*PROCEDURES, *SESSIONS):
    _group: click.Group = main
    for _group_name in _verb.verb.split()[:-1]:
        if _group_name not in main.commands:
            main.add_command(
                _VerbGroup(
                    _group_name, help=GROUPS[_group_name], context_settings={"help_option_names": ["-h", "--help"]}
                )
            )
        _group = cast("click.Group", main.commands[_group_name])
    _group.add_command(_click_command(_verb))


@main.command(
    "completion",
    short_help="Print what makes a shell complete the verbs and names.",
    help=(
        "Print what makes a shell complete verbs, options, services, backups and runs.\n\n"
        "\b\n"
        'bash: eval "$(localdev completion bash)" in ~/.bashrc\n'
        'zsh:  eval "$(localdev completion zsh)" in ~/.zshrc\n'
        "fish: localdev completion fish > ~/.config/fish/completions/localdev.fish"
    ),
)
@click.argument("shell", type=click.Choice(completion.SHELLS))
def print_completion(shell: str) -> None:
    click.echo(completion.format_completion_script(main, "localdev", shell))
