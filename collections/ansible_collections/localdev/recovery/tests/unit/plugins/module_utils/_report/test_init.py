# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible_collections.localdev.recovery.plugins.module_utils._report.init import (
    format_discovery_report,
    format_open_questions,
)
from ansible_collections.localdev.recovery.tests.unit.plugins.module_utils._stack.described_shop import stack


def test_open_questions_end_with_the_command_that_answers_them() -> None:
    assert format_open_questions(stack()) == []
    lines = format_open_questions(stack(database=None, alembic=None))
    assert lines[0] == "Which service runs the database? one, two"
    assert lines[1] == "Which service has Alembic? web"
    assert lines[2].endswith("init -e stack_database_service=one -e stack_application_service=web")


def test_the_report_names_what_cannot_be_discovered() -> None:
    lines = format_discovery_report(stack(warnings=["odd"]), ["ok  web"], {"stack_login_path": "/login"}, "Wrote /i")
    assert lines[0] == "Project shop in /srv/shop: compose.yaml"
    assert "Database shop, user anna, in one; its data in volume shop_data" in lines
    assert "Stopped while the database changes: web" in lines
    assert "odd" in lines
    assert lines[-1] == "Wrote /i"
    assert "stack_seed_commands (how a fresh database is filled)" in lines[-2]
    assert "stack_login_path" not in lines[-2]
