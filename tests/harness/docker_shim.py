# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A docker command that does something else first."""

from __future__ import annotations

import os
import secrets
import shutil
from pathlib import Path


class DockerShim:
    """A docker command that runs an action first, once, when its arguments match a pattern.

    pattern: of the shell, compared with all arguments. action: arguments of docker.
    """

    def __init__(self, folder: Path, pattern: str, action: str) -> None:
        self.folder = folder / f"shim-{secrets.token_hex(4)}"
        self.folder.mkdir()
        docker_itself = shutil.which("docker")
        script = self.folder / "docker"
        script.write_text(
            f'#!/bin/sh\ncase "$*" in {pattern.replace(" ", "?")})\n'
            f"    [ -e {self.folder}/fired ] || {{\n"
            f"        : > {self.folder}/fired\n"
            f"        {docker_itself} {action} >/dev/null 2>&1\n"
            f'    }} ;;\nesac\nexec {docker_itself} "$@"\n'
        )
        script.chmod(0o755)
        self.environment = {"PATH": f"{self.folder}:{os.environ['PATH']}"}

    def has_fired(self) -> bool:
        return (self.folder / "fired").exists()
