# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Complete names of runs, backups and services in a shell, for the project of the command line."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, TypeAlias

import click

# Import lazily what only a completion needs: every command imports this file when it starts.
if TYPE_CHECKING:
    from pathlib import Path

    from click.shell_completion import CompletionItem

SHELLS = ("bash", "zsh", "fish")
# A person who presses Tab does not wait longer.
_SERVICES_TIMEOUT_S = 3.0

Completer: TypeAlias = "Callable[[click.Context, click.Parameter, str], list[CompletionItem]]"


def list_run_ids(folder: Path) -> list[str]:
    """Return the ids of the runs, newest first. An earlier version recorded them in the project folder."""
    from pathlib import Path

    from ansible_collections.localdev.recovery.plugins.module_utils._run.project_index import find_index_entry

    places = [folder / ".localdev"]
    entry = find_index_entry(str(folder))
    if entry:
        places.append(Path(entry["state"]["folder"]))
    return sorted({path.stem for place in places for path in place.glob("runs/*.json")}, reverse=True)


def list_backup_names(folder: Path) -> list[str]:
    """Return ``latest`` and the names of complete backups in the default folder, newest first."""
    return ["latest", *sorted((path.stem for path in folder.glob("backups/postgres/*.metadata")), reverse=True)]


def list_service_names(folder: Path) -> list[str]:
    """Return the names of the services, or nothing if Compose does not answer in time."""
    # Import lazily: only the completion of services needs it.
    import subprocess

    with contextlib.suppress(OSError, subprocess.SubprocessError):
        command = ["docker", "compose", "config", "--services"]
        done = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, timeout=_SERVICES_TIMEOUT_S, check=False
        )
        return sorted(done.stdout.split())
    return []


_LIST_NAMES: Mapping[str, Callable[[Path], Sequence[str]]] = {
    "runs": list_run_ids,
    "backups": list_backup_names,
    "services": list_service_names,
}


def make_items(names: Sequence[str], incomplete: str) -> list[CompletionItem]:
    """Return the names that begin like the incomplete word."""
    from click.shell_completion import CompletionItem

    return [CompletionItem(name) for name in names if name.startswith(incomplete)]


def make_completer(kind: str) -> Completer:
    """Return a completer. kind: ``runs``, ``backups`` or ``services``; the shell completes ``file`` and ``dir``."""

    def complete(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        from pathlib import Path

        from click.shell_completion import CompletionItem

        from ansible_collections.localdev.recovery.plugins.module_utils._stack.project_folder import find_project_folder

        if kind not in _LIST_NAMES:
            return [CompletionItem(incomplete, type=kind)]
        # -C can also stand before the verb.
        context: click.Context | None = ctx
        while context and not context.params.get("folder"):
            context = context.parent
        folder = Path(find_project_folder(str(Path(context.params["folder"] if context else ".").absolute())))
        return make_items(_LIST_NAMES[kind](folder), incomplete)

    return complete


def make_choice_completer(choices: Sequence[str]) -> Completer:
    """Return a completer that offers the values of an option."""

    def complete(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        return make_items(choices, incomplete)

    return complete


def complete_verb(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Offer the words that may follow those of ``localdev help``."""
    group = ctx.find_root().command
    for word in ctx.params.get(str(param.name)) or ():
        group = group.commands.get(word, group) if isinstance(group, click.Group) else group
    names = group.list_commands(ctx) if isinstance(group, click.Group) else []
    return make_items(names, incomplete)


def format_completion_script(command: click.Command, name: str, shell: str) -> str:
    """Return shell code that connects the shell's completion to the command."""
    from click.shell_completion import get_completion_class

    completion_class = get_completion_class(shell)
    if completion_class is None:
        raise click.UsageError(f"There is no completion for {shell}; there is for {', '.join(SHELLS)}")
    return completion_class(command, {}, name, f"_{name.upper()}_COMPLETE").source()
