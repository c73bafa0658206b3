# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._core.findings import Finding, make_finding
from ansible_collections.localdev.recovery.plugins.module_utils._core.next_command import (
    playbook_command,
    program_command,
)
from ansible_collections.localdev.recovery.plugins.module_utils._report.schema_recovery import (
    format_schema_findings,
    format_schema_recovery_report,
)
from ansible_collections.localdev.recovery.tests.unit.golden import assert_golden

RECOVER = playbook_command("schema_recovery")
FETCH = program_command("git", "fetch", "--all", cwd="/srv/shop")
BEHIND = make_finding(
    "schema.behind",
    "error",
    "The database is at a1, 2 revisions before c3",
    evidence=["b2", "c3"],
    next_command=RECOVER,
)
DRIFT = make_finding("schema.drift", "warning", "A column is missing")
UNKNOWN = make_finding(
    "schema.unknown_revision",
    "error",
    "The database is at zz, which this checkout does not have",
    evidence=["no branch and no commit here has zz"],
    hint=["Restore a backup: ", playbook_command("restore")],
    next_command=FETCH,
)
ASIDE = {"kind": "database", "name": "shop", "aside": "shop.aside-R", "bytes": 9 * 1024 * 1024}


def decision(action: str, reason: str, *findings: Finding) -> dict[str, t.Any]:
    """Return the decision that the findings lead to; the first one says what helps."""
    return {
        "action": action,
        "reason": reason,
        "findings": [finding["id"] for finding in findings],
        "hint": findings[0]["hint"] if findings else "",
        "next": findings[0]["next"] if findings else None,
    }


def test_findings_have_evidence_hint_and_next_command() -> None:
    lines = format_schema_findings([BEHIND, UNKNOWN])
    assert_golden("report/schema_findings", lines)
    assert lines[3][-1] == RECOVER
    assert lines[-2][-1] == playbook_command("restore")
    assert lines[-1][-1] == FETCH


def test_a_conclusion_follows_the_findings() -> None:
    lines = format_schema_findings([DRIFT], conclusion=["Nothing to do"])
    assert_golden("report/schema_findings_conclusion", lines)


def test_findings_beside_a_decision_do_not_repeat_it() -> None:
    lines = format_schema_findings([UNKNOWN, DRIFT], decision("refuse", UNKNOWN["message"], UNKNOWN))
    assert_golden("report/schema_findings_decided", lines)
    assert UNKNOWN["message"] not in "".join(map(str, lines))
    assert all(isinstance(line, str) for line in lines)


@pytest.mark.parametrize(("record", "name"), [({"steps": []}, "done"), ({}, "planned")], ids=["done", "check mode"])
def test_report_of_a_schema_recovery(record: dict[str, t.Any], name: str) -> None:
    kept, upgraded = {"asides": [ASIDE]}, {"applied": ["b2", "c3"]}
    decided = decision("upgrade", BEHIND["message"])
    lines = format_schema_recovery_report(decided, "R", kept=kept, upgraded=upgraded, after=[DRIFT], record=record)
    assert_golden(f"report/schema_recovery_{name}", lines)
    commands = [line[-1] for line in lines if isinstance(line, list)]
    assert commands == ([playbook_command("undo", undo_run_id="R")] if record else [])


def test_report_of_a_run_that_only_put_back() -> None:
    decided = decision("none", "the schema is up to date")
    skipped = {"skipped": True}
    lines = format_schema_recovery_report(decided, "R", kept=skipped, upgraded=skipped, after=[], record={"steps": []})
    assert_golden("report/schema_recovery_nothing", lines)
