# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Callback plugin of the harness: write the results of a playbook run to a file, one JSON object per line.

Tests read results from there as data, so that none of them has to search for a sentence in the output.
"""

from __future__ import annotations

import json
import os
import typing as t

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: result_recorder
type: notification
short_description: Write the results of a playbook run to a file
description:
  - Writes one JSON object per line, and only to the file that E(LOCALDEV_TEST_RESULTS) names.
"""

# The same variable as tests.harness.playbook_run sets; Ansible loads this file without its package.
RESULTS_VARIABLE = "LOCALDEV_TEST_RESULTS"
REPORT_ACTION = "localdev.recovery.report"


class CallbackModule(CallbackBase):  # type: ignore[misc]
    """A writer of the failed and successful results of tasks, and of the number of tasks by outcome.

    event: ``failed``, ``ok`` or ``stats``. Failures that the task ignores are ``ok``. A report has its options too.
    """

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "result_recorder"
    CALLBACK_NEEDS_ENABLED = True

    def v2_playbook_on_start(self, playbook: t.Any) -> None:
        with open(os.environ[RESULTS_VARIABLE], "w", encoding="utf-8"):
            pass

    def v2_runner_on_ok(self, result: t.Any) -> None:
        self._write_result("ok", result)

    def v2_runner_on_failed(self, result: t.Any, ignore_errors: bool = False) -> None:
        self._write_result("ok" if ignore_errors else "failed", result)

    def v2_runner_on_unreachable(self, result: t.Any) -> None:
        self._write_result("failed", result)

    def v2_playbook_on_stats(self, stats: t.Any) -> None:
        self._write({"event": "stats", "hosts": {host: stats.summarize(host) for host in stats.processed}})

    def _write_result(self, event: str, result: t.Any) -> None:
        action = result.task.resolved_action or result.task.action
        line = {
            "event": event,
            "host": result.host.get_name(),
            "task": result.task_name,
            "action": action,
            "result": result.result,
        }
        if action == REPORT_ACTION:
            line["options"] = result.task_fields["args"]
        self._write(line)

    def _write(self, line: dict[str, t.Any]) -> None:
        with open(os.environ[RESULTS_VARIABLE], "a", encoding="utf-8") as stream:
            stream.write(json.dumps(line, default=str) + "\n")
