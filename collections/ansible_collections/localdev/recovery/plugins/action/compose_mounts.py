# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plan the moves of mounts and edit the text of the Compose files on the controller, which always has YAML."""

from __future__ import annotations

import base64
import typing as t

from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._volume.mount_plan import plan_mount_moves
from ansible_collections.localdev.recovery.plugins.plugin_utils._compose_yaml import edit_compose_mounts
from ansible_collections.localdev.recovery.plugins.plugin_utils._direct_execution import DirectAction


class ActionModule(DirectAction):
    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        super().run(tmp, task_vars)
        arguments = dict(self._task.args)
        try:
            moves = plan_mount_moves(
                arguments["stack"],
                arguments["to"],
                services=arguments.get("services") or (),
                names=arguments.get("names") or {},
                folder=arguments.get("folder") or "data",
            )
            # The files may have passwords, so their text is in no result that is shown.
            contents = (
                edit_compose_mounts(self._read_compose_files(arguments["stack"]["project"]["files"], task_vars), moves)
                if moves
                else {}
            )
        except RecoveryError as exc:
            return {"failed": True, **exc.as_result()}
        arguments |= {"moves": moves, "contents": contents}
        result: dict[str, t.Any] = self._execute_module(
            module_name="localdev.recovery.compose_mounts", module_args=arguments, task_vars=task_vars
        )
        result.pop("invocation", None)
        return result

    def _read_compose_files(self, files: t.Sequence[str], task_vars: dict[str, t.Any] | None) -> dict[str, str]:
        texts = {}
        for path in files:
            read = self._execute_module(
                module_name="ansible.builtin.slurp", module_args={"src": path}, task_vars=task_vars
            )
            if read.get("failed"):
                raise RecoveryError(
                    FailureId.FILE_NOT_READABLE, f"The Compose file {path} cannot be read: {read.get('msg')}"
                )
            try:
                texts[path] = base64.b64decode(read["content"]).decode("utf-8")
            except UnicodeDecodeError as exc:
                raise RecoveryError(
                    FailureId.COMPOSE_FILE_INVALID, f"The Compose file {path} is not UTF-8: {exc}"
                ) from exc
        return texts
