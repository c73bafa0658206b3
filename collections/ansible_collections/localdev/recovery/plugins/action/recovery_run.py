# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Add the controller's process to the module's arguments, and whether the lock holder's controller is gone.

Only the controller's own machine can check its processes.
"""

from __future__ import annotations

import getpass
import os
import socket
import typing as t

from ansible_collections.localdev.recovery.plugins.module_utils._run.process import (
    describe_controller,
    is_controller_alive,
)

# Nothing here uses the two modules. Ansible loads this file before it forks the workers, so the workers inherit the
# code that most modules share.
# pylint: disable-next=unused-import
from ansible_collections.localdev.recovery.plugins.modules import recovery_run, stack_info  # noqa: F401
from ansible_collections.localdev.recovery.plugins.plugin_utils._direct_execution import DirectAction


class ActionModule(DirectAction):
    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        super().run(tmp, task_vars)
        # Tasks run in forked workers; the process that lives as long as the run is their parent.
        controller = {
            "process": describe_controller(os.getppid()),
            "host": socket.gethostname(),
            "user": getpass.getuser(),
        }
        arguments = {**self._task.args, "controller": controller, "abandoned": ""}

        def call_module() -> dict[str, t.Any]:
            result: dict[str, t.Any] = self._execute_module(
                module_name="localdev.recovery.recovery_run", module_args=arguments, task_vars=task_vars
            )
            return result

        result = call_module()
        holder = result.get("holder")
        if holder and is_controller_alive(holder["controller"]) is False:
            arguments["abandoned"] = holder["run_id"]
            result = call_module()
        return result
