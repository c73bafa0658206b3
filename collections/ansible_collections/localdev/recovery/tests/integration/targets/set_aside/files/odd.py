# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Makes files that a careless copy would change: odd owners, modes, times, names, links and a socket."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path

top = Path(sys.argv[1])
folder = top / "it's a folder"
(folder / "leer ö").mkdir(parents=True)
(folder / "leer ö" / "a file").write_text("content")
os.link(folder / "leer ö" / "a file", folder / "the same file")
(folder / "link").symlink_to("nowhere")
(folder / "set-gid").mkdir()
os.chmod(folder / "set-gid", 0o2775)
(top / ".env").write_text("PASSWORD=old\n")
os.chmod(top / ".env", 0o640)
for path, user in ((top / ".env", 999), (folder / "the same file", 70), (folder, 1234)):
    os.chown(path, user, user)
with socket.socket(socket.AF_UNIX) as server:
    os.chdir(folder)
    server.bind("socket")
for path in (
    folder / "link",
    folder / "set-gid",
    folder / "leer ö" / "a file",
    folder / "leer ö",
    folder,
    top / ".env",
):
    os.utime(path, ns=(1_700_000_000_123_456_789,) * 2, follow_symlinks=False)
