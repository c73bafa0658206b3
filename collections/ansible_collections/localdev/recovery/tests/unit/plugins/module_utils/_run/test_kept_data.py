# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later


from __future__ import annotations

import typing as t

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._run.kept_data import find_kept_data

Json = dict[str, t.Any]
RESTORE, REBUILD, UNDO, AGAIN = (f"20260131T10000{number}Z-0000" for number in range(4))


def keep(run_id: str, state: str = "live", name: str = "shop_data", **more: t.Any) -> Json:
    return {"kind": "volume", "name": name, "aside": f"{name}.aside-{run_id}", "state": state, "bytes": 1, **more}


@pytest.mark.parametrize(
    ("later", "expected"),
    [
        ([], None),
        ([(REBUILD, {"asides": [keep(REBUILD)]})], REBUILD),
        ([(REBUILD, {"asides": [keep(REBUILD, "planned")]})], None),
        ([(REBUILD, {"asides": [keep(REBUILD, "deleted")]})], None),
        ([(REBUILD, {"asides": [keep(REBUILD, name="shop_uploads")]})], None),
        ([(REBUILD, {"asides": [keep(REBUILD, "restored", restored_by=REBUILD)]})], None),
        ([(REBUILD, {"asides": [keep(REBUILD)]}), (AGAIN, {"asides": [keep(AGAIN)]})], REBUILD),
        (
            [(REBUILD, {"asides": [keep(REBUILD, "restored")]}), (UNDO, {"undoes": REBUILD, "asides": [keep(UNDO)]})],
            None,
        ),
        (
            [
                (REBUILD, {"asides": [keep(REBUILD, "restored")]}),
                (UNDO, {"undoes": REBUILD, "asides": [keep(UNDO)]}),
                (AGAIN, {"asides": [keep(AGAIN)]}),
            ],
            AGAIN,
        ),
    ],
    ids=["none", "kept", "planned", "deleted", "other data", "rolled back", "twice", "undone", "kept after an undo"],
)
def test_the_run_that_keeps_the_data_of_the_server(
    make_record: t.Callable[..., Json], later: list[tuple[str, Json]], expected: str | None
) -> None:
    records = [make_record(run_id=RESTORE), *(make_record(run_id=run_id, **keys) for run_id, keys in later)]
    found = find_kept_data(records, RESTORE, ["shop_data"])
    assert (found and (found.run_id, found.aside)) == (expected and (expected, f"shop_data.aside-{expected}"))
