# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test which steps a procedure leaves out, from the templates in the variables of its role."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template

COLLECTION = Path(__file__).resolve().parents[2]
NO_RUNS: dict[str, t.Any] = {"interrupted": [], "settled": []}
INTERRUPTED = {"interrupted": ["20260131T100000Z-1f2e"], "settled": ["20260131T100000Z-1f2e"]}
ALL_DONE = {"complete": True, "files": []}
STACK = {"alembic": {"service": "api"}, "database_writers": ["api"], "services_by_kind": {"cache": ["redis"]}}
RECOVERY = {
    "__container_recovery_runs": NO_RUNS,
    "container_recovery_keep_database": True,
    "stack_description": STACK,
    "ansible_check_mode": False,
}
NOTHING = {"images": [], "objects": [], "stop": [], "forced": [], "start": []}
CASES: list[tuple[str, dict[str, t.Any], list[str]]] = [
    (
        "full_rebuild",
        {
            "full_rebuild_seed": True,
            "stack_seed_commands": ["seed"],
            "stack_register_path": "",
            "stack_description": STACK,
        },
        [],
    ),
    (
        "full_rebuild",
        {
            "full_rebuild_seed": True,
            "stack_seed_commands": [],
            "stack_register_path": "",
            "stack_description": {"alembic": None},
            "ansible_check_mode": True,
        },
        ["migrate", "seed", "verify"],
    ),
    ("full_rebuild", {"full_rebuild_seed": "no", "stack_description": STACK}, ["seed"]),
    (
        "schema_recovery",
        {
            "__schema_recovery_diagnosis": {"decision": {"action": "upgrade"}},
            "__schema_recovery_runs": NO_RUNS,
            "stack_description": STACK,
        },
        [],
    ),
    (
        "schema_recovery",
        {
            "__schema_recovery_diagnosis": {"decision": {"action": "none"}},
            "__schema_recovery_runs": NO_RUNS,
            "stack_description": {"database_writers": []},
            "ansible_check_mode": True,
        },
        ["stop", "start", "set aside", "upgrade", "verify"],
    ),
    (
        "schema_recovery",
        {
            "__schema_recovery_diagnosis": {"decision": {"action": "refuse"}},
            "__schema_recovery_runs": INTERRUPTED,
            "stack_description": STACK,
        },
        [],
    ),
    (
        "restore",
        {
            "__restore_decision": {"pending": ["b2"]},
            "restore_restart": True,
            "restore_cache": "keep",
            "stack_description": STACK,
        },
        [],
    ),
    (
        "restore",
        {
            "__restore_decision": {"pending": []},
            "restore_restart": False,
            "restore_cache": "keep",
            "stack_description": STACK,
            "ansible_check_mode": True,
        },
        ["upgrade", "stop", "start", "verify"],
    ),
    (
        "restore",
        {
            "__restore_decision": {"pending": []},
            "restore_restart": False,
            "restore_cache": "set_aside",
            "stack_description": STACK,
        },
        ["upgrade"],
    ),
    ("backup", {"backup_prove": "true"}, []),
    ("backup", {"backup_prove": False}, ["prove"]),
    ("backup", {"backup_prove": True, "ansible_check_mode": True}, ["prove"]),
    (
        "code_injection",
        {
            "__code_injection_runs": NO_RUNS,
            "__code_injection_result": {"services": ["api"]},
            "code_injection_registrations": True,
        },
        [],
    ),
    (
        "code_injection",
        {
            "__code_injection_runs": NO_RUNS,
            "__code_injection_result": {"services": []},
            "code_injection_registrations": False,
        },
        ["stop", "start", "registrations"],
    ),
    # The files were not compared: the task was skipped.
    (
        "code_injection",
        {
            "__code_injection_runs": INTERRUPTED,
            "__code_injection_result": {"skipped": True},
            "code_injection_registrations": True,
            "ansible_check_mode": True,
        },
        ["registrations"],
    ),
    ("constraint_registration", {"__constraint_registration_before": ALL_DONE}, ["inject", "ask again"]),
    ("constraint_registration", {"__constraint_registration_before": {"complete": False, "files": ["a.py"]}}, []),
    ("constraint_registration", {"__constraint_registration_before": {"complete": False, "files": []}}, ["inject"]),
    (
        "constraint_registration",
        {"__constraint_registration_before": {"complete": False, "files": ["a.py"]}, "ansible_check_mode": True},
        ["ask again"],
    ),
    (
        "container_recovery",
        {
            **RECOVERY,
            "__container_recovery_plan": {key: ["x"] for key in NOTHING},
        },
        [],
    ),
    (
        "container_recovery",
        {**RECOVERY, "__container_recovery_plan": NOTHING, "ansible_check_mode": True},
        ["set aside", "stop", "copy the database", "recreate", "start", "verify"],
    ),
    (
        "container_recovery",
        {**RECOVERY, "__container_recovery_plan": {**NOTHING, "stop": ["api"], "start": ["api"]}},
        ["set aside", "copy the database", "recreate"],
    ),
    (
        "container_recovery",
        {**RECOVERY, "__container_recovery_plan": NOTHING, "__container_recovery_runs": INTERRUPTED},
        [],
    ),
    ("volume_backup", {"__volume_backup_plan": {"services_to_stop": ["db"]}}, []),
    ("volume_backup", {"__volume_backup_plan": {"services_to_stop": []}}, ["stop", "start"]),
    ("volume_restore", {}, []),
    ("volume_restore", {"ansible_check_mode": True}, ["verify"]),
    ("volume_transition", {}, []),
    ("volume_transition", {"ansible_check_mode": True}, ["copy", "verify"]),
    ("undo", {"__undo_runs": {**NO_RUNS, "undo": {"run_id": "x"}}, "undo_run_id": ""}, []),
    ("undo", {"__undo_runs": {**NO_RUNS, "undo": {}}, "undo_run_id": ""}, ["put back"]),
    ("undo", {"__undo_runs": {**INTERRUPTED, "undo": {"run_id": "x"}}, "undo_run_id": ""}, ["put back"]),
    ("undo", {"__undo_runs": {**INTERRUPTED, "undo": {"run_id": "x"}}, "undo_run_id": "x"}, []),
    (
        "admin_account",
        {"__admin_account_runs": NO_RUNS, "__admin_account_plan": {"decision": {"action": "register"}}},
        ["write"],
    ),
    (
        "admin_account",
        {"__admin_account_runs": NO_RUNS, "__admin_account_plan": {"decision": {"action": "update"}}},
        ["register"],
    ),
    ("admin_account", {"__admin_account_runs": INTERRUPTED}, []),
    (
        "admin_account",
        {"__admin_account_runs": INTERRUPTED, "ansible_check_mode": True},
        ["register", "write", "verify"],
    ),
    ("provision", {"__provision_present": ["docker"], "__provision_packages": []}, ["engine", "packages"]),
    ("provision", {"__provision_present": [], "__provision_packages": ["git"]}, []),
    (
        "provision",
        {"__provision_present": [], "__provision_packages": ["git"], "ansible_check_mode": True},
        ["packages"],
    ),
    (
        "provision",
        {
            "__provision_present": ["docker"],
            "__provision_packages": ["git"],
            "__provision_plan": {"action": "keep", "images": {}},
        },
        ["engine", "data", "images"],
    ),
    (
        "provision",
        {
            "__provision_present": [],
            "__provision_packages": ["git"],
            "__provision_plan": {"action": "rebuild", "images": {"postgres:17": ["db"]}},
        },
        ["services"],
    ),
]


@pytest.mark.parametrize(("role", "variables", "left_out"), CASES, ids=[f"{case[0]}-{case[2]}" for case in CASES])
def test_left_out_steps(role: str, variables: dict[str, t.Any], left_out: list[str]) -> None:
    loader = DataLoader()
    of_role = loader.load_from_file(str(COLLECTION / f"roles/{role}/vars/main.yml"), trusted_as_template=True)
    templar = Templar(loader, variables={"ansible_check_mode": False, **of_role, **variables})
    answer = templar.template(trust_as_template(f"{{{{ __{role}_left_out }}}}"))
    assert sorted(answer) == sorted(left_out)
    assert set(answer) <= {step["name"] for step in of_role[f"__{role}_steps"]}


def test_every_role_that_leaves_steps_out_is_tested() -> None:
    files = (COLLECTION / "roles").glob("*/vars/main.yml")
    roles = {path.parts[-3] for path in files if f"__{path.parts[-3]}_left_out" in path.read_text()}
    assert roles == {role for role, _variables, _left_out in CASES}
