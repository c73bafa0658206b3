# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import time
import types
import typing as t
from pathlib import Path

import pytest

from ansible_collections.localdev.recovery.plugins.action import run_module
from ansible_collections.localdev.recovery.plugins.module_utils._run.progress_line import FORMAT_VARIABLE
from ansible_collections.localdev.recovery.plugins.plugin_utils import _live_progress as live_progress
from ansible_collections.localdev.recovery.plugins.plugin_utils._live_progress import LiveProgressAction

RUN_ID = "20260101-000000-abcd"
REPORT = {"run_id": RUN_ID, "doing": "loading", "done": 512, "total": 1024, "about": False, "rate": 256.0}


class Connection:
    """A connection whose commands print the content of a file, or fail if it is broken."""

    def __init__(self) -> None:
        self.become = None
        self.broken = False


@pytest.fixture
def displayed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    lines: list[str] = []
    monkeypatch.setattr(live_progress, "REPORT_INTERVAL_S", 0.02)
    monkeypatch.setattr(
        live_progress, "Display", lambda: types.SimpleNamespace(display=lambda line, **_options: lines.append(line))
    )
    monkeypatch.setattr(live_progress.DirectAction, "run", lambda *_args, **_options: {})
    monkeypatch.setattr(LiveProgressAction, "can_run_directly", lambda *_args: False)
    monkeypatch.setattr(LiveProgressAction, "_low_level_execute_command", cat)
    return lines


def cat(action: t.Any, command: str) -> dict[str, str]:
    if action._connection.broken:
        raise OSError("no answer")
    path = Path(command.removeprefix("cat "))
    return {"stdout": path.read_text() if path.exists() else ""}


def action_for(folder: Path, work: t.Callable[[], None], **task: t.Any) -> t.Any:
    def execute(**_given: t.Any) -> dict[str, t.Any]:
        work()
        return {"changed": True}

    action = object.__new__(run_module.ActionModule)
    arguments = {"stack": {"state": {"folder": str(folder)}}, "run_id": RUN_ID}
    action._task = types.SimpleNamespace(
        **{"args": arguments, "check_mode": False, "async_val": 0, "action": "m", **task}
    )
    action._connection = Connection()
    action._execute_module = execute
    return action


def write_progress(folder: Path) -> None:
    (folder / "progress.json").write_text(json.dumps(REPORT))


@pytest.mark.parametrize("output_format", ["", "json"])
def test_a_line_is_shown_while_the_module_works(
    tmp_path: Path, displayed: list[str], monkeypatch: pytest.MonkeyPatch, output_format: str
) -> None:
    monkeypatch.setenv(FORMAT_VARIABLE, output_format)

    def work() -> None:
        write_progress(tmp_path)
        deadline = time.monotonic() + 10
        while len(displayed) < 2 and time.monotonic() < deadline:
            time.sleep(0.01)

    assert action_for(tmp_path, work).run(task_vars={"inventory_hostname": "a"}) == {"changed": True}
    progress = {name: value for name, value in REPORT.items() if name != "run_id"}
    expected = {
        "": "progress: [a] loading 512 B of 1.0 KiB, 256 B/s",
        "json": json.dumps({"progress": {"host": "a", **progress}}),
    }
    assert displayed[:2] == [expected[output_format]] * 2
    shown = len(displayed)
    time.sleep(0.1)
    assert len(displayed) == shown


@pytest.mark.parametrize("case", ["no file", "broken", "odd arguments", "check mode", "background"])
def test_the_work_goes_on_without_a_line(tmp_path: Path, displayed: list[str], case: str) -> None:
    more: dict[str, t.Any] = {"check mode": {"check_mode": True}, "background": {"async_val": 60}}.get(case, {})
    if case != "no file":
        write_progress(tmp_path)
    action = action_for(tmp_path, lambda: time.sleep(0.1), **more)
    action._connection.broken = case == "broken"
    if case == "odd arguments":
        action._task.args = {"stack": None}
    assert action.run(task_vars={"inventory_hostname": "a"}) == {"changed": True}
    assert displayed == []


@pytest.mark.parametrize("case", ["shown", "check mode", "no run"])
def test_a_direct_module_is_watched_by_its_caller_alone(
    tmp_path: Path, displayed: list[str], monkeypatch: pytest.MonkeyPatch, case: str
) -> None:
    monkeypatch.setattr(LiveProgressAction, "can_run_directly", lambda *_args: True)
    write_progress(tmp_path)
    action = action_for(tmp_path, lambda: time.sleep(0.1), check_mode=case == "check mode")
    if case == "no run":
        del action._task.args["run_id"]
    assert action.run(task_vars={"inventory_hostname": "a"}) == {"changed": True}
    assert displayed == []
    action.while_module_runs()
    assert displayed == (["progress: [a] loading 512 B of 1.0 KiB, 256 B/s"] if case == "shown" else [])


def test_progress_of_short_work_is_not_read(
    tmp_path: Path, displayed: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_progress, "REPORT_INTERVAL_S", 60)
    write_progress(tmp_path)
    began = time.monotonic()
    action_for(tmp_path, lambda: None).run()
    assert displayed == []
    assert time.monotonic() - began < 5
