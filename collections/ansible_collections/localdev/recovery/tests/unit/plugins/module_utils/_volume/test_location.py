# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._core.next_command import NextCommand, program_command
from ansible_collections.localdev.recovery.plugins.module_utils._docker.cli import Docker
from ansible_collections.localdev.recovery.plugins.module_utils._volume import location
from ansible_collections.localdev.recovery.plugins.module_utils._volume.location import Location
from ansible_collections.localdev.recovery.tests.unit.failure_assertions import raises_failure


@pytest.mark.parametrize(
    ("text", "kind"), [("/srv/data/", "folder"), ("shop_data", "volume"), ("./data", None), ("a", None), ("", None)]
)
def test_places_are_named_as_for_docker_run(text: str, kind: str | None) -> None:
    if kind is None:
        with raises_failure(FailureId.OPTION_INVALID, repr(text)):
            Location.parse(text)
    else:
        assert Location.parse(text).kind == kind


def test_a_place_in_use_names_its_users(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        location, "find_mounting_containers", lambda *_args: [("shop-db-1", "/a"), ("shop-web-1", "/a")]
    )
    with raises_failure(FailureId.VOLUME_IN_USE, "shop_data", "shop-db-1, shop-web-1") as caught:
        Location("volume", "shop_data").refuse_if_used(Docker())
    assert caught.value.next_command == program_command("docker", "stop", "shop-db-1", "shop-web-1")


@pytest.mark.parametrize("kind", ["folder", "volume"])
def test_a_place_that_does_not_exist(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    monkeypatch.setattr(Docker, "inspect", lambda *_args: [])
    name = str(tmp_path / "none" / "such") if kind == "folder" else "none_such"
    look: NextCommand = (
        program_command("ls", "-l", str(tmp_path)) if kind == "folder" else program_command("docker", "volume", "ls")
    )
    with raises_failure(FailureId.VOLUME_NOT_FOUND, name) as caught:
        Location(kind, name).require_exists(Docker())
    assert caught.value.next_command == look
