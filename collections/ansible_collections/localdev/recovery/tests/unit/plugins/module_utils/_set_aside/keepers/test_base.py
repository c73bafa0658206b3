# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._core.next_command import program_command
from ansible_collections.localdev.recovery.tests.unit.failure_assertions import raises_failure
from ansible_collections.localdev.recovery.tests.unit.plugins.module_utils._set_aside.fake_stack import FakeStack


@pytest.mark.parametrize("kind", ["volume", "folder"])
def test_data_under_a_running_container_is_refused(world: FakeStack, kind: str) -> None:
    world.write(kind, "old")
    run_id, _rest = world.begin("full_rebuild")
    name = world.item(kind)["name"]
    place = {"Name": name, "Source": "/var/lib/x"} if kind == "volume" else {"Source": name + "/"}
    mount = {**place, "Destination": "/var/lib/postgresql/data"}
    world.in_use = [{"Id": "1", "Name": "/shop-db-1", "Mounts": [mount]}]
    with raises_failure(FailureId.VOLUME_IN_USE, name, "shop-db-1") as caught:
        world.keep(run_id, kind)
    assert caught.value.next_command == program_command("docker", "stop", "shop-db-1")
    assert world.read(kind) == "old"
