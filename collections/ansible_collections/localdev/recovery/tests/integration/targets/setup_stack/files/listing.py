# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Prints one line per file below /listed, the folder itself included; equal trees give equal lines."""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path


def line(path: Path) -> str:
    found = path.lstat()
    content = ""
    if stat.S_ISREG(found.st_mode):
        content = f"{found.st_size} links={found.st_nlink} {hashlib.sha256(path.read_bytes()).hexdigest()}"
    elif stat.S_ISLNK(found.st_mode):
        content = os.readlink(path)
    name = str(path.relative_to("/listed"))
    return (
        f"{name!r} {stat.filemode(found.st_mode)} {found.st_uid}:{found.st_gid} {found.st_mtime_ns} {content}".strip()
    )


top = Path("/listed")
print("\n".join(line(path) for path in sorted([top, *top.rglob("*")])))
