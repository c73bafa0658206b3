# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Define the error of a failed docker command."""

from __future__ import annotations

from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._core.next_command import (
    Line,
    NextCommand,
    program_command,
)

# Commands and hints for a port that is in use.
LIST_PORTS_COMMAND: NextCommand = program_command("docker", "ps", "--format", "{{.Names}} {{.Ports}}")
FIND_PORT_HINT: Line = ["If no container has it, find the process: ", program_command("ss", "-ltnp")]


class DockerError(RecoveryError):
    """A docker command that failed, or a program that it ran. returncode and stderr: as the command gave them."""

    def __init__(
        self,
        failure: FailureId,
        message: str,
        *,
        returncode: int,
        stderr: str,
        hint: Line = "",
        next_command: NextCommand | None = None,
    ) -> None:
        super().__init__(failure, message, hint=hint, next_command=next_command)
        self.returncode = returncode
        self.stderr = stderr
