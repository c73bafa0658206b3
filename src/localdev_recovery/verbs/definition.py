# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Define what a verb, its options and a noun are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

COLLECTION = "localdev.recovery"


@dataclass(frozen=True, kw_only=True)
class Option:
    """An option or argument of a verb, which sets a role variable.

    flag: ``--keep``, or empty for a positional argument. kind: ``text``, ``integer``, ``number``, ``list`` (an argument
    that may be given several times), or ``switch``, which sets the variable to switch_value, or ``prompt`` (on the
    terminal) and ``environment`` (a variable's name), which set the variable to the name of a private file that holds
    the secret. Without the option the inventory and the role's defaults decide. short: a one-letter form of the flag.
    completes: what a shell offers after Tab, as completion.py knows it.
    help: only where no role variable describes the option; option_texts.py describes all others.
    """

    variable: str
    help: str = ""
    flag: str = ""
    kind: str = "text"
    placeholder: str = ""
    switch_value: bool = True
    short: str = ""
    completes: str = ""

    @property
    def parameter(self) -> str:
        """Return the parameter's name for click: two options may set one variable."""
        return f"{self.kind}_{self.variable}" if self.secret else self.variable

    @property
    def secret(self) -> bool:
        return self.kind in ("prompt", "environment")


@dataclass(frozen=True, kw_only=True)
class Procedure:
    """A playbook of the collection and the verb that runs it. explanation: paragraphs below the summary.

    verb: one word, or a noun and a verb, such as ``backup create``. preset_variables: variables that the verb sets by
    itself; several verbs of one playbook differ in them. data_source: a module, and the keys of its result that are the
    data for programs. asks_questions: the verb asks on a terminal for values that discovery cannot find.
    """

    verb: str
    playbook: str
    summary: str
    explanation: str
    options: tuple[Option, ...] = ()
    preset_variables: Mapping[str, str] = field(default_factory=dict)
    data_source: tuple[str, ...] = ()
    asks_questions: bool = False

    @property
    def playbook_fqcn(self) -> str:
        return f"{COLLECTION}.{self.playbook}"


@dataclass(frozen=True, kw_only=True)
class Session:
    """A verb without a playbook: it finds the stack and hands the terminal over to docker compose.

    SESSION_ARGUMENTS in sessions.py has its function; the variables of its options are that function's arguments.
    """

    verb: str
    summary: str
    explanation: str
    options: tuple[Option, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Noun:
    """The first word of verbs of two words. default: the second word of the verb that the noun alone runs."""

    name: str
    summary: str
    procedures: tuple[Procedure, ...]
    default: str = ""


def no_login_option(variable: str) -> Option:
    """Return the option that leaves out the login after a procedure."""
    return Option(
        flag="--no-login",
        variable=variable,
        kind="switch",
        switch_value=False,
    )


def backup_argument(variable: str, *, completes: str = "") -> Option:
    """Return the argument that names a backup."""
    return Option(variable=variable, placeholder="BACKUP", completes=completes)
