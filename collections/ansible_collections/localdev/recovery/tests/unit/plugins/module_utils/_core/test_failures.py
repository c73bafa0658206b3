# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId, FailureKind


def test_the_members_are_sorted_by_id_and_named_after_it() -> None:
    ids = [failure.id for failure in FailureId]
    assert ids == sorted(set(ids))
    assert [failure.name for failure in FailureId] == [identifier.upper().replace(".", "_") for identifier in ids]


@pytest.mark.parametrize("failure", FailureId, ids=lambda failure: failure.id)
def test_an_id_names_an_object_and_its_meaning_is_a_sentence(failure: FailureId) -> None:
    assert re.fullmatch(r"[a-z_]+\.[a-z0-9_]+", failure.id)
    assert re.fullmatch(r"\w[^\n]*[^.]\.", failure.meaning)


def test_a_failure_is_found_by_its_id() -> None:
    assert FailureId.from_id("disk.full") is FailureId.DISK_FULL
    with pytest.raises(ValueError, match=re.escape("moon.full")):
        FailureId.from_id("moon.full")


def test_the_exit_codes_of_refusals_and_failures_differ() -> None:
    codes = [kind.value for kind in FailureKind]
    assert len(set(codes)) == len(codes)
    assert 0 not in codes
    assert (FailureKind.FAILED.value, FailureKind.USAGE.value, FailureKind.UNSAFE.value) == (1, 2, 6)
