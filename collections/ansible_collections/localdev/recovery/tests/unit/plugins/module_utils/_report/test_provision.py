# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

from ansible_collections.localdev.recovery.plugins.module_utils._report.provision import (
    format_provision_preview,
    format_provision_report,
)

STACK: dict[str, t.Any] = {"project": {"name": "shop", "dir": "/srv/shop"}, "services": {}}


def test_report_of_a_provisioning_that_keeps_the_data() -> None:
    decided = {
        "action": "keep",
        "reason": "v holds data",
        "start": ["api", "beat", "worker"],
        "images": {"shop": ["worker"]},
    }
    checkout = {"commit": "5fb8fd7c0d1f4a5c", "left_behind": ["notes.txt"]}
    assert format_provision_report(decided, STACK, restored=False, checkout=checkout, planned=False) == [
        "Checked out 5fb8fd7c0d1f in /srv/shop",
        "Not committed, so not sent: notes.txt",
        "Provided shop",
        "The data stays as it is: v holds data",
        "Started api, beat, worker",
    ]


def test_report_of_a_provisioning_that_restores_a_backup() -> None:
    decided = {"action": "rebuild", "reason": "there is no data yet", "images": {}, "start": []}
    assert format_provision_report(decided, STACK, restored=True, checkout={}, planned=True) == [
        "Would make the database from the backup: there is no data yet"
    ]


def test_preview_of_a_machine_without_docker() -> None:
    assert format_provision_preview(["python3"], {"changed": True}, backup="latest") == [
        "Would install Docker Engine and Compose, git, python3-psycopg2",
        "Would make the checkout",
        "Then, where there is no data yet, would restore latest",
    ]
    assert format_provision_preview(["python3", "git", "docker", "psycopg"], {"changed": False}, backup="") == [
        "Then, where there is no data yet, would migrate and seed"
    ]
