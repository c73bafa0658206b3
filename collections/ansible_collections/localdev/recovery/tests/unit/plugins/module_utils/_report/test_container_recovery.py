# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

from ansible_collections.localdev.recovery.plugins.module_utils._core.next_command import playbook_command
from ansible_collections.localdev.recovery.plugins.module_utils._report.container_recovery import (
    format_container_recovery_report,
)
from ansible_collections.localdev.recovery.tests.unit.golden import assert_golden

PLAN = {
    "services": {"backend": {"action": "recreate", "why": "its image was rebuilt"}},
    "edited": {"backend": ["/app/a.py"]},
}
IMAGE = {"image": "shop", "services": ["backend"], "old_id": "sha256:" + "1" * 64, "new_id": "sha256:" + "2" * 64}
KEPT = {"asides": [{"kind": "image", "name": "shop", "aside": "shop:latest.aside-1", "bytes": 2048, "state": "live"}]}
RESULTS: dict[str, t.Any] = {"built": [IMAGE], "kept": [KEPT, {}], "stopped": {"services": [{"service": "backend"}]}}


def test_the_report_names_images_containers_and_the_undo_command() -> None:
    lines = format_container_recovery_report(PLAN, "1", record={"asides": KEPT["asides"]}, **RESULTS)
    assert_golden("report/container_recovery", lines)
    assert lines[-1][-1] == playbook_command("undo", undo_run_id="1")


def test_the_report_of_check_mode() -> None:
    lines = format_container_recovery_report(PLAN, "", record={}, **RESULTS)
    assert_golden("report/container_recovery_planned", lines)
    assert all(isinstance(line, str) for line in lines)


def test_the_report_of_a_build_that_gave_the_same_image() -> None:
    built = [{**IMAGE, "new_id": IMAGE["old_id"]}]
    plan: dict[str, t.Any] = {"services": {}, "edited": {}}
    lines = format_container_recovery_report(plan, "1", built=built, kept=[], stopped={}, record={"asides": []})
    assert_golden("report/container_recovery_same_image", lines)


def test_the_report_of_a_restart_names_what_only_the_container_has() -> None:
    plan = {
        "services": {"backend": {"action": "restart", "why": "asked for"}},
        "edited": {"backend": [f"/app/{n}.py" for n in range(7)]},
    }
    lines = format_container_recovery_report(plan, "1", built=[], kept=[], stopped={}, record={"asides": []})
    assert_golden("report/container_recovery_restart", lines)
    assert lines[-1][-1] == playbook_command(
        "container_recovery",
        container_recovery_action="restart",
        container_recovery_services=["backend"],
        container_recovery_recreate=True,
    )
