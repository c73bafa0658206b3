# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test that init names a folder that cannot be written, also in check mode."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId

COLLECTION = Path(__file__).resolve().parents[2]
# Nothing can be created here, not even by root.
FOLDER = "/proc/sys"


def test_a_folder_that_cannot_be_written_is_named_in_check_mode(tmp_path: Path) -> None:
    play = {
        "hosts": "localhost",
        "gather_facts": False,
        "vars": {
            "stack_description": {"project": {"dir": FOLDER}},
            "__stack_info": {"questions": []},
            "ansible_python_interpreter": sys.executable,
        },
        "tasks": [{"ansible.builtin.include_role": {"name": "localdev.recovery.init"}}],
    }
    playbook = tmp_path / "play.yml"
    playbook.write_text(json.dumps([play]))
    done = subprocess.run(
        [str(Path(sys.executable).parent / "ansible-playbook"), "--check", str(playbook)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(COLLECTION.parents[2])},
    )
    assert done.returncode == 2, done.stdout
    assert FailureId.FILE_NOT_WRITABLE.id in done.stdout
    assert f"ls -ld {FOLDER}" in done.stdout
