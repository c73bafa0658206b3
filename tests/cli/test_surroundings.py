# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run the command in surroundings that people have: another locale, few open files, a terminal without Unicode."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest


def run_status(folder: Path, open_files: int = 0, **environment: str) -> tuple[int, dict[str, Any]]:
    """Return the exit code and the document of ``localdev status --json`` in a folder."""

    def limit_open_files() -> None:
        if open_files:
            resource.setrlimit(resource.RLIMIT_NOFILE, (open_files, open_files))

    inherited = {name: value for name, value in os.environ.items() if name != "LANG" and not name.startswith("LC_")}
    done = subprocess.run(
        [sys.executable, "-m", "localdev_recovery", "status", "--json", "-C", str(folder)],
        env={**inherited, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), **environment},
        capture_output=True,
        check=False,
        preexec_fn=limit_open_files,
    )
    assert b"Traceback" not in done.stderr
    return done.returncode, json.loads(done.stdout)


@pytest.mark.parametrize(
    "environment",
    [{"LANG": "C"}, {"LC_ALL": "C"}, {"LC_ALL": "POSIX"}, {"LANG": "xx_YY.UTF-8"}, {"PYTHONIOENCODING": "ascii"}],
    ids=str,
)
def test_every_locale_will_do(tmp_path: Path, environment: dict[str, str]) -> None:
    folder = tmp_path / "Überblick"
    folder.mkdir()
    _code, document = run_status(folder, **environment)
    [host] = document["hosts"].values()
    assert host["error"]["id"] == "compose_file.missing"


@pytest.mark.parametrize("open_files", [8, 12])
def test_too_few_open_files_are_named(tmp_path: Path, open_files: int) -> None:
    code, document = run_status(tmp_path, open_files)
    hosts = document["hosts"].values()
    [error] = [host["error"] for host in hosts] or [document["error"]]
    assert (code, error["id"]) == (1, "host.limit_reached")
