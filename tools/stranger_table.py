#!/usr/bin/env python3
# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Write the tables of stacks of other people into docs/strangers.md, made from the tests. --check only compares."""

from __future__ import annotations

import sys
from pathlib import Path

from readme import fill_text

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs/strangers.md"
sys.path[:0] = [str(ROOT), str(ROOT / "collections")]


def format_table(situations: dict[str, str], file: str) -> str:
    """Return situations as a Markdown table. situations: name of the test's parameter -> situation."""
    rows = ["| situation | test |", "|---|---|"]
    rows += [f"| {text} | `{file}`, `{name}` |" for name, text in situations.items()]
    return "\n".join(rows)


def main() -> None:
    from tests.strangers import test_alembic, test_connections

    servers = {name: server.situation for name, server in test_connections.SERVERS.items()}
    shapes = {name: shape.situation for name, shape in test_alembic.SHAPES.items()}
    tables = {
        "connections": format_table(servers, "test_connections.py"),
        "alembic": format_table(shapes, "test_alembic.py"),
    }
    new = fill_text(PAGE, tables)
    if sys.argv[1:] != ["--check"]:
        PAGE.write_text(new)
    elif PAGE.read_text() != new:
        sys.exit(f"{PAGE.relative_to(ROOT)} is out of date: python tools/stranger_table.py")


if __name__ == "__main__":
    main()
