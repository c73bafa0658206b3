# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureKind
from localdev_recovery.failures import decide_outcome
from localdev_recovery.results import EXIT_CODES, OUTCOME_OF_KIND, Failure, Outcome, combine_outcomes


@pytest.mark.parametrize(
    ("ids", "unreachable", "interrupted", "expected"),
    [
        ([], False, False, Outcome.DONE),
        (["task.failed"], False, False, Outcome.FAILED),
        (["verify.failed"], False, False, Outcome.UNVERIFIED),
        (["verify.failed", "task.failed"], False, False, Outcome.FAILED),
        (["task.failed", "verify.failed"], False, False, Outcome.FAILED),
        (["lock.held"], False, False, Outcome.LOCKED),
        (["run.none", "task.failed"], False, False, Outcome.UNSAFE),
        (["option.invalid"], False, False, Outcome.USAGE),
        ([], True, False, Outcome.UNREACHABLE),
        (["task.failed"], True, False, Outcome.FAILED),
        (["task.failed"], False, True, Outcome.INTERRUPTED),
    ],
)
def test_outcome(ids: list[str], unreachable: bool, interrupted: bool, expected: Outcome) -> None:
    failures = [Failure(identifier, "no") for identifier in ids]
    assert decide_outcome(failures, unreachable=unreachable, interrupted=interrupted) is expected


@pytest.mark.parametrize(
    ("outcomes", "expected"),
    [
        ([], Outcome.DONE),
        ([Outcome.DONE, Outcome.DONE], Outcome.DONE),
        ([Outcome.DONE, Outcome.UNREACHABLE], Outcome.UNREACHABLE),
        ([Outcome.LOCKED, Outcome.LOCKED], Outcome.LOCKED),
        ([Outcome.LOCKED, Outcome.UNREACHABLE], Outcome.FAILED),
    ],
)
def test_overall_outcome(outcomes: list[Outcome], expected: Outcome) -> None:
    assert combine_outcomes(outcomes) is expected


def test_every_outcome_has_its_own_exit_code() -> None:
    assert set(EXIT_CODES) == set(Outcome)
    assert sorted(EXIT_CODES.values()) == [0, 1, 2, 4, 5, 6, 7, 130]
    assert set(OUTCOME_OF_KIND) == set(FailureKind)
    assert all(EXIT_CODES[outcome] == kind.value for kind, outcome in OUTCOME_OF_KIND.items())
