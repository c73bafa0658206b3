# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Expect a failure by its id and the values that it names, not by its wording."""

from __future__ import annotations

import contextlib
import typing as t

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId


@contextlib.contextmanager
def raises_failure(failure: FailureId, *values: object) -> t.Iterator[pytest.ExceptionInfo[RecoveryError]]:
    """Expect RecoveryError with this id, whose text holds each of the values: names, paths and numbers."""
    with pytest.raises(RecoveryError) as caught:
        yield caught
    assert caught.value.failure is failure, str(caught.value)
    for value in values:
        assert str(value) in str(caught.value)


def assert_lines_name(lines: t.Sequence[str], *expected: t.Sequence[object]) -> None:
    """Fail unless there is one line for each of the expected, in this order, that holds each of its values."""
    assert len(lines) == len(expected), lines
    for line, values in zip(lines, expected, strict=True):
        assert [value for value in values if str(value) not in line] == [], line
