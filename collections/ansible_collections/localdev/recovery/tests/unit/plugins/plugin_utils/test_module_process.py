# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""tests/ways/test_direct_execution.py compares with modules that run the usual way."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
import typing as t
from pathlib import Path

import pytest

from ansible_collections.localdev.recovery.plugins.plugin_utils import _module_process as module_process
from ansible_collections.localdev.recovery.plugins.plugin_utils._module_process import ModuleCall, run_module_in_child

PING = ModuleCall(
    name="ansible.modules.ping",
    parameters=json.dumps({"ANSIBLE_MODULE_ARGS": {"data": "é"}}).encode(),
    serialization_profile="legacy",
    environment={},
    folder="/",
)


def run_in_child(
    monkeypatch: pytest.MonkeyPatch, work: t.Callable[[], None], while_running: t.Callable[[], None] = lambda: None
) -> tuple[int, bytes, bytes]:
    """Run a function in the place of a module."""
    monkeypatch.setattr(module_process._loader, "run_module", lambda **_call: work())
    return run_module_in_child(PING, while_running, 0.02)


def test_a_module_returns_its_result() -> None:
    code, stdout, stderr = run_module_in_child(PING, lambda: None, 60)
    assert (code, stderr) == (0, b"")
    assert json.loads(stdout)["ping"] == "é"


def test_the_module_has_environment_folder_and_streams_of_its_own(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def work() -> None:
        print(os.environ["LOCALDEV_TEST_NEW"], os.getcwd(), len(sys.argv), repr(sys.stdin.read()), flush=True)
        os.system("echo out; echo error >&2; cat")

    monkeypatch.setattr(module_process._loader, "run_module", lambda **_call: work())
    call = PING._replace(environment={"LOCALDEV_TEST_NEW": "new"}, folder=str(tmp_path))
    before = dict(os.environ), os.getcwd()
    assert run_module_in_child(call, lambda: None, 60) == (0, f"new {tmp_path} 1 ''\nout\n".encode(), b"error\n")
    assert (dict(os.environ), os.getcwd()) == before


@pytest.mark.parametrize(
    ("code", "expected"), [(0, (0, b"")), (3, (3, b"")), (None, (0, b"")), ("text", (1, b"text\n"))]
)
def test_the_exit_code_is_returned(monkeypatch: pytest.MonkeyPatch, code: t.Any, expected: tuple[int, bytes]) -> None:
    returned, stdout, stderr = run_in_child(monkeypatch, lambda: sys.exit(code))
    assert (returned, stderr) == expected
    assert stdout == b""


def test_a_killed_module_has_the_exit_code_of_a_shell(monkeypatch: pytest.MonkeyPatch) -> None:
    def work() -> None:
        print("before", flush=True)
        sys.stderr.write("error before\n")
        os.kill(os.getpid(), signal.SIGKILL)

    assert run_in_child(monkeypatch, work) == (137, b"before\n", b"error before\nKilled\n")


def test_output_may_be_larger_than_a_pipe(monkeypatch: pytest.MonkeyPatch) -> None:
    def work() -> None:
        sys.stderr.write("e" * 1_000_000)
        print("o" * 1_000_000)

    assert [len(part) for part in run_in_child(monkeypatch, work)[1:]] == [1_000_001, 1_000_000]


def test_the_caller_is_asked_while_the_module_runs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def work() -> None:
        while not (tmp_path / "asked").exists():
            time.sleep(0.01)

    assert run_in_child(monkeypatch, work, (tmp_path / "asked").touch) == (0, b"", b"")


def test_a_failure_of_the_caller_kills_the_module(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def work() -> None:
        (tmp_path / "process").write_text(str(os.getpid()))
        (tmp_path / "process").rename(tmp_path / "started")
        time.sleep(600)

    def stop() -> None:
        if (tmp_path / "started").exists():
            raise TimeoutError

    descriptors = os.listdir("/proc/self/fd")
    with pytest.raises(TimeoutError):
        run_in_child(monkeypatch, work, stop)
    assert not Path("/proc", (tmp_path / "started").read_text()).exists()
    assert os.listdir("/proc/self/fd") == descriptors
