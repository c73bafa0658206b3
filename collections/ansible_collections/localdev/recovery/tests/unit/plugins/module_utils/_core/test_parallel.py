# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._core.parallel import map_in_parallel
from ansible_collections.localdev.recovery.tests.unit.failure_assertions import raises_failure


def test_in_parallel_keeps_the_order_and_reports_a_failure() -> None:
    done: list[int] = []

    def act(number: int) -> int:
        if number == 2:
            raise RecoveryError(FailureId.TASK_FAILED, "two")
        done.append(number)
        return number * 10

    assert map_in_parallel(lambda n: n * 10, [3, 1, 2]) == [30, 10, 20]
    assert map_in_parallel(act, []) == []
    with raises_failure(FailureId.TASK_FAILED, "two"):
        map_in_parallel(act, [1, 2, 3])
    assert sorted(done) == [1, 3]
