# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

from ansible_collections.localdev.recovery.plugins.module_utils._report.volume_transition import (
    format_volume_transition_report,
)

Json = dict[str, t.Any]


def test_report_of_a_volume_transition(kept: Json) -> None:
    move = {"from": "volume", "source": "shop_data", "to": "bind", "place": "/srv/shop/data", "bytes": 2048}
    planned = {"moves": [move], "changed_files": ["/srv/shop/compose.yaml"]}
    copied = [{"files": 3, "seconds": 1.5}, {"skipped": True}]
    done = format_volume_transition_report(planned, "RUN", copied, {"asides": [kept]})
    assert done[0].startswith("Moved ")
    assert done[0].endswith(" /srv/shop/data (2.0 KiB)")
    assert done[1:] == [
        "Proved 3 files in 1.5 s",
        "Changed /srv/shop/compose.yaml",
        "Kept volume shop_data as shop_data.aside-1",
        "To take this back: ansible-playbook localdev.recovery.undo -e undo_run_id=RUN",
    ]
    foreseen = format_volume_transition_report(planned, "RUN", [], {"asides": [kept], "planned": True})
    assert foreseen[0].startswith("Would move ")
    assert foreseen[1:] == [
        "Would change /srv/shop/compose.yaml",
        "Would keep volume shop_data as a name with the run id",
    ]
