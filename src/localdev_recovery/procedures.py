# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one definition of every verb: command line, Python interface and texts are made from this table."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass

COLLECTION = "localdev.recovery"


@dataclass(frozen=True)
class Option:
    """An option or argument of a verb, which sets a role variable.

    flag: ``--keep``, or empty for a positional argument. kind: ``text``, ``integer``, ``number``, or ``switch``, which
    sets the variable to switch_value. Without the option the inventory and the role's defaults decide.
    """

    flag: str
    variable: str
    help: str
    kind: str = "text"
    placeholder: str = ""
    switch_value: bool = True


@dataclass(frozen=True)
class Procedure:
    """A playbook of the collection and the verb that runs it. explanation: paragraphs below the summary."""

    verb: str
    playbook: str
    summary: str
    explanation: str
    options: tuple[Option, ...] = ()

    @property
    def address(self) -> str:
        return f"{COLLECTION}.{self.playbook}"


PROCEDURES = (
    Procedure(
        verb="rebuild",
        playbook="full_rebuild",
        summary="Rebuild the database from its migrations and seeds; the old data is kept.",
        explanation=(
            "For a fresh start, a corrupt schema, or errors that nobody can explain. Stops the services, sets the data "
            "of the database aside, starts an empty one, migrates, seeds and verifies.\n\n"
            "When a step fails, the state before is brought back. After a success, localdev undo does that."
        ),
        options=(
            Option("--no-seed", "full_rebuild_seed", "Leave the database migrated but empty.", "switch", "", False),
        ),
    ),
    Procedure(
        verb="status",
        playbook="status",
        summary="Show what the stack is doing.",
        explanation="Services, their health, where they can be reached, and where the data lies. Changes nothing.",
    ),
    Procedure(
        verb="undo",
        playbook="undo",
        summary="Take the last run back.",
        explanation=(
            "Puts back what the run had set aside, and sets aside in turn what stands there now. Without RUN_ID it "
            "takes the newest run that can be taken back. Finishes runs that were cut short."
        ),
        options=(
            Option("", "undo_run_id", "The run to take back, such as 20260131T100000Z-1f2e.", placeholder="RUN_ID"),
        ),
    ),
    Procedure(
        verb="cleanup",
        playbook="cleanup",
        summary="Delete what old runs have set aside, never the newest.",
        explanation="The only verb that deletes. localdev cleanup --check says how many bytes it would free.",
        options=(
            Option("--keep", "cleanup_keep", "How many of each object stay, whatever their age.", "integer", "COUNT"),
            Option("--older-than", "cleanup_older_than_days", "Delete only what is at least so old.", "number", "DAYS"),
        ),
    ),
)

_COMMAND = re.compile(rf"ansible-playbook {re.escape(COLLECTION)}\.(\w+)((?: -e \w+=[^\s,;)]+)*)")


def find(playbook: str) -> Procedure | None:
    return next((procedure for procedure in PROCEDURES if procedure.playbook == playbook), None)


def as_typed(text: str, target: Sequence[str] = ()) -> str:
    """The text, with ``ansible-playbook localdev.recovery.X -e a=b`` in it turned into the verb that does the same.

    target: the options that name the stack, such as ``("-C", "/srv/shop")``. Pure.
    """

    def translate(match: re.Match[str]) -> str:
        procedure = find(match.group(1))
        if procedure is None:
            return match.group(0)
        words = ["localdev", procedure.verb, *target]
        for pair in match.group(2).split(" -e ")[1:]:
            words += _as_option(procedure, *pair.split("=", 1))
        return shlex.join(words)

    return _COMMAND.sub(translate, text)


def _as_option(procedure: Procedure, variable: str, value: str) -> list[str]:
    option = next((option for option in procedure.options if option.variable == variable), None)
    if option is None:
        return ["-e", f"{variable}={value}"]
    if option.kind == "switch":
        return [option.flag] if value.lower() == str(option.switch_value).lower() else []
    return [option.flag, value] if option.flag else [value]
