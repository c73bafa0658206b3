# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._docker.cli import CompletedCommand, Docker
from ansible_collections.localdev.recovery.plugins.module_utils._postgresql.privileges import require_administrator
from ansible_collections.localdev.recovery.tests.unit.failure_assertions import raises_failure
from ansible_collections.localdev.recovery.tests.unit.known_server import make_known_server


class Answering(Docker):
    def __init__(self, answer: str) -> None:
        super().__init__()
        self.answer = answer

    def run(self, *args: str, **_options: object) -> CompletedCommand:
        return CompletedCommand(args, 0, self.answer, "")


def test_an_administrator() -> None:
    require_administrator(make_known_server(Answering("t\npostgres\n")), "shop")


@pytest.mark.parametrize(("superusers", "named"), [("root\nother\n", "root"), ("", "postgres")])
def test_who_could_administer_is_named(superusers: str, named: str) -> None:
    server = make_known_server(Answering(f"f\n{superusers}"))
    with raises_failure(FailureId.DATABASE_NO_PRIVILEGES, "keeper", "shop") as caught:
        require_administrator(server, "shop")
    assert f"the password of {named}," in str(caught.value.hint)
