# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The command ``localdev``: it runs the procedures. The verbs come from the package verbs."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

import click

from localdev_recovery import completion
from localdev_recovery.command_group import HELP_OPTIONS, VerbGroup
from localdev_recovery.command_options import make_common_options, make_parameter, make_target_options
from localdev_recovery.option_texts import describe_option
from localdev_recovery.output import open_closed_streams, write_result
from localdev_recovery.secret_files import write_secret_files
from localdev_recovery.verbs.catalog import NOUNS, OVERVIEW, PROCEDURES, SESSIONS
from localdev_recovery.verbs.definition import Noun, Procedure, Session
from localdev_recovery.verbs.session import COMMAND

if TYPE_CHECKING:
    from localdev_recovery.updates import Update
    from localdev_recovery.variables import ExtraVariables

_COMPOSE = "docker compose"


class _ProcedureCommand(click.Command):
    """A command whose help ends with the exit codes."""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        # Import lazily: it takes longer than the rest of the start.
        from localdev_recovery.results import EXIT_CODES

        codes = ", ".join(f"{code} {outcome.value}" for outcome, code in EXIT_CODES.items())
        formatter.write_paragraph()
        with formatter.indentation():
            formatter.write_text(f"Exit codes: {codes}.")


class _SessionWithCommand(click.Command):
    """A command with the arguments SERVICE and COMMAND, which may have options of its own."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not ctx.resilient_parsing:
            args = separate_command(args, self.params)
        return super().parse_args(ctx, args)


def separate_command(args: Sequence[str], parameters: Sequence[click.Parameter]) -> list[str]:
    """Return the arguments with ``--`` before the second positional one. parameters: of the command of localdev."""
    with_value = {
        name
        for parameter in parameters
        if isinstance(parameter, click.Option) and not parameter.is_flag and not parameter.count
        for name in parameter.opts
    }
    positional = 0
    words = iter(range(len(args)))
    for place in words:
        if args[place] == "--":
            break
        if args[place] in with_value:
            next(words, None)
        elif not args[place].startswith("-"):
            positional += 1
            if positional == 2:
                return [*args[:place], "--", *args[place:]]
    return list(args)


def _make_command(verb: Procedure | Session) -> click.Command:
    is_procedure = isinstance(verb, Procedure)
    arguments = [option for option in verb.options if not option.flag]
    argument_texts = "\n\n".join(f"{option.placeholder}: {describe_option(option)}" for option in arguments)
    last_line = (
        f"Playbook: {verb.playbook_fqcn}" if isinstance(verb, Procedure) else f"Ends with the exit code of {_COMPOSE}."
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

    runs_command = any(option.placeholder == COMMAND for option in verb.options)
    command_class = _ProcedureCommand if is_procedure else _SessionWithCommand if runs_command else click.Command
    return command_class(
        verb.verb.split()[-1],
        params=[*map(make_parameter, verb.options), *make_common_options(session=not is_procedure)],
        callback=callback,
        help="\n\n".join(paragraph for paragraph in paragraphs if paragraph),
        short_help=verb.summary,
        context_settings={"help_option_names": HELP_OPTIONS},
    )


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
    from localdev_recovery.document import build_document
    from localdev_recovery.hints import add_folder_hint, add_help_command

    target_options = list_target_options(folder, inventory)
    variables, *typed = resolve_paths([variables, *extra_vars], inventory)
    extra_vars = tuple(typed)
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

    def write() -> None:
        if json:
            print_json(build_document(procedure.verb, result, target_options))
        else:
            show_result(result, target_options)

    sys.exit(write_result(write, result.exit_code))


def resolve_paths(typed: Sequence[ExtraVariables], inventory: tuple[str, ...]) -> list[Any]:
    """Return the typed variables with absolute paths; the path of a file of variables stays as it is."""
    from localdev_recovery.typed_paths import resolve_typed_paths

    return [
        item if isinstance(item, str) else resolve_typed_paths(item, other_hosts=bool(inventory), current=os.getcwd())
        for item in typed
    ]


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
    from ansible_collections.localdev.recovery.plugins.module_utils._stack.project_folder import find_project_inventory
    from localdev_recovery.api import gather_stack
    from localdev_recovery.questions import ask_open_questions

    if inventory or find_project_inventory(folder or os.getcwd()):
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
    from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
    from localdev_recovery import sessions
    from localdev_recovery.api import build_error_result, gather_stack
    from localdev_recovery.display import show_result
    from localdev_recovery.hints import add_folder_hint
    from localdev_recovery.results import Outcome

    extra_vars = tuple(resolve_paths(extra_vars, inventory))
    result, stacks = gather_stack(stack_dir=folder, inventory=inventory or None, limit=limit, extra_vars=extra_vars)
    try:
        if result.outcome is Outcome.DONE:
            gathered = sessions.choose_stack(stacks)
            terminal = sys.stdin.isatty() and sys.stdout.isatty()
            arguments = sessions.SESSION_ARGUMENTS[session.verb](gathered.stack, **variables, terminal=terminal)
            work_folder, command_line = sessions.build_session_command(gathered, arguments, terminal=terminal)
            sessions.replace_process(work_folder, command_line)
    except RecoveryError as exc:
        result = build_error_result(result.procedure, exc)
    result = result if inventory else add_folder_hint(result, folder)
    sys.exit(write_result(lambda: show_result(result, list_target_options(folder, inventory)), result.exit_code))


def print_json(document: Mapping[str, Any]) -> None:
    """Print one JSON document."""
    json.dump(document, sys.stdout, indent=2)
    sys.stdout.write("\n")


def _start(ctx: click.Context) -> None:
    open_closed_streams()
    # Options may also stand before the verb.
    defaults = {name: value for name, value in ctx.params.items() if value}
    ctx.default_map = _list_option_defaults(main, defaults)


def _list_option_defaults(group: click.Group, defaults: Mapping[str, Any]) -> dict[str, Any]:
    """Return the same defaults for every verb of a group, in the shape of click's default_map."""
    return {
        name: _list_option_defaults(command, defaults) if isinstance(command, click.Group) else dict(defaults)
        for name, command in group.commands.items()
    }


def _make_group(noun: Noun) -> VerbGroup:
    alone = f"Without a verb: localdev {noun.name} {noun.default}." if noun.default else ""
    return VerbGroup(
        noun.name,
        default_verb=noun.default,
        help="\n\n".join([noun.summary, *([alone] if alone else [])]),
        short_help=noun.summary,
    )


def _make_overview() -> dict[str, dict[str, str]]:
    """Return the rows of ``localdev --help``; the row of a noun names its verbs."""

    def format_row(word: str, text: str) -> str:
        if word not in NOUNS:
            return text
        return f"{text} ({', '.join(procedure.verb.split()[1] for procedure in NOUNS[word].procedures)})."

    return {
        heading: {word: format_row(word, text) for word, text in rows.items()} for heading, rows in OVERVIEW.items()
    }


def _make_main() -> VerbGroup:
    group = VerbGroup(
        "localdev",
        params=make_target_options(),
        callback=click.pass_context(lambda ctx, /, **_values: _start(ctx)),
        overview=_make_overview(),
        help=(
            "Repairs a Docker Compose + PostgreSQL + Alembic stack and loses nothing: what a verb replaces is set "
            "aside, and localdev undo restores it."
        ),
    )
    for noun in NOUNS.values():
        group.add_command(_make_group(noun))
    verbs: tuple[Procedure | Session, ...] = (*PROCEDURES, *SESSIONS)
    for verb in verbs:
        *nouns, _last = verb.verb.split()
        parent = cast("click.Group", group.commands[nouns[0]]) if nouns else group
        parent.add_command(_make_command(verb))
    group.commands = {
        word: group.commands[word] for rows in OVERVIEW.values() for word in rows if word in group.commands
    }
    return click.version_option(package_name="localdev-recovery", prog_name="localdev")(group)


main = _make_main()


@main.command(
    "completion",
    short_help="Complete verbs and names in your shell.",
    help=(
        "Print what makes a shell complete verbs, options, services, backups and runs.\n\n"
        "\b\n"
        'bash: eval "$(localdev completion bash)" in ~/.bashrc\n'
        'zsh:  eval "$(localdev completion zsh)" in ~/.zshrc\n'
        "fish: localdev completion fish > ~/.config/fish/completions/localdev.fish"
    ),
    context_settings={"help_option_names": HELP_OPTIONS},
)
@click.argument("shell", type=click.Choice(completion.SHELLS))
def print_completion(shell: str) -> None:
    click.echo(completion.format_completion_script(main, "localdev", shell))


@main.command(
    "help",
    short_help="Explain a verb.",
    help="Explain a verb, such as localdev help backup verify.",
    context_settings={"help_option_names": HELP_OPTIONS},
)
@click.argument("verb", nargs=-1, shell_complete=completion.complete_verb)
@click.pass_context
def print_help(ctx: click.Context, verb: tuple[str, ...]) -> None:
    ctx.exit(main.main([*verb, "--help"], prog_name="localdev", standalone_mode=False))
