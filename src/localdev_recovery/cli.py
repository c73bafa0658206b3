# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The command ``localdev``: a face over the procedures. Every verb is made from the table in procedures.py."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any, cast

import click

from localdev_recovery import completion
from localdev_recovery.procedures import GROUPS, PROCEDURES, SESSIONS, Option, Procedure, Session, as_typed
from localdev_recovery.progress import Note, Update
from localdev_recovery.results import EXIT_CODES, MEANINGS, Failure, Outcome, Result

_TYPES: Mapping[str, click.ParamType[Any]] = {"text": click.STRING, "integer": click.INT, "number": click.FLOAT}
_EXIT_CODES = "\b\nExit codes:\n" + "\n".join(
    f"  {code:>3}  {MEANINGS[outcome]}" for outcome, code in EXIT_CODES.items()
)

# What every verb takes, as ansible-playbook names it.
_COMMON: tuple[Callable[[], click.Option], ...] = (
    lambda: click.Option(
        ["-C", "folder"],
        metavar="DIR",
        help="Folder of the Compose project on this machine, and of its localdev.yml. Default: this folder.",
        shell_complete=completion.completer("dir"),
    ),
    lambda: click.Option(
        ["-i", "--inventory"],
        metavar="FILE",
        multiple=True,
        help="Inventory of stacks, instead of -C. May be repeated.",
        shell_complete=completion.completer("file"),
    ),
    lambda: click.Option(["-l", "--limit"], metavar="HOSTS", help="Only these hosts of the inventory."),
    lambda: click.Option(["--check"], is_flag=True, help="Say what would happen, and change nothing."),
    lambda: click.Option(["--diff"], is_flag=True, help="Show differences."),
    lambda: click.Option(
        ["-e", "--extra-vars"], metavar="NAME=VALUE", multiple=True, help="Set a role variable. May be repeated."
    ),
    lambda: click.Option(["-v", "--verbose"], count=True, help="Show Ansible's own output; -vvv shows more."),
    lambda: click.Option(["--json"], is_flag=True, help="Print one JSON document at the end; progress goes to stderr."),
)

COMPOSE = "docker compose"
# A session changes nothing by itself, and its output is that of docker compose.
_SESSION_COMMON = (*_COMMON[:3], _COMMON[5])


def _parameter(option: Option) -> click.Parameter:
    offer = completion.completer(option.completes) if option.completes else None
    if option.kind == "list":
        return click.Argument([option.variable], metavar=f"[{option.placeholder}]...", nargs=-1, shell_complete=offer)
    if not option.flag:
        return click.Argument(
            [option.variable], metavar=f"[{option.placeholder}]", required=False, shell_complete=offer
        )
    names = [*([option.short] if option.short else []), option.flag, option.parameter]
    if option.kind == "switch":
        return click.Option(names, is_flag=True, flag_value=option.switch_value, default=None, help=option.help)
    if option.kind == "asked":
        return click.Option(names, is_flag=True, help=option.help)
    kind = _TYPES.get(option.kind, click.STRING)
    return click.Option(names, type=kind, metavar=option.placeholder, help=option.help, shell_complete=offer)


def _command(verb: Procedure | Session) -> click.Command:
    procedure = isinstance(verb, Procedure)
    arguments = [option for option in verb.options if not option.flag]
    explained = "\n".join(f"{option.placeholder}: {option.help}" for option in arguments)
    end = f"Playbook: {verb.address}" if isinstance(verb, Procedure) else f"Ends with the exit code of {COMPOSE}."
    parts = [verb.summary, verb.explanation, explained, end]

    def callback(**given: Any) -> None:
        chosen = {o: given.pop(o.parameter) for o in verb.options}
        variables = {o.variable: value for o, value in chosen.items() if not o.secret and value not in (None, ())}
        if not isinstance(verb, Procedure):
            open_session(verb, variables, **given)
            return
        with in_private_files({o: value for o, value in chosen.items() if o.secret and value}) as files:
            run_verb(verb, {**verb.sets, **variables, **files}, **given)

    return click.Command(
        verb.verb.split()[-1],
        params=[*map(_parameter, verb.options), *(make() for make in (_COMMON if procedure else _SESSION_COMMON))],
        callback=callback,
        help="\n\n".join(part for part in parts if part),
        short_help=verb.summary,
        context_settings={"help_option_names": ["-h", "--help"]},
    )


def _secret_of(option: Option, given: Any) -> str:
    """What a person types, or what stands in an environment variable, which no child process is to inherit."""
    if option.kind == "environment":
        if not os.environ.get(given):
            raise click.UsageError(f"The environment variable {given} of {option.flag} is not set or empty")
        return os.environ.pop(given)
    if not sys.stdin.isatty():
        raise click.UsageError(
            f"There is no terminal on which {option.flag} could ask; take it from a file or an environment variable"
        )
    return str(click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True))


@contextlib.contextmanager
def in_private_files(options: Mapping[Option, Any]) -> Iterator[dict[str, str]]:
    """Role variable -> name of a file with the secret, gone afterwards: it is in no argument, variable or artifact."""
    if not options:
        yield {}
        return
    # Slow imports, which --help does without.
    from localdev_recovery.playbook import private_folder

    with private_folder() as folder:
        files = {}
        for option, given in options.items():
            path = folder / option.parameter
            with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as handle:
                handle.write(f"{_secret_of(option, given)}\n")
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
    extra_vars: tuple[str, ...],
    verbose: int,
    json: bool,
) -> None:
    """Run the procedure, show it, and exit."""
    # Slow imports, which --help does without.
    from localdev_recovery.api import run
    from localdev_recovery.display import progress_for, show

    target = [*(["-C", folder] if folder else []), *(word for item in inventory for word in ("-i", item))]
    arguments = [word for pair in extra_vars for word in ("-e", pair)]
    if procedure.asks and sys.stdin.isatty() and sys.stderr.isatty():
        variables = {**_answers(folder, inventory, limit, extra_vars), **variables}
    with progress_for(sys.stderr, verbosity=verbose) as display:

        def on_event(update: Update) -> None:
            if isinstance(update, Note):
                update = dataclasses.replace(update, text=as_typed(update.text, target))
            # The terminal may be closed, or the reader of a pipe gone; the run goes on.
            with contextlib.suppress(OSError):
                display(update)

        result = run(
            procedure.playbook,
            stack_dir=folder,
            inventory=inventory or None,
            limit=limit,
            check=check,
            diff=diff,
            extra_vars=variables,
            arguments=[*arguments, *(["-" + "v" * verbose] if verbose else [])],
            on_event=on_event,
        )
    result = result.with_texts(lambda text: as_typed(text, target))
    result = with_hint_at_help(result, procedure)
    if not inventory:
        result = with_hint_at_folder(result, folder)
    with contextlib.suppress(OSError):
        if json:
            print_json(procedure, result)
        else:
            show(result)
    sys.exit(result.exit_code)


def _answers(
    folder: str | None, inventory: tuple[str, ...], limit: str | None, extra_vars: tuple[str, ...]
) -> dict[str, Any]:
    """What the person at the terminal says of the one stack that is meant; nothing where it has an inventory."""
    from localdev_recovery.api import INVENTORY, look
    from localdev_recovery.questions import ask

    if inventory or os.path.exists(os.path.join(folder or os.getcwd(), INVENTORY)):
        return {}
    arguments = [word for pair in extra_vars for word in ("-e", pair)]
    places = look(stack_dir=folder, limit=limit, arguments=arguments)[1]
    # What kept it from being looked at is said by the run that follows.
    answered = [pair.partition("=")[0] for pair in extra_vars]
    return ask(next(iter(places.values())).stack, answered) if places else {}


def open_session(
    session: Session,
    given: Mapping[str, Any],
    *,
    folder: str | None,
    inventory: tuple[str, ...],
    limit: str | None,
    extra_vars: tuple[str, ...],
) -> None:
    """Find the stack and become the session's command."""
    from localdev_recovery import sessions
    from localdev_recovery.api import look
    from localdev_recovery.display import show

    arguments = [word for pair in extra_vars for word in ("-e", pair)]
    result, places = look(stack_dir=folder, inventory=inventory or None, limit=limit, arguments=arguments)
    target = [*(["-C", folder] if folder else []), *(word for item in inventory for word in ("-i", item))]
    try:
        if result.outcome is Outcome.DONE and len(places) != 1:
            names = ", ".join(places) or "none"
            raise sessions.NoSession(f"One stack is needed, and there are {names}; -l HOST names it", usage=True)
        if result.outcome is Outcome.DONE:
            (place,) = places.values()
            terminal = sys.stdin.isatty() and sys.stdout.isatty()
            command = getattr(sessions, session.verb)(place.stack, **given, terminal=terminal)
            where, words = sessions.command_line(place, command, terminal=terminal)
            os.chdir(where)
            os.execvp(words[0], words)
    except sessions.NoSession as exc:
        outcome = Outcome.USAGE if exc.usage else Outcome.FAILED
        result = dataclasses.replace(result, outcome=outcome, hosts={}, error=Failure(exc.message), next=exc.command)
    except OSError as exc:
        error = Failure(f"{words[0]} cannot be started: {exc.strerror}")
        result = dataclasses.replace(result, outcome=Outcome.FAILED, hosts={}, error=error)
    result = result.with_texts(lambda text: as_typed(text, target))
    show(result if inventory else with_hint_at_folder(result, folder))
    sys.exit(result.exit_code)


def with_hint_at_folder(result: Result, folder: str | None) -> Result:
    """Say which folder was meant when the stack in it could not be read: it may be the wrong one."""
    hosts = dict(result.hosts)
    for name, host in hosts.items():
        if host.error is not None and host.error.role in ("stack", "status"):
            where = os.path.abspath(folder) if folder else f"{os.getcwd()} (the current one)"
            hint = f"The project folder is {where}; -C DIR names another."
            hosts[name] = dataclasses.replace(host, aftermath="\n".join(filter(None, [host.aftermath, hint])))
    return dataclasses.replace(result, hosts=hosts)


def with_hint_at_help(result: Result, procedure: Procedure) -> Result:
    """Where a value is none that a variable can have, the verb's help says which there are."""
    hosts = {
        name: dataclasses.replace(host, next=f"localdev {procedure.verb} --help")
        if host.error is not None and host.error.kind == "usage" and host.next is None
        else host
        for name, host in result.hosts.items()
    }
    return dataclasses.replace(result, hosts=hosts)


def print_json(procedure: Procedure, result: Result) -> None:
    json.dump({"verb": procedure.verb, **result.as_dict()}, sys.stdout, indent=2)
    sys.stdout.write("\n")


class _Verbs(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order of the table, not of the alphabet."""
        return list(self.commands)

    def invoke(self, ctx: click.Context) -> Any:
        """A run ends in order by itself; what is interrupted here is a question, or a look."""
        try:
            return super().invoke(ctx)
        except (click.Abort, KeyboardInterrupt):
            click.echo("\nInterrupted; nothing was changed.", err=True)
            ctx.exit(EXIT_CODES[Outcome.INTERRUPTED])


@click.group(
    cls=_Verbs,
    params=[make() for make in _COMMON[:2]],
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
def main(ctx: click.Context, /, **given: Any) -> None:
    # What stands before the verb is as good as what stands after it.
    named = {name: value for name, value in given.items() if value}
    ctx.default_map = _defaults(main, named)


def _defaults(group: click.Group, named: Mapping[str, Any]) -> dict[str, Any]:
    """The same defaults for every verb of a group, as click looks them up."""
    return {
        name: _defaults(command, named) if isinstance(command, click.Group) else dict(named)
        for name, command in group.commands.items()
    }


for _verb in (*PROCEDURES, *SESSIONS):
    _group: click.Group = main
    for _word in _verb.verb.split()[:-1]:
        if _word not in main.commands:
            main.add_command(
                _Verbs(_word, help=GROUPS[_word], context_settings={"help_option_names": ["-h", "--help"]})
            )
        _group = cast("click.Group", main.commands[_word])
    _group.add_command(_command(_verb))


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
    click.echo(completion.script(main, "localdev", shell))
