#!/usr/bin/env python3
# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Draw the README's pictures of a terminal from real runs: make pictures.

Starts a copy of the test project clinic, runs localdev in it, and removes the copy. Writes docs/images/rebuild.svg and
repair.svg.
"""

from __future__ import annotations

import io
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "src"), str(ROOT / "collections")]

# They are found by the path above.
from tests.harness.images import provide_base_images  # noqa: E402
from tests.harness.project import ComposeProject, list_project_objects  # noqa: E402

PROJECT = ROOT / "tests/projects/clinic"
IMAGES = ROOT / "docs/images"
# The pictures show this instead of the temporary folder.
SHOWN_FOLDER = "~/src/clinic"
WIDTH = 100
OLD_DATA = "INSERT INTO visit (patient) SELECT 'p' || n FROM generate_series(1, 500) n"
OLDER_SCHEMA = "DROP TABLE room; UPDATE alembic_version SET version_num = 'visits'"
SCENES = {
    "rebuild": ("", ("localdev rebuild", "localdev undo")),
    "repair": (OLDER_SCHEMA, ("localdev status", "localdev schema repair")),
}


class PicturedProject(ComposeProject):
    """A running copy of the test project, whose name is clinic."""

    def __init__(self, parent: Path) -> None:
        super().__init__(parent / "clinic")
        if list_project_objects(self.name):
            raise SystemExit(f"A Compose project {self.name} exists; remove it first")
        shutil.copytree(PROJECT, self.dir)
        images = provide_base_images("pg17")
        (self.dir / ".env").write_text(
            f"STORE_IMAGE={images['POSTGRES_IMAGE']}\nRUNTIME_IMAGE={images['PYTHON_IMAGE']}\nKEEPER_SECRET=keeper-s3cret\n"
        )

    def sql(self, statement: str) -> None:
        client = ("psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-U", "keeper", "-d", "visits", "-c", statement)
        self.compose("exec", "-T", "store", *client)


def style_line(line: str) -> Text:
    """Return the line with the colours that localdev gives it on a terminal."""
    if line.startswith("Done in"):
        return Text(line, style="green")
    if line.endswith("... skipped"):
        return Text(line, style="dim")
    return Text(line)


def draw_scene(name: str, folder: Path, commands: tuple[str, ...]) -> None:
    """Run the commands in the folder and write a picture of what they print."""
    console = Console(record=True, width=WIDTH, file=io.StringIO(), force_terminal=True, highlight=False)
    for command in commands:
        console.print(Text.assemble(("$ ", "bold green"), (command, "bold")))
        done = subprocess.run(
            [sys.executable, "-m", "localdev_recovery", *command.split()[1:]],
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if done.returncode:
            raise SystemExit(f"{command} failed:\n{done.stdout}")
        for line in done.stdout.replace(str(folder), SHOWN_FOLDER).splitlines():
            console.print(style_line(line))
    # Without an id, rich makes one from the output, and every line of the file changes.
    (IMAGES / f"{name}.svg").write_text(
        console.export_svg(title="localdev", theme=MONOKAI, unique_id=f"localdev-{name}")
    )


def main() -> None:
    # Remove the copy also when the program is stopped.
    signal.signal(signal.SIGTERM, lambda *_details: sys.exit("picture: stopped"))
    with tempfile.TemporaryDirectory(prefix="localdev-picture-") as parent:
        project = PicturedProject(Path(parent))
        try:
            project.compose("up", "--build", "--detach", "--wait", "--quiet-pull")
            project.sql(OLD_DATA)
            for name, (statement, commands) in SCENES.items():
                if statement:
                    project.sql(statement)
                draw_scene(name, project.dir, commands)
        finally:
            project.remove()


if __name__ == "__main__":
    main()
