# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Run the modules of this collection without a new Python, where the task runs on the controller itself.

Ansible has no public way for that; ansible.netcommon does the same with its network modules. Only what Ansible does
between the finished arguments and the module's output is replaced, so arguments and results are treated as always.
"""

from __future__ import annotations

import json
import os
import sys
import typing as t

from ansible import constants
from ansible.executor.module_common import _BuiltModule
from ansible.module_utils.common.json import Direction, get_module_encoder
from ansible.module_utils.common.text.converters import to_text
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.action import ActionBase
from ansible.release import __version__ as core_version

from ansible_collections.localdev.recovery.plugins.module_utils._run.progress import REPORT_INTERVAL_S
from ansible_collections.localdev.recovery.plugins.plugin_utils._module_process import ModuleCall, run_module_in_child

# Set it to false to run every module as Ansible does it.
SWITCH_VARIABLE = "localdev_direct_execution"
# The minor versions of ansible-core that tests/ways runs. Others may have moved what this file uses.
TESTED_CORES = ("2.19", "2.20", "2.21")
_PROFILE = "legacy"


class DirectAction(ActionBase):  # type: ignore[misc]
    """An action whose C(_execute_module) runs modules of this collection directly where it can."""

    # Other modules, such as ansible.builtin.slurp, run the usual way.
    collection = "localdev.recovery"
    _direct_call: ModuleCall | None = None
    _is_direct = False

    def _execute_module(
        self,
        module_name: str | None = None,
        module_args: dict[str, t.Any] | None = None,
        tmp: str | None = None,
        task_vars: dict[str, t.Any] | None = None,
        persist_files: bool = False,
        delete_remote_tmp: bool | None = None,
        wrap_async: bool = False,
        ignore_unknown_opts: bool = False,
    ) -> dict[str, t.Any]:
        self._is_direct = self.can_run_directly(module_name or self._task.action, task_vars or {})
        try:
            result: dict[str, t.Any] = super()._execute_module(
                module_name=module_name,
                module_args=module_args,
                tmp=tmp,
                task_vars=task_vars,
                persist_files=persist_files,
                delete_remote_tmp=delete_remote_tmp,
                wrap_async=wrap_async,
                ignore_unknown_opts=ignore_unknown_opts,
            )
            return result
        finally:
            self._is_direct, self._direct_call = False, None

    def while_module_runs(self) -> None:
        """Do what is to be done every two seconds while a module runs directly."""

    def can_run_directly(self, module_name: str, task_vars: t.Mapping[str, t.Any]) -> bool:
        """Return whether the module would run in this process's own Python on this machine as this user."""
        if self._task.delegate_to:
            task_vars = task_vars["ansible_delegated_vars"][self._task.delegate_to]
        return (
            module_name.startswith(f"{self.collection}.")
            and self._connection.transport == "local"
            and self._connection.become is None
            and not self._task.async_val
            and not constants.DEFAULT_KEEP_REMOTE_FILES
            and core_version.startswith(tuple(f"{minor}." for minor in TESTED_CORES))
            and is_own_python(str(self._template_variable(task_vars, "ansible_python_interpreter", "")))
            and boolean(self._template_variable(task_vars, SWITCH_VARIABLE, True))
        )

    def _template_variable(self, task_vars: t.Mapping[str, t.Any], name: str, default: t.Any) -> t.Any:
        return self._templar.template(task_vars[name]) if name in task_vars else default

    def _is_pipelining_enabled(self, module_style: str, wrap_async: bool = False) -> bool:
        # Without pipelining, Ansible makes a temporary folder for the module's archive.
        return self._is_direct or bool(super()._is_pipelining_enabled(module_style, wrap_async))

    def _configure_module(
        self, module_name: str, module_args: dict[str, t.Any], task_vars: dict[str, t.Any]
    ) -> tuple[_BuiltModule, str]:
        if not self._is_direct:
            return t.cast("tuple[_BuiltModule, str]", super()._configure_module(module_name, module_args, task_vars))
        environment: dict[str, t.Any] = {}
        self._compute_environment_string(environment)
        encoder = get_module_encoder(_PROFILE, Direction.CONTROLLER_TO_MODULE)
        namespace, collection, name = module_name.split(".")
        self._direct_call = ModuleCall(
            name=f"ansible_collections.{namespace}.{collection}.plugins.modules.{name}",
            parameters=json.dumps({"ANSIBLE_MODULE_ARGS": module_args}, cls=encoder).encode(),
            serialization_profile=_PROFILE,
            environment={key: str(value) for key, value in environment.items()},
            folder=self._loader.get_basedir(),
        )
        built = _BuiltModule(
            b_module_data=self._direct_call.parameters,
            module_style="new",
            shebang=f"#!{sys.executable}",
            serialization_profile=_PROFILE,
        )
        return built, self._direct_call.name

    def _low_level_execute_command(self, cmd: str, *args: t.Any, **options: t.Any) -> dict[str, t.Any]:
        call = self._direct_call
        if call is None or options.get("in_data") is not call.parameters:
            result: dict[str, t.Any] = super()._low_level_execute_command(cmd, *args, **options)
            return result
        code, *streams = run_module_in_child(call, self.while_module_runs, REPORT_INTERVAL_S)
        stdout, stderr = (to_text(stream, errors="surrogate_then_replace") for stream in streams)
        return {
            "rc": code,
            "stdout": stdout,
            "stdout_lines": stdout.splitlines(),
            "stderr": stderr,
            "stderr_lines": stderr.splitlines(),
        }


def is_own_python(interpreter: str) -> bool:
    """Return whether a path is the Python of this process, in the same virtual environment."""
    if not os.path.isabs(interpreter):
        return False
    # A virtual environment's python is a link to the Python that it was made from, so its folder says which it is.
    same_folder = os.path.dirname(interpreter) == os.path.dirname(sys.executable)
    return same_folder and os.path.realpath(interpreter) == os.path.realpath(sys.executable)
