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
from collections.abc import Callable, Mapping
from typing import Any

import click

from localdev_recovery.procedures import PROCEDURES, Option, Procedure, as_typed
from localdev_recovery.progress import Update
from localdev_recovery.results import EXIT_CODES, MEANINGS, Result

_TYPES: Mapping[str, click.ParamType[Any]] = {"text": click.STRING, "integer": click.INT, "number": click.FLOAT}
_EXIT_CODES = "\b\nExit codes:\n" + "\n".join(
    f"  {code:>3}  {MEANINGS[outcome]}" for outcome, code in EXIT_CODES.items()
)

# What every verb takes, as ansible-playbook names it.
_COMMON: tuple[Callable[[], click.Option], ...] = (
    lambda: click.Option(
        ["-C", "folder"], metavar="DIR", help="Folder of the Compose project on this machine. Default: this folder."
    ),
    lambda: click.Option(
        ["-i", "--inventory"],
        metavar="FILE",
        multiple=True,
        help="Inventory of stacks, instead of -C. May be repeated.",
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


def _parameter(option: Option) -> click.Parameter:
    if not option.flag:
        return click.Argument([option.variable], metavar=f"[{option.placeholder}]", required=False)
    if option.kind == "switch":
        return click.Option(
            [option.flag, option.variable], is_flag=True, flag_value=option.switch_value, default=None, help=option.help
        )
    return click.Option(
        [option.flag, option.variable], type=_TYPES[option.kind], metavar=option.placeholder, help=option.help
    )


def _command(procedure: Procedure) -> click.Command:
    arguments = [option for option in procedure.options if not option.flag]
    explained = "\n".join(f"{option.placeholder}: {option.help}" for option in arguments)
    parts = [procedure.summary, procedure.explanation, explained, f"Playbook: {procedure.address}"]

    def callback(**given: Any) -> None:
        variables = {o.variable: given.pop(o.variable) for o in procedure.options}
        run_verb(procedure, {name: value for name, value in variables.items() if value is not None}, **given)

    return click.Command(
        procedure.verb,
        params=[*map(_parameter, procedure.options), *(make() for make in _COMMON)],
        callback=callback,
        help="\n\n".join(part for part in parts if part),
        short_help=procedure.summary,
        context_settings={"help_option_names": ["-h", "--help"]},
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
    with progress_for(sys.stderr, verbosity=verbose) as display:

        def on_event(update: Update) -> None:
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
    if not inventory:
        result = with_hint_at_folder(result, folder)
    with contextlib.suppress(OSError):
        if json:
            print_json(procedure, result)
        else:
            show(result)
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


def print_json(procedure: Procedure, result: Result) -> None:
    json.dump({"verb": procedure.verb, **result.as_dict()}, sys.stdout, indent=2)
    sys.stdout.write("\n")


class _Verbs(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order of the table, not of the alphabet."""
        return list(self.commands)


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
    ctx.default_map = dict.fromkeys(main.commands, named)


for _procedure in PROCEDURES:
    main.add_command(_command(_procedure))
