# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A host for transfer actions: its connection is a shell of this machine."""

from __future__ import annotations

import os
import subprocess
import types
import typing as t

from ansible_collections.localdev.recovery.plugins.plugin_utils._transfer import TransferAction


class FakeModule:
    """A stand-in for AnsibleModule, with the parts that the modules here use."""

    def __init__(self, params: dict[str, t.Any], check_mode: bool) -> None:
        self.params = params
        self.check_mode = check_mode

    def run_command(self, words: list[str], environ_update: dict[str, str]) -> tuple[int, str, str]:
        done = subprocess.run(words, capture_output=True, text=True, check=False, env={**os.environ, **environ_update})
        return done.returncode, done.stdout, done.stderr


class Host:
    """A host that runs an action. damage: changes the arriving content, as a bad line would."""

    def __init__(self) -> None:
        self.damage: t.Callable[[bytes], bytes] = lambda data: data
        self.shown: t.Callable[[], bool] = lambda: True

    def shell(self, command: str, in_data: bytes | None = None, **options: t.Any) -> dict[str, t.Any]:
        assert not (command.startswith("dd ") and self.shown()), "-vvv would show the data"
        data = None if in_data is None else self.damage(in_data)
        done = subprocess.run(["sh", "-c", command], input=data, capture_output=True, check=False)
        return {"rc": done.returncode, "stdout": done.stdout.decode(), "stderr": done.stderr.decode()}

    def run(
        self,
        action: type[TransferAction],
        act: t.Callable[..., t.Any],
        args: dict[str, t.Any],
        check: bool = False,
    ) -> dict[str, t.Any]:
        defaults = {"select": "latest", "database": "", "step": "look", "identity": {}, "archive": "", "sha256": ""}
        defaults |= {"repository": "", "source": "", "version": "", "bundle": "", "origin": ""}
        made = action.__new__(action)
        made._task = types.SimpleNamespace(args=args, check_mode=check)
        made._vars = {"inventory_hostname": "alice"}
        made._connection = types.SimpleNamespace(_play_context=types.SimpleNamespace(no_log=False))
        self.shown = lambda: not made._connection._play_context.no_log
        made._low_level_execute_command = self.shell
        made._execute_module = lambda module_args, task_vars: act(FakeModule({**defaults, **module_args}, check))
        return made.transfer(dict(args))
