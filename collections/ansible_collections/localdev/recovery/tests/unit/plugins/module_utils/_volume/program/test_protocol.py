# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._volume.named_pipe import open_named_pipe
from ansible_collections.localdev.recovery.plugins.module_utils._volume.runner import build_program_source
from ansible_collections.localdev.recovery.tests.unit.plugins.module_utils._volume.local_program import (
    PACK,
    UNPACK,
)


@pytest.mark.parametrize("request_", [PACK, UNPACK], ids=["pack", "unpack"])
def test_the_program_ends_with_the_one_who_asked(tmp_path: Path, request_: dict[str, t.Any]) -> None:
    """Check that the program ends even if the pipe itself stays open, without reading or writing."""
    for name in ("source", "target"):
        (tmp_path / name).mkdir()
    (tmp_path / "source" / "large").write_bytes(bytes(2**22))
    places = {"source": str(tmp_path / "source"), "target": str(tmp_path / "target")}
    with open_named_pipe(str(tmp_path / "x"), None) as pipe:
        program = subprocess.Popen(
            [sys.executable, "-ISc", build_program_source()], stdin=subprocess.PIPE, stderr=subprocess.PIPE
        )
        with program:
            assert program.stdin is not None
            assert program.stderr is not None
            program.stdin.write(json.dumps({**request_, **places, "pipe": f"{pipe.folder}/stream"}).encode() + b"\n")
            program.stdin.flush()
            assert json.loads(program.stderr.readline()) == {"stream": "pipe"}
            program.stdin.close()
            assert program.wait(20) == 3
