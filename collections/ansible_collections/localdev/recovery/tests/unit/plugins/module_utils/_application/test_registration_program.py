# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._application import registration_program
from ansible_collections.localdev.recovery.plugins.module_utils._application.registration_program import (
    REGISTRATION_RESPONSE_MARK,
    build_response,
    main,
)


def test_names_come_from_the_last_line(capsys: pytest.CaptureFixture[str]) -> None:
    main("import json\nprint('noise')\n[str(n) for n in range(3)]\n")
    streams = capsys.readouterr()
    assert streams.out == '\n@registered {"names": ["0", "1", "2"]}\n'
    assert streams.err == "noise\n"
    assert build_response("{'b': 1, 'a': 2}") == {"names": ["b", "a"]}


@pytest.mark.parametrize(
    ("code", "error", "where"),
    [
        ("import none_such\n[]", "ModuleNotFoundError: No module named 'none_such'", "<check>, line 1"),
        ("1 / 0", "ZeroDivisionError: division by zero", "<check>, line 1"),
        ("def wrong(:", "SyntaxError: invalid syntax", "<check>, line 1"),
        ("x = 1", "ValueError: ", ""),
        ("", "ValueError: ", ""),
        ("'text'", "TypeError: ", ""),
        ("None", "TypeError: 'NoneType' object is not iterable", ""),
        ("import sys\nsys.exit(3)", "SystemExit: 3", "<check>, line 2"),
    ],
)
def test_a_check_that_raises_is_reported_in_a_line(code: str, error: str, where: str) -> None:
    answer = build_response(code)
    assert answer["error"].startswith(error)
    assert answer == {"error": answer["error"], "where": where}


def test_the_file_that_raises_is_named(tmp_path: Path) -> None:
    (tmp_path / "rules.py").write_text("\n\nraise RuntimeError('not today')\n")
    program = (
        Path(registration_program.__file__).read_text() + f"\nmain({json.dumps('import rules' + chr(10) + '[]')})\n"
    )
    done = subprocess.run(
        [sys.executable, "-"], input=program, cwd=tmp_path, capture_output=True, text=True, check=True
    )
    answer = json.loads(done.stdout.strip().removeprefix(REGISTRATION_RESPONSE_MARK))
    assert answer == {"error": "RuntimeError: not today", "where": f"{tmp_path}/rules.py, line 3"}
