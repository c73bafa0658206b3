# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._report.provision import (
    format_provision_preview,
    format_provision_report,
)
from ansible_collections.localdev.recovery.tests.unit.golden import assert_golden

STACK: dict[str, t.Any] = {"project": {"name": "shop", "dir": "/srv/shop"}, "services": {}}


def test_report_of_a_provisioning_that_keeps_the_data() -> None:
    decided = {
        "action": "keep",
        "reason": "v holds data",
        "start": ["api", "beat", "worker"],
        "images": {"shop": ["worker"]},
    }
    checkout = {"commit": "5fb8fd7c0d1f4a5c", "left_behind": ["notes.txt"]}
    lines = format_provision_report(decided, STACK, restored=False, checkout=checkout, planned=False)
    assert_golden("report/provision_kept", lines)


def test_report_of_a_provisioning_that_restores_a_backup() -> None:
    decided = {"action": "rebuild", "reason": "there is no data yet", "images": {}, "start": []}
    lines = format_provision_report(decided, STACK, restored=True, checkout={}, planned=True)
    assert_golden("report/provision_planned", lines)


@pytest.mark.parametrize(
    ("present", "changed", "backup", "name"),
    [
        (["python3"], True, "latest", "bare"),
        (["python3", "git", "docker", "psycopg"], False, "", "complete"),
    ],
    ids=["bare machine", "complete machine"],
)
def test_preview_of_a_machine(present: list[str], changed: bool, backup: str, name: str) -> None:
    lines = format_provision_preview(present, {"changed": changed}, backup=backup)
    assert_golden(f"report/provision_preview_{name}", lines)
