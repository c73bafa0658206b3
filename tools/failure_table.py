#!/usr/bin/env python3
# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Write the table of all failures into docs/failures.md, made from the enum FailureId. --check only compares."""

from __future__ import annotations

import sys
from pathlib import Path

from readme import fill_text

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs/failures.md"
sys.path.insert(0, str(ROOT / "collections"))


def format_table() -> str:
    """Return all failures as a Markdown table, in the order of their ids."""
    from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId

    rows = ["| id | code | what is wrong |", "|---|---|---|"]
    for failure in sorted(FailureId, key=lambda failure: failure.id):
        rows.append(f"| `{failure.id}` | {failure.kind.value} | {failure.meaning} |")
    return "\n".join(rows)


def main() -> None:
    new = fill_text(PAGE, {"failures": format_table()})
    if sys.argv[1:] != ["--check"]:
        PAGE.write_text(new)
    elif PAGE.read_text() != new:
        sys.exit(f"{PAGE.relative_to(ROOT)} is out of date: python tools/failure_table.py")


if __name__ == "__main__":
    main()
