# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import shlex
import typing as t

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._core.next_command import (
    NextCommand,
    format_line,
    format_next_command,
    playbook_command,
    program_command,
)


@pytest.mark.parametrize(
    ("command", "shown"),
    [
        (playbook_command("status"), "ansible-playbook localdev.recovery.status"),
        (
            playbook_command("undo", undo_run_id="20260131T100000Z-1f2e"),
            "ansible-playbook localdev.recovery.undo -e undo_run_id=20260131T100000Z-1f2e",
        ),
        (
            playbook_command("env_file", env_file_new_database=True, a=3),
            "ansible-playbook localdev.recovery.env_file -e env_file_new_database=true -e a=3",
        ),
        (program_command("docker", "ps", "--format", "{{.Names}}"), "docker ps --format '{{.Names}}'"),
        (program_command("git", "status", cwd="/srv/my shop"), "cd '/srv/my shop' && git status"),
    ],
)
def test_a_command_as_a_shell_takes_it(command: NextCommand, shown: str) -> None:
    assert format_next_command(command) == shown


@pytest.mark.parametrize("value", ["two words", "it's", "", "a=b c=d", ["api", "web"], {"a": "{% b %}"}, "yes;no"])
def test_a_value_that_ansible_would_read_otherwise_is_passed_as_json(value: t.Any) -> None:
    words = shlex.split(format_next_command(playbook_command("restart", services=value)))
    assert words[:3] == ["ansible-playbook", "localdev.recovery.restart", "-e"]
    expected = {"a": {"__ansible_unsafe": "{% b %}"}} if isinstance(value, dict) else value
    assert json.loads(words[3]) == {"services": expected}


def test_a_template_in_a_value_is_data() -> None:
    words = shlex.split(format_next_command(playbook_command("restore", restore_select="{{ x }}")))
    assert json.loads(words[-1]) == {"restore_select": {"__ansible_unsafe": "{{ x }}"}}


def test_a_line_of_text_and_commands() -> None:
    assert format_line("text") == "text"
    line = ["To see more: ", program_command("docker", "ps"), " or ", playbook_command("status"), "."]
    assert format_line(line) == "To see more: docker ps or ansible-playbook localdev.recovery.status."
