# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.localdev.recovery.plugins.module_utils._run import record as run_record
from ansible_collections.localdev.recovery.plugins.module_utils._run.record import RUN_ID_PATTERN, generate_run_id


@given(st.lists(st.datetimes(), min_size=2, max_size=2, unique_by=lambda d: d.replace(microsecond=0)))
def test_run_ids_sort_by_time(moments: list[t.Any]) -> None:
    moments = [
        moment.replace(year=2000 + moment.year % 400, tzinfo=run_record.datetime.timezone.utc) for moment in moments
    ]

    class At(run_record.datetime.datetime):
        moment: t.Any

        @classmethod
        def now(cls, tz: t.Any = None) -> t.Any:
            return cls.moment

    ids = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run_record.datetime, "datetime", At)
        for At.moment in moments:
            ids.append(generate_run_id())
    assert all(RUN_ID_PATTERN.fullmatch(run_id) for run_id in ids)
    whole = [moment.replace(microsecond=0) for moment in moments]
    assert (ids[0] < ids[1]) == (whole[0] < whole[1]) or whole[0] == whole[1]
