# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest
import schema

from ansible_collections.localdev.recovery.plugins.module_utils._core.next_command import (
    NextCommand,
    playbook_command,
    program_command,
)
from localdev_recovery.document import build_document
from localdev_recovery.results import Failure, HostResult, KeptCopy, Outcome, Result, Step

UNDO = playbook_command("undo", undo_run_id="20260131T100000Z-1f2e")
UNDO_TEXT = "localdev undo -C /srv/a 20260131T100000Z-1f2e"
LOGS = program_command("docker", "compose", "logs", "api", cwd="/srv/a")


def build_checked_document(result: Result) -> dict[str, Any]:
    """Return the document as a program reads it, checked against the published schema."""
    document: dict[str, Any] = json.loads(json.dumps(build_document("rebuild", result, ["-C", "/srv/a"])))
    jsonschema.validate(document, json.loads(schema.SCHEMA.read_text()))
    return document


def test_the_published_schema_is_that_of_the_result() -> None:
    assert schema.SCHEMA.read_text() == schema.format_schema()


def test_lines_are_text_and_the_next_command_is_data() -> None:
    host = HostResult(
        "a",
        Outcome.FAILED,
        changed=True,
        steps=(Step(1, 1, "Migrate", 2.0, "failed"),),
        report=("Rebuilt", ["Undo: ", UNDO]),
        data={"runs": []},
        notes=(["Finish: ", UNDO],),
        run_id="20260131T100000Z-1f2e",
        set_aside=(KeptCopy("volume", "data", "data.aside", 3, "kept"),),
        error=Failure(
            "migration.failed", "The migration failed", ("log", ["see ", LOGS]), ["Run ", UNDO], "Migrate", "x"
        ),
        aftermath=(["The state is back: ", UNDO],),
        next=UNDO,
    )
    document = build_checked_document(Result("full_rebuild", Outcome.FAILED, hosts={"a": host}, seconds=3.5))
    assert {name: value for name, value in document.items() if name != "hosts"} == {
        "verb": "rebuild",
        "procedure": "full_rebuild",
        "outcome": "failed",
        "check": False,
        "seconds": 3.5,
        "error": None,
        "next": None,
        "exit_code": 1,
    }
    assert document["hosts"]["a"] == {
        "host": "a",
        "outcome": "failed",
        "changed": True,
        "steps": [{"n": 1, "of": 1, "title": "Migrate", "seconds": 2.0, "outcome": "failed"}],
        "report": ["Rebuilt", f"Undo: {UNDO_TEXT}"],
        "data": {"runs": []},
        "notes": [f"Finish: {UNDO_TEXT}"],
        "run_id": "20260131T100000Z-1f2e",
        "set_aside": [{"kind": "volume", "name": "data", "aside": "data.aside", "bytes": 3, "state": "kept"}],
        "error": {
            "id": "migration.failed",
            "message": "The migration failed",
            "details": ["log", "see cd /srv/a && docker compose logs api"],
            "hint": f"Run {UNDO_TEXT}",
            "task": "Migrate",
            "role": "x",
        },
        "aftermath": [f"The state is back: {UNDO_TEXT}"],
        "next": {**UNDO, "command": UNDO_TEXT},
    }


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        (None, None),
        (UNDO, {**UNDO, "command": UNDO_TEXT}),
        (LOGS, {**LOGS, "command": "cd /srv/a && docker compose logs api"}),
    ],
    ids=["none", "playbook", "program"],
)
def test_the_error_of_a_run_that_reached_no_host(command: NextCommand | None, expected: dict[str, Any] | None) -> None:
    error = Failure("project_folder.missing", "The project folder /srv/a does not exist")
    document = build_checked_document(Result("full_rebuild", Outcome.USAGE, error=error, next=command))
    assert (document["error"]["id"], document["exit_code"], document["hosts"]) == ("project_folder.missing", 2, {})
    assert document["next"] == expected
