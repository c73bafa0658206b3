# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The files of the checkout: what git tracks, and what it would track."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
COLLECTION = Path("collections/ansible_collections/localdev/recovery")


def tracked_files(folder: Path = Path()) -> set[Path]:
    """Return what git tracks of a folder, and what it would track, relative to the checkout."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", str(folder)]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return {path for name in listed.split("\0") if name and os.path.lexists(ROOT / (path := Path(name)))}


def copy_checkout(target: Path, folder: Path = Path()) -> Path:
    """Copy what git tracks of a folder of the checkout, uncommitted changes included."""
    for path in tracked_files(folder):
        copied = target / path.relative_to(folder)
        copied.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / path, copied, follow_symlinks=False)
    return target
