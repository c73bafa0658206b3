# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a shell offers after Tab: names of runs, backups and services of the project that the command line means."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import click
from click.shell_completion import CompletionItem, get_completion_class

SHELLS = ("bash", "zsh", "fish")
# Longer than this nobody waits after Tab.
_PATIENCE_S = 3.0

Completer = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]


def runs(folder: Path) -> list[str]:
    """Run ids, newest first."""
    return sorted((path.stem for path in folder.glob(".localdev/runs/*.json")), reverse=True)


def backups(folder: Path) -> list[str]:
    """``latest`` and the names of complete backups, newest first, in the folder that they have by default."""
    return ["latest", *sorted((path.stem for path in folder.glob("backups/postgres/*.metadata")), reverse=True)]


def services(folder: Path) -> list[str]:
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        command = ["docker", "compose", "config", "--services"]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=_PATIENCE_S, check=False)
        return sorted(done.stdout.split())
    return []


_NAMES: Mapping[str, Callable[[Path], Sequence[str]]] = {"runs": runs, "backups": backups, "services": services}


def completer(what: str) -> Completer:
    """what: ``runs``, ``backups`` or ``services``; ``file`` and ``dir`` leave it to the shell."""

    def complete(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        if what not in _NAMES:
            return [CompletionItem(incomplete, type=what)]
        # -C may stand before the verb too.
        named: click.Context | None = ctx
        while named and not named.params.get("folder"):
            named = named.parent
        folder = Path(named.params["folder"] if named else ".")
        return [CompletionItem(name) for name in _NAMES[what](folder) if name.startswith(incomplete)]

    return complete


def script(command: click.Command, name: str, shell: str) -> str:
    """Shell code that makes the shell ask the command."""
    found = get_completion_class(shell)
    if found is None:
        raise click.UsageError(f"There is no completion for {shell}; there is for {', '.join(SHELLS)}")
    return found(command, {}, name, f"_{name.upper()}_COMPLETE").source()
