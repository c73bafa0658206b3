# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import types
import typing as t
from pathlib import Path

import pytest
from ansible.plugins.action import ActionBase

from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.plugin_utils._transfer import TransferAction
from ansible_collections.localdev.recovery.tests.unit.failure_assertions import raises_failure

ANSWERS: dict[str, t.Any] = {"rc": 1, "stdout": "", "stderr": "sh: cannot create /full: No space left on device\n"}


def action_on(answer: dict[str, t.Any]) -> TransferAction:
    action = TransferAction.__new__(TransferAction)
    action._task = types.SimpleNamespace(args={})
    action._vars = {"inventory_hostname": "alice"}
    action._connection = types.SimpleNamespace(_play_context=types.SimpleNamespace(no_log=False))
    action._low_level_execute_command = lambda command, **options: answer
    return action


def test_a_host_that_refuses_data_is_named_with_its_words() -> None:
    with raises_failure(FailureId.TRANSFER_FAILED, "alice", "No space left on device"):
        action_on(ANSWERS).send([b"x"], "/full/bundle", "sending the checkout")


def test_a_file_that_ends_early_is_incomplete(tmp_path: Path) -> None:
    with raises_failure(FailureId.TRANSFER_INCOMPLETE, "/srv/backup.tar", " 0 of 5 ") as caught:
        action_on({"rc": 0, "stdout": "", "stderr": ""}).receive("/srv/backup.tar", 5, str(tmp_path / "t"), "fetching")
    assert caught.value.hint


def test_a_failed_transfer_is_a_failed_task(monkeypatch: pytest.MonkeyPatch) -> None:
    class Failing(TransferAction):
        def transfer(self, arguments: dict[str, t.Any]) -> dict[str, t.Any]:
            self.send([b"x"], "/full/bundle", "sending the checkout")
            return {}

    monkeypatch.setattr(ActionBase, "run", lambda *_arguments: None)
    action = Failing.__new__(Failing)
    action.__dict__ = action_on(ANSWERS).__dict__
    result = action.run(task_vars={"inventory_hostname": "alice"})
    assert (result["failed"], result["failure"], result["next"]) == (True, "transfer.failed", None)
    assert "alice" in result["message"]
