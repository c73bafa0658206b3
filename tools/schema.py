#!/usr/bin/env python3
# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Write the JSON schema of what --json prints, made from the classes of the result."""

from __future__ import annotations

import dataclasses
import json
import sys
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from localdev_recovery.results import EXIT_CODES, Result

SCHEMA = Path(__file__).resolve().parent.parent / "src/localdev_recovery/result.schema.json"


@dataclasses.dataclass
class PlaybookCommand:
    """A playbook of the collection. command: how to type it. vars: role variables by name."""

    playbook: str
    vars: dict[str, Any]
    command: str


@dataclasses.dataclass
class ProgramCommand:
    """Another program. command: how to type it. argv: program and arguments. cwd: its folder, or empty for any."""

    argv: list[str]
    cwd: str
    command: str


# results.py names these types for type checkers only. In the document a line is text.
DOCUMENT_TYPES = {"Line": str, "NextCommand": PlaybookCommand | ProgramCommand}


def result_schema() -> dict[str, Any]:
    """Return the schema of what build_document returns: verb, result and exit code."""
    adapter = TypeAdapter(Result)
    adapter.rebuild(_types_namespace=DOCUMENT_TYPES)
    found = adapter.json_schema(mode="serialization")
    found["properties"] = {
        "verb": {"type": "string", "description": "Words after localdev on the command line."},
        **found["properties"],
        "exit_code": {"enum": sorted(EXIT_CODES.values())},
    }
    for part in (found, *found["$defs"].values()):
        if "properties" in part:
            part["required"] = list(part["properties"])
            part["additionalProperties"] = False
        if "description" in part:
            part["description"] = " ".join(part["description"].split())
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **found, "title": "Output of localdev --json"}


def format_schema() -> str:
    return json.dumps(result_schema(), indent=2) + "\n"


if __name__ == "__main__":
    if sys.argv[1:] == ["--check"]:
        sys.exit(0 if SCHEMA.read_text() == format_schema() else f"{SCHEMA} is out of date: python tools/schema.py")
    SCHEMA.write_text(format_schema())
