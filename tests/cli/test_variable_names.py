# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A variable that no role reads is an error with the nearest name."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.tests.unit.failure_assertions import raises_failure
from localdev_recovery import Outcome, run
from localdev_recovery.variable_names import check_variable_names
from localdev_recovery.verbs.catalog import PROCEDURES


@pytest.mark.parametrize(
    ("typed", "nearest"),
    [
        ("stack_bakup_dir", "stack_backup_dir"),
        ("restore_no_restart", "restore_restart"),
        ("full_rebuild_seeds", "full_rebuild_seed"),
        ("stack_ready_timeouts", "stack_ready_timeout"),
    ],
)
def test_an_unknown_variable_names_the_nearest(tmp_path: Path, typed: str, nearest: str) -> None:
    result = run("status", stack_dir=tmp_path, extra_vars={typed: 1})
    assert result.outcome is Outcome.USAGE
    assert result.error is not None
    assert result.error.id == "variable.unknown"
    assert typed in result.error.message
    assert result.error.message.endswith(nearest)


def test_variables_of_roles_playbooks_and_other_people_are_left_alone() -> None:
    ours = [option.variable for procedure in PROCEDURES for option in procedure.options]
    presets = [name for procedure in PROCEDURES for name in procedure.preset_variables]
    check_variable_names([*ours, *presets, "stack_serial", "stack_max_fail_percentage", "shop_color", "ansible_user"])
    with raises_failure(FailureId.VARIABLE_UNKNOWN, "stack_serials", "stack_serial"):
        check_variable_names(["stack_serials"])
