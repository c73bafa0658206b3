# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

from ansible_collections.localdev.recovery.plugins.module_utils._core.next_command import playbook_command
from ansible_collections.localdev.recovery.plugins.module_utils._report.full_rebuild import format_full_rebuild_report
from ansible_collections.localdev.recovery.tests.unit.golden import assert_golden

Json = dict[str, t.Any]


def stack(*ports: int) -> Json:
    """Return a stack whose one service publishes these ports."""
    published = [{"target": 1, "published": port, "host_ip": "", "protocol": "tcp"} for port in ports]
    api = {"kind": "application", "ports": published, "enabled": True, "excluded": False}
    return {
        "project": {"name": "shop", "dir": "/srv/shop"},
        "services": {"api": api},
        "database": {"service": "db", "name": "shop", "data_mounts": []},
        "warnings": [],
    }


def test_report_of_a_full_rebuild(kept: Json) -> None:
    stopped = {"services": [{"service": "api"}, {"service": "db"}]}
    migrated = {"applied": ["a", "b"]}
    lines = format_full_rebuild_report(
        stack(8000), "RUN", stopped=stopped, kept={"asides": [kept]}, migrated=migrated, rows={"people": 28}
    )
    assert_golden("report/full_rebuild_done", lines)
    assert lines[-1][-1] == playbook_command("undo", undo_run_id="RUN")


def test_the_first_rebuild_names_no_command_that_cannot_work() -> None:
    lines = format_full_rebuild_report(
        stack(), "RUN", stopped={"services": []}, kept={"asides": []}, migrated={"applied": []}, rows={}
    )
    assert_golden("report/full_rebuild_first", lines)
    assert all(isinstance(line, str) for line in lines)


def test_report_of_a_full_rebuild_in_check_mode(kept: Json) -> None:
    lines = format_full_rebuild_report(
        stack(),
        "RUN",
        stopped={"services": []},
        kept={"asides": [kept], "planned": True},
        migrated={"skipped": True},
        rows={"people": 28},
    )
    assert_golden("report/full_rebuild_planned", lines)
    assert all(isinstance(line, str) for line in lines)
