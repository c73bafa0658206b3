# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Compare a rendered text with its golden file. ``make golden`` writes the files again: read their diff."""

from __future__ import annotations

import os
import typing as t
from pathlib import Path

from ansible_collections.localdev.recovery.plugins.module_utils._core.next_command import Line, format_line

GOLDEN = Path(__file__).resolve().parent / "golden"


def assert_golden(name: str, lines: t.Iterable[Line], folder: Path = GOLDEN) -> None:
    """Fail if the lines differ from those of the file NAME.txt. Commands are rendered as plain Ansible shows them."""
    path = folder / f"{name}.txt"
    text = "".join(f"{format_line(line)}\n" for line in lines)
    if os.environ.get("UPDATE_GOLDEN"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert path.exists(), f"There is no golden file {path}; make golden writes it"
    assert text == path.read_text(encoding="utf-8")
