# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._alembic.program import launcher
from ansible_collections.localdev.recovery.plugins.module_utils._docker.interpreter import (
    LAUNCH_PYTHON_BEHIND_ENTRYPOINT,
    is_shell_missing,
)


def make_program(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return path


def test_an_environment_that_is_not_on_the_path_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    python = make_program(tmp_path / "code" / ".venv" / "bin" / "python", "#!/bin/sh\n")
    named = make_program(tmp_path / "uv" / "bin" / "python3", "#!/bin/sh\n")
    make_program(tmp_path / "bin" / "alembic", f"#!{tmp_path}/pipx/bin/python\n")
    piped = make_program(tmp_path / "pipx" / "bin" / "python", "#!/bin/sh\n")
    monkeypatch.chdir(tmp_path / "code")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("UV_PROJECT_ENVIRONMENT", str(tmp_path / "uv"))
    monkeypatch.delenv("VIRTUAL_ENV", raising=False)
    found = launcher.list_pythons(["/usr/bin/python3", "app.py"])
    assert found[0] in ("/usr/bin/python3", str(piped))
    assert {str(python), str(named), str(piped)} <= set(found)
    assert found.index(str(piped)) < found.index(str(named)) < found.index(str(python))


def test_the_rest_runs_in_the_python_that_has_alembic(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(launcher, "has_alembic", lambda: False)
    monkeypatch.setattr(launcher, "list_pythons", lambda _arguments: [str(tmp_path / "none"), sys.executable])
    ended: list[int] = []
    monkeypatch.setattr(launcher.os, "_exit", ended.append)
    launcher.launch("print('answer', REQUEST['do'])", {"do": "info"}, "@")
    assert ended == [0]
    assert "answer info" in capfd.readouterr().out


def test_without_alembic_anywhere_the_tried_pythons_are_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(launcher, "has_alembic", lambda: False)
    monkeypatch.setattr(launcher, "list_pythons", lambda _arguments: ["/nowhere/python"])
    launcher.launch("", {"do": "info"}, "@")
    answer = json.loads(capsys.readouterr().out.strip().removeprefix("@"))
    assert answer["kind"] == "no_alembic"
    assert "/nowhere/python" in answer["error"]


def test_a_python_that_the_user_names_is_the_only_one(capsys: pytest.CaptureFixture[str]) -> None:
    launcher.launch("", {"do": "info", "python": "/nowhere/python"}, "@")
    assert "/nowhere/python: No such file" in capsys.readouterr().out


def test_the_environment_of_the_application_s_process(monkeypatch: pytest.MonkeyPatch) -> None:
    # Popen can return before the kernel shows the new environment; the program prints a line when it runs.
    program = "import time; print(flush=True); time.sleep(60)"
    command = [sys.executable, "-c", program, "the application"]
    planted = {"DATABASE_URL": "from the entry point", "HOME": "/other"}
    with subprocess.Popen(command, env=planted, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            process.stdout.readline()
            monkeypatch.setattr(launcher.os, "listdir", lambda _folder: ["self", str(process.pid)])
            environment, arguments = launcher.find_application_process()
        finally:
            process.kill()
    assert environment["DATABASE_URL"] == "from the entry point"
    assert arguments == command
    monkeypatch.setattr(os, "environ", {"HOME": "/mine"})
    launcher.adopt_environment(environment)
    assert os.environ["HOME"] == "/mine"
    assert os.environ["DATABASE_URL"] == "from the entry point"


PREPARES = '#!/bin/sh\nexport FROM_ENTRY_POINT=yes\nexec "$@"\n'
MIGRATES = '#!/bin/sh\nexport FROM_ENTRY_POINT=yes\nalembic upgrade head\nexec "$@"\n'
STARTS = "#!/bin/sh\nexport FROM_ENTRY_POINT=yes\nexec uvicorn app:app\n"


@pytest.mark.parametrize(
    ("entrypoint", "kept"),
    [
        (["./prepares"], True),
        (["sh", "./prepares"], True),
        (["sh", "-c", 'export FROM_ENTRY_POINT=yes; exec "$@"', "--"], True),
        (["./migrates"], False),
        (["./starts"], False),
        (["python"], False),
        ([], False),
    ],
)
def test_an_entry_point_is_kept_if_it_only_prepares(tmp_path: Path, entrypoint: list[str], kept: bool) -> None:
    for name, text in (("prepares", PREPARES), ("migrates", MIGRATES), ("starts", STARTS)):
        make_program(tmp_path / name, text)
    done = subprocess.run(
        ["sh", "-c", LAUNCH_PYTHON_BEHIND_ENTRYPOINT, "sh", *entrypoint],
        input="import os; print(os.environ.get('FROM_ENTRY_POINT'))",
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == ("yes\n" if kept else "None\n")


def test_an_image_without_a_shell() -> None:
    output = 'OCI runtime exec failed: exec: "sh": executable file not found in $PATH: unknown'
    assert is_shell_missing(126, output)
    assert is_shell_missing(1, output)
    assert not is_shell_missing(0, output)
    assert not is_shell_missing(1, "ModuleNotFoundError: No module named 'alembic'")
