# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

from ansible_collections.localdev.recovery.plugins.module_utils._core.next_command import playbook_command
from ansible_collections.localdev.recovery.plugins.module_utils._report.volume_transition import (
    format_volume_transition_report,
)
from ansible_collections.localdev.recovery.tests.unit.golden import assert_golden

Json = dict[str, t.Any]
MOVE = {"from": "volume", "source": "shop_data", "to": "bind", "place": "/srv/shop/data", "bytes": 2048}
PLAN = {"moves": [MOVE], "changed_files": ["/srv/shop/compose.yaml"]}


def test_report_of_a_volume_transition(kept: Json) -> None:
    copied = [{"files": 3, "seconds": 1.5}, {"skipped": True}]
    lines = format_volume_transition_report(PLAN, "RUN", copied, {"asides": [kept]})
    assert_golden("report/volume_transition", lines)
    assert lines[-1][-1] == playbook_command("undo", undo_run_id="RUN")


def test_report_of_a_volume_transition_in_check_mode(kept: Json) -> None:
    lines = format_volume_transition_report(PLAN, "RUN", [], {"asides": [kept], "planned": True})
    assert_golden("report/volume_transition_planned", lines)
    assert all(isinstance(line, str) for line in lines)
