# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Write the inventory and the variables of a run to private files."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from localdev_recovery.variables import ExtraVariables, list_magic_variables, mark_as_data


def write_private_json(path: Path, content: Mapping[str, Any] | list[dict[str, Any]]) -> str:
    """Write a new file with mode 0600 and return its path."""
    path.parent.mkdir(mode=0o700, exist_ok=True)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as handle:
        json.dump(content, handle)
    return str(path)


def build_local_inventory(stack_dir: str) -> dict[str, Any]:
    """Return the inventory for a folder without one: one stack, on this machine, by this interpreter."""
    host = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable, "stack_dir": stack_dir}
    return {"stacks": {"hosts": {"localhost": mark_as_data(host)}}}


def write_variables(
    extra_vars: Sequence[ExtraVariables], *, folder: Path, inventories: Sequence[str], limit: str | None
) -> list[str]:
    """Write the variables to private files and return the options that name the files, in their order.

    inventories, limit: options of the run, which Ansible makes variables too.
    """
    magic_variables = list_magic_variables(inventories, limit)
    options = []
    for number, item in enumerate([*([magic_variables] if magic_variables else []), *extra_vars]):
        path = item
        if not isinstance(item, str):
            path = write_private_json(folder / "variables" / f"{number}.json", mark_as_data(item))
        options += ["-e", f"@{path}"]
    return options
