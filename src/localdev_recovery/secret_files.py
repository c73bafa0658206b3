# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Hand secrets of the command line to a run in private files, which no argument list or environment shows."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from localdev_recovery.verbs.definition import Option


def read_secret(option: Option, value: Any) -> str:
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
    # Import lazily: only verbs with a secret need it.
    from localdev_recovery.private_folder import private_folder

    with private_folder() as folder:
        files = {}
        for option, value in options.items():
            path = folder / option.parameter
            with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as handle:
                handle.write(f"{read_secret(option, value)}\n")
            files[option.variable] = str(path)
        yield files
