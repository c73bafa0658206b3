# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Describe a project that Compose cannot read, if runs on it are recorded: one may have kept the missing file."""

from __future__ import annotations

import typing as t

from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils._docker.cli import Docker, Project
from ansible_collections.localdev.recovery.plugins.module_utils._run.project_index import find_project_state
from ansible_collections.localdev.recovery.plugins.module_utils._run.store import RunStore
from ansible_collections.localdev.recovery.plugins.module_utils._stack.selections import DescribedStack
from ansible_collections.localdev.recovery.plugins.module_utils._stack.unreadable import describe_unreadable_stack


class RecordedStack(DescribedStack):
    """A description without services. unreadable: why Compose cannot read the project, as a failure's result."""

    unreadable: dict[str, t.Any]


def describe_recorded_stack(docker: Docker, project: Project, error: RecoveryError) -> RecordedStack:
    """Return the description. error: of Compose; it is raised if no run is recorded."""
    stack = describe_unreadable_stack(project, *find_project_state(docker, project))
    if not RunStore.from_stack(stack).load_all():
        raise error
    return {**stack, "unreadable": error.as_result()}
