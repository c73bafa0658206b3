# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

from ansible_collections.localdev.recovery.plugins.module_utils._report.container_recovery import (
    format_container_recovery_report,
)


def test_the_report_names_images_containers_and_the_undo_command() -> None:
    plan = {
        "services": {"backend": {"action": "recreate", "why": "its image was built anew"}},
        "edited": {"backend": ["/app/a.py"]},
    }
    images = [
        {"image": "shop", "services": ["backend"], "old_id": "sha256:" + "1" * 64, "new_id": "sha256:" + "2" * 64}
    ]
    kept = {
        "asides": [{"kind": "image", "name": "shop", "aside": "shop:latest.aside-1", "bytes": 2048, "state": "live"}]
    }
    stopped = {"services": [{"service": "backend"}]}
    options: dict[str, t.Any] = {"built": images, "kept": [kept, {}], "stopped": stopped}
    assert format_container_recovery_report(plan, "1", record={"asides": kept["asides"]}, **options) == [
        "Built shop (backend): 111111111111 -> 222222222222",
        "Stopped backend",
        "Made the container anew of backend: its image was built anew",
        "Kept image shop as shop:latest.aside-1 (2.0 KiB)",
        "To take this back: ansible-playbook localdev.recovery.undo -e undo_run_id=1",
    ]
    assert (
        format_container_recovery_report(plan, "", record={}, **options)[0]
        == "Would build shop (backend), now 111111111111"
    )


def test_the_report_of_a_restart_names_what_only_the_container_has() -> None:
    plan = {
        "services": {"backend": {"action": "restart", "why": "asked for"}},
        "edited": {"backend": [f"/app/{n}.py" for n in range(7)]},
    }
    [_restarted, edited] = format_container_recovery_report(
        plan, "1", built=[], kept=[], stopped={}, record={"asides": []}
    )
    assert "/app/4.py and 2 more" in edited
    assert "-e container_recovery_services=backend -e container_recovery_recreate=true" in edited
