# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._report.schema_recovery import (
    format_schema_findings,
    format_schema_recovery_report,
)

BEHIND = {
    "id": "schema.behind",
    "severity": "error",
    "message": "The database is at a1, 2 revisions before c3",
    "evidence": ["b2", "c3"],
    "remedy": "ansible-playbook localdev.recovery.schema_recovery",
}
DRIFT = {"id": "schema.drift", "severity": "warning", "message": "A column is missing", "evidence": [], "remedy": ""}
ASIDE = {"kind": "database", "name": "shop", "aside": "shop.aside-R", "bytes": 9 * 1024 * 1024}


def test_findings_have_evidence_and_remedy() -> None:
    lines = format_schema_findings([BEHIND])
    assert lines == [
        "error schema.behind: The database is at a1, 2 revisions before c3",
        "  b2",
        "  c3",
        "  remedy: ansible-playbook localdev.recovery.schema_recovery",
    ]


def test_a_conclusion_follows_the_findings() -> None:
    assert format_schema_findings([DRIFT], conclusion=["Nothing to do"]) == [
        "warning schema.drift: A column is missing",
        "Nothing to do",
    ]


def test_findings_beside_a_decision_do_not_repeat_it() -> None:
    message, remedy = "The database is at zz, which this checkout does not have", "git fetch --all and try again"
    evidence = ["no branch and no commit here has zz"]
    unknown = {
        "id": "schema.unknown_revision",
        "severity": "error",
        "message": message,
        "evidence": evidence,
        "remedy": remedy,
    }
    decided = {"action": "refuse", "reason": message, "revisions": [], "next_command": remedy}
    lines = format_schema_findings([unknown], decided)
    assert lines == ["error schema.unknown_revision", "  no branch and no commit here has zz"]


@pytest.mark.parametrize(
    ("record", "words"),
    [
        (
            {"steps": []},
            ["Applied b2, c3", "Kept a copy of database shop as shop.aside-R (9.0 MiB)", "drift", "-e undo_run_id=R"],
        ),
        ({}, ["Would apply b2, c3", "Would keep a copy of database shop as a name with the run id (9.0 MiB)", "drift"]),
    ],
    ids=["done", "check mode"],
)  # fmt: skip
def test_report_of_a_schema_recovery(record: dict[str, t.Any], words: list[str]) -> None:
    decided = {"action": "upgrade", "reason": BEHIND["message"], "revisions": ["b2", "c3"], "next_command": ""}
    kept, upgraded = {"asides": [ASIDE]}, {"applied": ["b2", "c3"]}
    lines = format_schema_recovery_report(decided, "R", kept=kept, upgraded=upgraded, after=[DRIFT], record=record)
    assert len(lines) == len(words)
    assert all(part in line for part, line in zip(words, lines, strict=True))


def test_report_of_a_run_that_only_put_back() -> None:
    decided = {"action": "none", "reason": "the schema is up to date", "revisions": [], "next_command": ""}
    skipped = {"skipped": True}
    lines = format_schema_recovery_report(decided, "R", kept=skipped, upgraded=skipped, after=[], record={"steps": []})
    assert lines == ["Nothing was applied: the schema is up to date"]
