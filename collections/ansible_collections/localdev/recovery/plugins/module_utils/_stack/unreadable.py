# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Describe a project that Compose cannot read: enough for runs that touch files alone. Pure."""

from __future__ import annotations

from ansible_collections.localdev.recovery.plugins.module_utils._docker.cli import Project
from ansible_collections.localdev.recovery.plugins.module_utils._stack.description import (
    StackDescription,
    StateDescription,
)
from ansible_collections.localdev.recovery.plugins.module_utils._stack.selections import (
    DescribedStack,
    select_stack_parts,
)


def describe_unreadable_stack(project: Project, name: str, state: StateDescription) -> DescribedStack:
    """Return a description without services. name, state: the stack of the project's folder."""
    stack: StackDescription = {
        "project": {
            "name": name,
            "dir": project.src,
            "files": list(project.files),
            "env_files": list(project.env_files),
            "profiles": list(project.profiles),
        },
        "engine": {"version": "", "compose_version": ""},
        "state": state,
        "services": {},
        "volumes": {},
        "database": None,
        "alembic": None,
        "start_order": [],
        "warnings": [],
    }
    return {**stack, **select_stack_parts(stack)}
