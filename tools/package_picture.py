#!/usr/bin/env python3
# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Draw the packages of module_utils and what they import, as the code has it now.

Writes docs/images/packages.svg and the table in docs/architecture.md. --check only compares.
"""

from __future__ import annotations

import ast
import sys
from pathlib import Path

from readme import fill_text

ROOT = Path(__file__).resolve().parent.parent
PLUGINS = ROOT / "collections/ansible_collections/localdev/recovery/plugins"
PICTURE = ROOT / "docs/images/packages.svg"
PAGE = ROOT / "docs/architecture.md"
PREFIX = "ansible_collections.localdev.recovery.plugins.module_utils."
PURPOSES = {
    "_core": "errors, masking, text, files",
    "_git": "history and addresses of repositories",
    "_docker": "the Docker CLI, images, Dockerfiles",
    "_stack": "describe, start and stop a stack",
    "_env_file": "env files and what Compose needs",
    "_postgresql": "SQL, client programs, row counts",
    "_alembic": "revisions, upgrade, schema diagnosis",
    "_application": "account, registration, tracebacks",
    "_run": "run records, lock, temporary objects",
    "_volume": "copy and archive volumes and folders",
    "_container": "files in containers, recovery plans",
    "_backup": "create, list, verify, restore",
    "_set_aside": "keep, put back, delete",
    "_status": "what a status collects",
    "_report": "what a procedure prints at its end",
}
# Arrows from these would lead everywhere.
USED_BY_ALL = {"_core", "_git"}
BOX_WIDTH, BOX_HEIGHT, COLUMN_GAP, ROW_GAP, MARGIN = 196, 48, 24, 64, 20


def read_imports() -> dict[str, set[str]]:
    """Package of module_utils -> the other packages that its files import."""
    found: dict[str, set[str]] = {}
    for path in sorted((PLUGINS / "module_utils").rglob("*.py")):
        package = path.relative_to(PLUGINS / "module_utils").parts[0]
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(PREFIX):
                found.setdefault(package, set()).add(str(node.module).removeprefix(PREFIX).split(".")[0])
        found.setdefault(package, set()).discard(package)
    return found


def sort_into_layers(imports: dict[str, set[str]]) -> list[list[str]]:
    """Return the packages by height: each imports only packages of lower layers. Raise ValueError for a cycle."""
    heights: dict[str, int] = {}
    while len(heights) < len(imports):
        ready = [name for name, needs in imports.items() if name not in heights and needs <= heights.keys()]
        if not ready:
            raise ValueError(f"import cycle between {sorted(imports.keys() - heights.keys())}")
        heights |= {name: 1 + max((heights[other] for other in imports[name]), default=-1) for name in ready}
    return [sorted(name for name in heights if heights[name] == height) for height in range(max(heights.values()) + 1)]


def direct_imports(imports: dict[str, set[str]]) -> dict[str, set[str]]:
    """Return the imports without those that another import implies: fewer arrows, the same order."""

    def reach(name: str) -> set[str]:
        return imports[name].union(*(reach(other) for other in imports[name]))

    return {name: needs - set().union(*(reach(other) for other in needs)) for name, needs in imports.items()}


def draw_picture(imports: dict[str, set[str]]) -> str:
    """Return the layers as SVG, the lowest at the bottom. An arrow points to the package that imports.

    Every package may import those of USED_BY_ALL: they have no arrows.
    """
    layers = sort_into_layers(imports)
    widest = max(map(len, layers))
    width = 2 * MARGIN + widest * (BOX_WIDTH + COLUMN_GAP) - COLUMN_GAP
    height = 2 * MARGIN + len(layers) * (BOX_HEIGHT + ROW_GAP) - ROW_GAP
    places: dict[str, tuple[float, float]] = {}
    for number, layer in enumerate(layers):
        left = (width - len(layer) * (BOX_WIDTH + COLUMN_GAP) + COLUMN_GAP) / 2
        for column, name in enumerate(layer):
            top = height - MARGIN - BOX_HEIGHT - number * (BOX_HEIGHT + ROW_GAP)
            places[name] = (left + column * (BOX_WIDTH + COLUMN_GAP), top)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif">',
        '<defs><marker id="head" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        '<path d="M0 0 8 4 0 8z" fill="#888"/></marker></defs>',
        f'<rect width="{width}" height="{height}" fill="#fff"/>',
    ]
    for name, needs in sorted(direct_imports(imports).items()):
        x, y = places[name]
        for other in sorted(needs - USED_BY_ALL):
            from_x, from_y = places[other]
            lines.append(
                f'<line x1="{from_x + BOX_WIDTH / 2:g}" y1="{from_y:g}" x2="{x + BOX_WIDTH / 2:g}" '
                f'y2="{y + BOX_HEIGHT:g}" stroke="#888" marker-end="url(#head)"/>'
            )
    for name, (x, y) in sorted(places.items()):
        lines += [
            f'<rect x="{x:g}" y="{y:g}" width="{BOX_WIDTH}" height="{BOX_HEIGHT}" fill="#eef3fa" stroke="#456"/>',
            f'<text x="{x + BOX_WIDTH / 2:g}" y="{y + 20:g}" text-anchor="middle" font-size="14">{name}</text>',
            f'<text x="{x + BOX_WIDTH / 2:g}" y="{y + 38:g}" text-anchor="middle" font-size="9.5">'
            f"{PURPOSES[name]}</text>",
        ]
    return "\n".join([*lines, "</svg>", ""])


def format_table(imports: dict[str, set[str]]) -> str:
    """Return the packages as a Markdown table, the highest layer first."""
    rows = ["| layer | package | purpose | imports |", "|---|---|---|---|"]
    layers = sort_into_layers(imports)
    for number in range(len(layers) - 1, -1, -1):
        for name in layers[number]:
            needs = ", ".join(f"`{other}`" for other in sorted(imports[name])) or "-"
            rows.append(f"| {number} | `{name}` | {PURPOSES[name]} | {needs} |")
    return "\n".join(rows)


def main() -> None:
    imports = read_imports()
    written = {PICTURE: draw_picture(imports)}
    written[PAGE] = fill_text(PAGE, {"packages": format_table(imports)})
    for path, text in written.items():
        if sys.argv[1:] != ["--check"]:
            path.write_text(text)
        elif not path.exists() or path.read_text() != text:
            sys.exit(f"{path.relative_to(ROOT)} is out of date: python tools/package_picture.py")


if __name__ == "__main__":
    main()
