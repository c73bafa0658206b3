# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Groups of verbs: an overview by need, a default verb, and the nearest verb for a wrong one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

HELP_OPTIONS = ["-h", "--help"]
# As in EXIT_CODES of results.py, which takes long to import.
EXIT_INTERRUPTED = 130
# Below this likeness, two words have nothing in common.
_MIN_LIKENESS = 0.65


class VerbGroup(click.Group):
    """A word of the command line that verbs follow.

    default_verb: what the group's name alone runs. overview: heading -> verb -> what it is for; without it, the help
    lists the summaries of the verbs.
    """

    def __init__(
        self,
        name: str,
        *,
        default_verb: str = "",
        overview: Mapping[str, Mapping[str, str]] | None = None,
        **settings: Any,
    ) -> None:
        super().__init__(
            name,
            context_settings={"help_option_names": HELP_OPTIONS},
            subcommand_metavar="[VERB] [ARGS]..." if default_verb else "VERB [ARGS]...",
            **settings,
        )
        self._default_verb = default_verb
        self._overview = overview or {}

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the verbs in the order of the catalog, not of the alphabet."""
        return list(self.commands)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Insert the default verb if no verb follows. Options of the group itself are those of its help."""
        if self._default_verb:
            # While a shell completes, no word means that a verb may still follow.
            alone = not args and not ctx.resilient_parsing
            if alone or (args and args[0].startswith("-") and args[0] not in HELP_OPTIONS):
                args = [self._default_verb, *args]
        return super().parse_args(ctx, args)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the verb. A wrong verb is an error with the nearest ones."""
        word = args[0]
        if word in self.commands or ctx.resilient_parsing or word.startswith("-"):
            return super().resolve_command(ctx, args)
        nearest = find_nearest_commands(word, self, ctx.command_path)
        suggestion = "\n".join([" Did you mean this?", *(f"  {command}" for command in nearest)]) if nearest else ""
        raise click.UsageError(f"There is no verb {word!r}.{suggestion}", ctx)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Offer the verbs, and the options of the default verb."""
        completions = super().shell_complete(ctx, incomplete)
        if self._default_verb and incomplete.startswith("-"):
            offered = {item.value for item in completions}
            of_default = self.commands[self._default_verb].shell_complete(ctx, incomplete)
            completions += [item for item in of_default if item.value not in offered]
        return completions

    def invoke(self, ctx: click.Context) -> Any:
        """Report an interrupted question or search for the stack. An interrupted run ends by itself."""
        try:
            return super().invoke(ctx)
        except (click.Abort, KeyboardInterrupt):
            click.echo("\nInterrupted; nothing was changed.", err=True)
            ctx.exit(EXIT_INTERRUPTED)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the verbs before the options: people look for them first."""
        self.format_commands(ctx, formatter)
        click.Command.format_options(self, ctx, formatter)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the verbs, under the headings of the overview if there is one."""
        summaries = {name: str(command.short_help) for name, command in self.commands.items()}
        width = max(map(len, self.commands))
        for heading, rows in (self._overview or {"Verbs": summaries}).items():
            with formatter.section(heading):
                formatter.write_dl([(name.ljust(width), text) for name, text in rows.items()])


def find_nearest_commands(word: str, group: click.Group, path: str) -> list[str]:
    """Return the commands whose last word is the most like a wrong one, or nothing if none is like it.

    path: what was typed before the word, such as ``localdev``.
    """
    # Import lazily: no command that is typed well needs it.
    from difflib import SequenceMatcher

    likeness = {
        command: max(SequenceMatcher(None, word, name).ratio() for name in names)
        for command, names in _list_command_names(group, path)
    }
    best = max(likeness.values())
    nearest = [command for command, ratio in likeness.items() if ratio == best and best >= _MIN_LIKENESS]
    # A verb of the group itself is nearer than one of the same word below it.
    shortest = min((command.count(" ") for command in nearest), default=0)
    return [command for command in nearest if command.count(" ") == shortest]


def _list_command_names(group: click.Group, path: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield each command of a group and of its groups, and the words that people may type for it."""
    for name, command in group.commands.items():
        yield f"{path} {name}", (name,)
        if isinstance(command, click.Group):
            for verb in command.commands:
                yield f"{path} {name} {verb}", (verb, f"{name}-{verb}", f"{verb}-{name}")
