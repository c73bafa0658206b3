# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

from ansible_collections.localdev.recovery.plugins.module_utils._report.full_rebuild import format_full_rebuild_report

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
    assert lines == [
        "Rebuilt shop of project shop",
        "Stopped api, db",
        "Created the containers of api anew",
        "Kept volume shop_data as shop_data.aside-1 (1.0 MiB)",
        "Applied 2 migrations",
        "Counted 28 people",
        "api: http://localhost:8000",
        "To take this back: ansible-playbook localdev.recovery.undo -e undo_run_id=RUN",
    ]


def test_report_of_a_full_rebuild_in_check_mode(kept: Json) -> None:
    lines = format_full_rebuild_report(
        stack(),
        "RUN",
        stopped={"services": []},
        kept={"asides": [kept], "planned": True},
        migrated={"skipped": True},
        rows={"people": 28},
    )
    assert lines == [
        "Would rebuild shop of project shop",
        "Would stop nothing, nothing runs",
        "Would create the containers of api anew",
        "Would keep volume shop_data as a name with the run id (1.0 MiB)",
        "Would expect 28 people",
    ]
