# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._run.record_check import UnreadableRecord

RUN_ID = "20260131T100000Z-1f2e"


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        (f"shop_data.aside-{RUN_ID}", True),
        ("shop_data.aside-20260130T100000Z-0000", True),
        ("gr\u00f6\u00dfe.aside-1", True),
        ("shop_data.aside-20260129T100000Z-0000", False),
    ],
    ids=["holds the run id", "is named in the file", "is named with escapes", "is of another run"],
)
def test_what_a_record_that_cannot_be_read_may_keep(name: str, kept: bool) -> None:
    text = '{"asides": [{"aside": "shop_data.aside-20260130T100000Z-0000"}, {"aside": "gr\\u00f6\\u00dfe.aside-1"'
    assert UnreadableRecord(RUN_ID, "/x", "it is corrupt", text).may_keep(name) is kept
