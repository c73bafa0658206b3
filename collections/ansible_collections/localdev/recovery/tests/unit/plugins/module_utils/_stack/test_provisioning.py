# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._stack.provisioning import (
    decide_provisioning,
    find_missing_images,
)


def record(procedure: str, outcome: str = "succeeded", seed: bool = True, aside_bytes: int = 0) -> dict[str, t.Any]:
    return {
        "run_id": "20260101T000000Z-1f2e",
        "procedure": procedure,
        "outcome": outcome,
        "parameters": {"seed": seed} if procedure == "full_rebuild" else {},
        "asides": [{"kind": "volume", "bytes": aside_bytes}],
    }


def service(state: str = "", *, image_id: str | None = "sha256:1", **more: t.Any) -> dict[str, t.Any]:
    containers = [{"name": "x", "state": state}] if state else []
    return {
        "kind": "other", "image": "shop", "image_id": image_id, "enabled": True, "excluded": False, "one_shot": False,
        "containers": containers, "ports": [], **more,
    }  # fmt: skip


STACK: dict[str, t.Any] = {
    "project": {"name": "shop", "dir": "/srv/shop"},
    "database": {"service": "db"},
    "services": {
        "db": service("running", kind="database", image="postgres:15"),
        "api": service("exited", kind="application"),
        "worker": service(image_id=None, kind="worker"),
        "beat": service(image_id=None, kind="worker"),
        "migrate": service("exited", one_shot=True),
        "n8n": service(image_id=None, image="n8n", excluded=True),
        "debug": service(image_id=None, image="debug", enabled=False),
    },
}
REBUILT = record("full_rebuild")
EMPTY = record("full_rebuild", seed=False)
CUT_SHORT = record("full_rebuild", "running")
FAILED = record("full_rebuild", "failed")


@pytest.mark.parametrize(
    ("data", "records", "restoring", "action"),
    [
        ([], [], False, "rebuild"),
        ([], [], True, "rebuild"),
        ([], [REBUILT], False, "rebuild"),
        # The data of people decides.
        (["v"], [], False, "keep"),
        (["v"], [], True, "keep"),
        (["v"], [REBUILT], True, "keep"),
        (["v"], [record("backup")], True, "keep"),
        (["v"], [EMPTY], False, "keep"),
        (["v"], [EMPTY, record("restore")], True, "keep"),
        (["v"], [EMPTY, record("admin_account")], True, "keep"),
        (["v"], [record("restore", "failed")], True, "keep"),
        # A rebuild that had data to set aside was not the first thing here, so what is there is people's.
        (["v"], [record("full_rebuild", "running", aside_bytes=4096)], False, "keep"),
        (["v"], [REBUILT, CUT_SHORT], False, "keep"),
        (["v"], [record("status"), CUT_SHORT], False, "keep"),
        # Interrupted.
        (["v"], [CUT_SHORT], False, "rebuild"),
        (["v"], [record("env_file"), CUT_SHORT], False, "rebuild"),
        (["v"], [FAILED, CUT_SHORT], True, "rebuild"),
        (["v"], [EMPTY], True, "restore"),
        (["v"], [record("env_file"), EMPTY, record("env_file")], True, "restore"),
        (["v"], [FAILED, EMPTY], True, "restore"),
        (["v"], [EMPTY, record("restore", "failed")], True, "restore"),
        (["v"], [EMPTY, record("restore", "failed"), record("restore", "running")], True, "restore"),
    ],
)
def test_data_is_made_only_where_there_is_none_of_people(
    data: list[str], records: list[dict[str, t.Any]], restoring: bool, action: str
) -> None:
    decided = decide_provisioning(STACK, data, records, restoring=restoring)
    assert decided["action"] == action
    assert decided["reason"]
    assert decided["start"] == (["api", "beat", "worker"] if action == "keep" else [])


def test_a_stack_without_a_database_is_only_started() -> None:
    assert decide_provisioning({**STACK, "database": None}, [], [], restoring=False)["action"] == "keep"


def test_lacking_images_are_those_of_services_that_would_run() -> None:
    assert find_missing_images(STACK) == {"shop": ["beat", "worker"]}


def test_the_reason_to_keep_data_names_it() -> None:
    assert "data_v" in decide_provisioning(STACK, ["data_v"], [], restoring=False)["reason"]
