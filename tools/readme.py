#!/usr/bin/env python3
# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Write into the README what is known elsewhere: the table of benchmarks/results.json. --check only compares."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
README = ROOT / "README.md"
RESULTS = ROOT / "benchmarks/results.json"


def seconds(value: float | None) -> str:
    return "-" if value is None else f"{value:g} s"


def table(rows: list[dict[str, Any]]) -> str:
    """Return the measurements as a Markdown table."""
    lines = ["| measured | localdev | by hand | limit | goal | reached | on |", "|---|---|---|---|---|---|---|"]
    for row in rows:
        figures = " | ".join(seconds(row[key]) for key in ("ours_s", "hand_s", "limit_s"))
        reached = "yes" if row["reached"] else "no"
        lines.append(f"| {row['id'].removesuffix('_s')} | {figures} | {row['goal']} | {reached} | {row['data']} |")
    return "\n".join(lines)


def fill_text(path: Path, parts: dict[str, str]) -> str:
    """Return the text of a file with each part between ``<!-- NAME -->`` and ``<!-- end -->``."""
    text = path.read_text()
    for name, content in parts.items():
        pattern = rf"(<!-- {re.escape(name)} -->\n).*?(<!-- end -->)"
        text, count = re.subn(pattern, lambda match, new=content: f"{match[1]}{new}\n{match[2]}", text, flags=re.DOTALL)
        if count != 1:
            raise SystemExit(f"{path} has {count} places for {name!r}, not one")
    return text


def main() -> None:
    new = fill_text(README, {"benchmarks": table(json.loads(RESULTS.read_text()))})
    if sys.argv[1:] == ["--check"]:
        sys.exit(0 if new == README.read_text() else f"{README} is out of date: python tools/readme.py")
    README.write_text(new)


if __name__ == "__main__":
    main()
