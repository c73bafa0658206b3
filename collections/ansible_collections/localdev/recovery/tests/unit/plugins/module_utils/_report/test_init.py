# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible_collections.localdev.recovery.plugins.module_utils._core.next_command import playbook_command
from ansible_collections.localdev.recovery.plugins.module_utils._report.init import (
    UNDISCOVERABLE_VARIABLES,
    format_discovery_report,
    format_open_questions,
    suggest_answers,
)
from ansible_collections.localdev.recovery.tests.unit.golden import assert_golden
from ansible_collections.localdev.recovery.tests.unit.plugins.module_utils._stack.described_shop import stack


def test_open_questions_have_their_choices_and_a_command_that_answers_them() -> None:
    undecided = stack(database=None, alembic=None)
    assert_golden("report/open_questions", format_open_questions(undecided))
    assert suggest_answers(undecided) == playbook_command(
        "init", stack_database_service="one", stack_application_service="web"
    )


def test_a_decided_stack_has_no_questions() -> None:
    assert format_open_questions(stack()) == []
    assert suggest_answers(stack()) is None


def test_the_report_names_what_cannot_be_discovered() -> None:
    lines = format_discovery_report(stack(warnings=["odd"]), ["ok  web"], {"stack_login_path": "/login"}, "Wrote /i")
    assert_golden("report/init", lines)
    unset = set(UNDISCOVERABLE_VARIABLES) - {"stack_login_path"}
    assert {name for name in UNDISCOVERABLE_VARIABLES if name in lines[-2]} == unset


def test_the_report_of_a_stack_where_nothing_is_left_to_set() -> None:
    given = dict.fromkeys(UNDISCOVERABLE_VARIABLES, "x")
    bare = stack(database=None, alembic=None, services={})
    assert_golden("report/init_bare", format_discovery_report(bare, [], given, "Would write /i"))
