# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Filters that call the pure functions of module_utils.

A function is imported when its filter is called: each task runs in its own process, and most tasks call one filter.
"""

from __future__ import annotations

import importlib
import typing as t

# Name of the filter -> module in module_utils, function.
FUNCTIONS = {
    "row_problems": ("_postgresql.row_counts", "find_row_count_problems"),
    "revision_problems": ("_alembic.diagnosis", "find_revision_problems"),
    "login_problems": ("_application.account", "find_login_problems"),
    "describe_failure": ("_core.failed_task", "describe_failed_task"),
    "inventory": ("_stack.inventory_file", "format_inventory"),
    "project_path": ("_stack.project_folder", "resolve_project_path"),
    "project_inventory": ("_stack.project_folder", "find_project_inventory"),
    "inventory_variables": ("_stack.project_folder", "choose_inventory_variables"),
    "hosts_meant": ("_stack.inventory_file", "choose_host_pattern"),
}


def load_when_called(module: str, function: str) -> t.Callable[..., t.Any]:
    """Return a function that imports the module on its first call."""

    def call(*args: t.Any, **kwargs: t.Any) -> t.Any:
        loaded = importlib.import_module(f"ansible_collections.localdev.recovery.plugins.module_utils.{module}")
        return getattr(loaded, function)(*args, **kwargs)

    return call


class FilterModule:
    """The filters of the collection, for Ansible."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filters by name."""
        return {name: load_when_called(*where) for name, where in FUNCTIONS.items()}
