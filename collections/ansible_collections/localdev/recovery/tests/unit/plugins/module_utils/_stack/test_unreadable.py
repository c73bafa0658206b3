# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible_collections.localdev.recovery.plugins.module_utils._docker.cli import Project
from ansible_collections.localdev.recovery.plugins.module_utils._stack.description import StackDescription
from ansible_collections.localdev.recovery.plugins.module_utils._stack.selections import StackSelections
from ansible_collections.localdev.recovery.plugins.module_utils._stack.state_place import SYSTEM_PLACE
from ansible_collections.localdev.recovery.plugins.module_utils._stack.unreadable import describe_unreadable_stack


def test_the_description_has_every_part_of_one_that_compose_gave() -> None:
    project = Project("/srv/shop", files=("compose.yaml",), env_files=("prod.env",), profiles=("all",))
    stack = describe_unreadable_stack(project, "shop", SYSTEM_PLACE.describe("shop"))
    assert set(stack) == {*StackDescription.__annotations__, *StackSelections.__annotations__}
    assert Project.from_stack(stack) == Project("/srv/shop", ("compose.yaml",), ("prod.env",), ("all",), "shop")
    assert stack["state"]["folder"] == "/var/lib/localdev/shop"
