# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""State folders of throw-away projects: the runs on them are recorded there, outside the project."""

from __future__ import annotations

import contextlib
import json
import shutil
from pathlib import Path

# The place of the stacks of a system's engine.
STATE_ROOT = Path("/var/lib/localdev")


def state_folder(project: str) -> Path:
    """Return the state folder of a project. It exists once a run has begun."""
    return STATE_ROOT / project


def remove_state(project: str) -> None:
    """Remove what runs on a project have recorded, and which folder the project was in."""
    shutil.rmtree(state_folder(project), ignore_errors=True)
    for entry in (STATE_ROOT / ".projects").glob("*.json"):
        with contextlib.suppress(OSError, ValueError):
            if json.loads(entry.read_text())["project"] == project:
                entry.unlink()
