# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the rescue section of every procedure does in check mode, for which no engine is needed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

COLLECTION = Path(__file__).resolve().parents[2]
RUN = "localdev.recovery.recovery_run"


def test_a_step_that_fails_in_check_mode_ends_in_its_own_error(tmp_path: Path) -> None:
    project = {"name": "shop", "dir": str(tmp_path), "files": [], "env_files": [], "profiles": []}
    play = {
        "hosts": "localhost",
        "gather_facts": False,
        "vars": {"stack_description": {"project": project, "services": {}, "database": None}},
        "tasks": [
            {
                "ansible.builtin.include_role": {"name": RUN, "tasks_from": "start"},
                "vars": {"recovery_run_procedure": "test"},
            },
            {
                "block": [{"name": "Make coffee", "ansible.builtin.fail": {"msg": "There are no beans"}}],
                "rescue": [{"ansible.builtin.include_role": {"name": RUN, "tasks_from": "roll_back"}}],
            },
        ],
    }
    playbook = tmp_path / "play.yml"
    playbook.write_text(json.dumps([play]))
    done = subprocess.run(
        [str(Path(sys.executable).parent / "ansible-playbook"), "--check", str(playbook)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(COLLECTION.parents[2]), "COLUMNS": "200"},
    )
    assert done.returncode == 2
    assert "Make coffee: There are no beans" in done.stdout + done.stderr
    assert "Check mode has changed nothing" in done.stdout + done.stderr
    assert "There is no run" not in done.stdout + done.stderr
    assert list(tmp_path.iterdir()) == [playbook]
