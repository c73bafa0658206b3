# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import inspect
import types
import typing as t
from pathlib import Path

import pytest
import yaml

from ansible_collections.localdev.recovery.plugins.action import report
from ansible_collections.localdev.recovery.plugins.action.report import REPORTS, find_report, format_report
from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.modules.report import DOCUMENTATION

COLLECTION = Path(__file__).resolve().parents[4]
MODULE = "localdev.recovery.report"
FOUND = {"deletable": [{"kind": "volume", "aside": "pg.aside-R", "bytes": 1024, "age_s": 60}], "kept": []}


def list_report_tasks() -> list[tuple[str, dict[str, t.Any]]]:
    """Return role and arguments of each task that prints a report."""
    found = []

    def search(tasks: list[dict[str, t.Any]], role: str) -> None:
        for task in tasks:
            if MODULE in task:
                found.append((role, task[MODULE]))
            for part in ("block", "rescue", "always"):
                search(task.get(part) or [], role)

    for path in sorted((COLLECTION / "roles").glob("*/tasks/*.yml")):
        search(yaml.safe_load(path.read_text()) or [], path.parts[-3])
    return found


def test_documentation_lists_the_reports() -> None:
    assert yaml.safe_load(DOCUMENTATION)["options"]["procedure"]["choices"] == list(REPORTS)


@pytest.mark.parametrize("procedure", REPORTS)
def test_every_report_is_printed_by_a_role(procedure: str) -> None:
    assert procedure in [arguments["procedure"] for _role, arguments in list_report_tasks()]


@pytest.mark.parametrize(("role", "arguments"), list_report_tasks(), ids=lambda value: str(value)[:40])
def test_roles_give_the_data_that_a_report_needs(role: str, arguments: dict[str, t.Any]) -> None:
    signature = inspect.signature(find_report(arguments["procedure"]))
    known = {"planned": False} if "planned" in signature.parameters else {}
    signature.bind(**arguments["data"], **known)


def test_check_mode_reaches_the_report() -> None:
    assert format_report("cleanup", {"found": FOUND}, check_mode=False)[0] == "Freed 1.0 KiB"
    assert format_report("cleanup", {"found": FOUND}, check_mode=True)[0] == "Would free 1.0 KiB"


@pytest.mark.parametrize("data", [{}, {"found": FOUND, "other": 1}], ids=["missing", "unknown"])
def test_other_data_fails(data: dict[str, t.Any]) -> None:
    with pytest.raises(RecoveryError, match=r"Cannot print the report of cleanup: .*(found|other)"):
        format_report("cleanup", data, check_mode=False)


class Action(report.ActionModule):
    """The action with the arguments of a task, which Ansible has validated."""

    def __init__(self, **arguments: t.Any) -> None:
        self._task = types.SimpleNamespace(args=arguments, check_mode=True)

    def validate_argument_spec(self, argument_spec: dict[str, t.Any]) -> tuple[None, dict[str, t.Any]]:
        assert set(self._task.args) <= set(argument_spec)
        return None, self._task.args


def test_the_lines_are_displayed_as_those_of_debug(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report.ActionBase, "run", lambda *_args, **_options: {})
    result = Action(procedure="cleanup", data={"found": FOUND}).run()
    assert result["msg"][0] == "Would free 1.0 KiB"
    assert result["changed"] is False
    assert result["_ansible_verbose_always"] is True


def test_wrong_data_fail_the_task(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report.ActionBase, "run", lambda *_args, **_options: {})
    with pytest.raises(report.AnsibleActionFail, match="Cannot print the report of cleanup"):
        Action(procedure="cleanup", data={}).run()
