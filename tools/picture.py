#!/usr/bin/env python3
# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Draw the README's picture of a terminal from real runs: tools/picture.py FOLDER, of a project that may be rebuilt.

Runs localdev rebuild and localdev undo there, and writes docs/images/rebuild.svg.
"""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

PICTURE = Path(__file__).resolve().parent.parent / "docs/images/rebuild.svg"
COMMANDS = (("localdev", "rebuild"), ("localdev", "undo"))
WIDTH = 100


def style_line(line: str) -> Text:
    """Return the line as a terminal shows it."""
    if line.startswith("Done in"):
        return Text(line, style="green")
    number, bracket, rest = line.partition("] ")
    return Text.assemble((number + bracket, "cyan"), rest) if bracket and number.startswith("[") else Text(line)


def main(folder: str) -> None:
    console = Console(record=True, width=WIDTH, file=io.StringIO(), force_terminal=True, highlight=False)
    for command in COMMANDS:
        console.print(Text.assemble(("$ ", "bold green"), (" ".join(command), "bold")))
        done = subprocess.run(
            command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=True
        )
        for line in done.stdout.splitlines():
            console.print(style_line(line))
    PICTURE.write_text(console.export_svg(title="localdev", theme=MONOKAI))


if __name__ == "__main__":
    main(sys.argv[1])
