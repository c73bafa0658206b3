# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible_collections.localdev.recovery.plugins.module_utils._application.password_check_program import (
    PASSWORD_RESPONSE_MARK,
    parse_password_response,
)
from ansible_collections.localdev.recovery.plugins.module_utils._docker.cli import CompletedCommand


def test_the_answer_of_the_application_among_other_output() -> None:
    line = PASSWORD_RESPONSE_MARK + '{"hash": "h", "matches": true, "error": ""}'
    assert parse_password_response(CompletedCommand((), 0, f"loading\n{line}\nbye\n"))["hash"] == "h"
    assert "127" in parse_password_response(CompletedCommand((), 127, "", "sh: python: not found"))["error"]
