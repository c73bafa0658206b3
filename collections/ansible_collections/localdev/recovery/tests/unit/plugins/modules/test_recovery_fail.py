# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json

import pytest
from ansible.module_utils.testing import patch_module_args

from ansible_collections.localdev.recovery.plugins.modules import recovery_fail


@pytest.mark.parametrize("check_mode", [False, True], ids=["run", "check"])
def test_the_module_fails_and_returns_the_kind_of_failure(capsys: pytest.CaptureFixture[str], check_mode: bool) -> None:
    params = {"reason": "No.", "details": ["one", "two"], "next_command": "do that", "_ansible_check_mode": check_mode}
    with patch_module_args(params), pytest.raises(SystemExit):
        recovery_fail.main()
    result = json.loads(capsys.readouterr().out)
    assert (result["failed"], result["failure"]) == (True, "unsafe")
    assert result["msg"] == "No.\none\ntwo\nNext: do that"
