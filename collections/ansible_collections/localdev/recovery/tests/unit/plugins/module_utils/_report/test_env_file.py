# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible_collections.localdev.recovery.plugins.module_utils._report.env_file import format_env_file_report


def test_the_report_shows_names_and_no_values() -> None:
    answer = {
        "path": "/p/.env", "created": True, "added": ["A", "KEY"], "generated": ["KEY"], "loose": False,
        "weak": [{"name": "W", "problem": "it is a well-known value"}], "notes": ["n"],
    }  # fmt: skip
    kept = {"asides": [{"name": "/p/.env", "aside": "/p/.env.aside-1"}]}
    assert format_env_file_report(answer, run_id="r1", kept=kept) == [
        "Made /p/.env",
        "Added from the example: A",
        "Made up: KEY",
        "weak: W: it is a well-known value",
        "note: n",
        "Kept file /p/.env as /p/.env.aside-1",
        "To take this back: ansible-playbook localdev.recovery.undo -e undo_run_id=r1",
    ]
    nothing = {**answer, "created": False, "added": [], "generated": [], "weak": [], "notes": []}
    assert format_env_file_report(nothing) == ["Nothing to do: /p/.env has every variable that is needed"]
