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
from ansible.plugins.action import ActionBase

from ansible_collections.localdev.recovery.plugins.action import report
from ansible_collections.localdev.recovery.plugins.action.report import REPORTS, find_report, format_report
from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._core.next_command import (
    format_next_command,
    playbook_command,
)
from ansible_collections.localdev.recovery.plugins.modules.report import DOCUMENTATION
from ansible_collections.localdev.recovery.tests.unit.failure_assertions import raises_failure

COLLECTION = Path(__file__).resolve().parents[4]
MODULE = "localdev.recovery.report"
UNDO = playbook_command("undo", undo_run_id="R")
FOUND = {
    "deletable": [{"kind": "volume", "aside": "pg.aside-R", "bytes": 1024, "age_s": 60}],
    "kept": [],
    "cleanup_also": None,
}


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


REPORT_TASKS = [(role, arguments) for role, arguments in list_report_tasks() if "procedure" in arguments]


def test_documentation_lists_the_reports() -> None:
    assert yaml.safe_load(DOCUMENTATION)["options"]["procedure"]["choices"] == list(REPORTS)


@pytest.mark.parametrize("procedure", REPORTS)
def test_every_report_is_printed_by_a_role(procedure: str) -> None:
    assert procedure in [arguments["procedure"] for _role, arguments in REPORT_TASKS]


@pytest.mark.parametrize(("role", "arguments"), REPORT_TASKS, ids=lambda value: str(value)[:40])
def test_roles_give_the_data_that_a_report_needs(role: str, arguments: dict[str, t.Any]) -> None:
    signature = inspect.signature(find_report(arguments["procedure"]))
    known = {"planned": False} if "planned" in signature.parameters else {}
    signature.bind(**arguments["data"], **known)


@pytest.mark.parametrize(("role", "arguments"), list_report_tasks(), ids=lambda value: str(value)[:40])
def test_roles_print_either_a_report_or_lines(role: str, arguments: dict[str, t.Any]) -> None:
    assert set(arguments) - {"note"} in ({"procedure", "data"}, {"lines"})


def test_roles_print_by_nothing_else() -> None:
    texts = [path.read_text() for path in (COLLECTION / "roles").glob("*/tasks/*.yml")]
    assert texts
    assert not any("ansible.builtin.debug:" in text for text in texts)


def test_check_mode_reaches_the_report() -> None:
    done, planned = (format_report("cleanup", {"found": FOUND}, check_mode=check_mode) for check_mode in (False, True))
    assert done == find_report("cleanup")(FOUND, False)
    assert planned == find_report("cleanup")(FOUND, True)
    assert done != planned


@pytest.mark.parametrize(
    ("data", "name"), [({}, "found"), ({"found": FOUND, "other": 1}, "other")], ids=["missing", "unknown"]
)
def test_other_data_fails(data: dict[str, t.Any], name: str) -> None:
    with raises_failure(FailureId.OPTION_INVALID, "cleanup", name):
        format_report("cleanup", data, check_mode=False)


class Action(report.ActionModule):
    """The action with the arguments of a task, which Ansible has validated. displayed: what it has shown."""

    def __init__(self, **arguments: t.Any) -> None:
        self._task = types.SimpleNamespace(args=arguments, check_mode=True)
        self.displayed: list[str] = []
        self._display = types.SimpleNamespace(display=self.displayed.append)

    def validate_argument_spec(self, argument_spec: dict[str, t.Any]) -> tuple[None, dict[str, t.Any]]:
        assert set(self._task.args) <= set(argument_spec)
        defaults = {name: option.get("default") for name, option in argument_spec.items()}
        return None, {**defaults, **self._task.args}


@pytest.fixture(autouse=True)
def bare_action(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ActionBase, "run", lambda *_args, **_options: {})


def test_a_report_of_check_mode() -> None:
    result = Action(procedure="cleanup", data={"found": FOUND}).run()
    assert result["lines"] == result["msg"] == format_report("cleanup", {"found": FOUND}, check_mode=True)
    assert (result["changed"], result["note"]) == (False, False)


def test_lines_are_displayed_once_below_the_host_and_returned_with_commands_as_data() -> None:
    action = Action(lines=["Kept a copy", ["Undo: ", UNDO]], note=True)
    result = action.run(task_vars={"inventory_hostname": "shop1"})
    assert result["lines"] == ["Kept a copy", ["Undo: ", UNDO]]
    assert result["msg"] == ["Kept a copy", f"Undo: {format_next_command(UNDO)}"]
    assert result["note"] is True
    assert action.displayed == ["\n".join(["[shop1]", *result["msg"]])]
    # Else the callback would show the result too.
    assert "_ansible_verbose_always" not in result


@pytest.mark.parametrize(
    "arguments",
    [{"procedure": "cleanup", "data": {}}, {}, {"procedure": "cleanup", "data": {"found": FOUND}, "lines": []}],
    ids=["wrong data", "nothing", "both"],
)
def test_wrong_arguments_fail_the_task_with_a_failure_as_data(arguments: dict[str, t.Any]) -> None:
    action = Action(**arguments)
    result = action.run()
    assert (result["failed"], result["failure"]) == (True, FailureId.OPTION_INVALID.id)
    assert action.displayed == []
