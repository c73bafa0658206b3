# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import shlex
from typing import Any

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._core.next_command import (
    Line,
    NextCommand,
    playbook_command,
    program_command,
)
from localdev_recovery.commands import format_command, format_line

TARGET = ["-C", "/srv/a"]
RUN_ID = "20260131T100000Z-1f2e"
TEMPLATE = "{{ lookup('pipe', 'id') }}"


def restart_command(**variables: Any) -> NextCommand:
    return playbook_command("container_recovery", container_recovery_action="restart", **variables)


@pytest.mark.parametrize(
    ("command", "text"),
    [
        (playbook_command("undo"), "localdev undo -C /srv/a"),
        (playbook_command("undo", undo_run_id=RUN_ID), f"localdev undo -C /srv/a {RUN_ID}"),
        (playbook_command("volume_transition", volume_transition_to="bind"), "localdev volume to-bind -C /srv/a"),
        (
            playbook_command("schema_recovery", schema_recovery_target="a1"),
            "localdev schema repair -C /srv/a --target a1",
        ),
        (playbook_command("cleanup", cleanup_keep=2), "localdev cleanup -C /srv/a --keep 2"),
        (playbook_command("cleanup", cleanup_older_than_days=0.5), "localdev cleanup -C /srv/a --older-than 0.5"),
        (
            playbook_command("cleanup", cleanup_runs=[RUN_ID], cleanup_also_newest=True),
            f"localdev cleanup -C /srv/a --also-newest {RUN_ID}",
        ),
        (playbook_command("full_rebuild", full_rebuild_seed=False), "localdev rebuild -C /srv/a --no-seed"),
        (restart_command(container_recovery_services=["api", "web"]), "localdev container restart -C /srv/a api web"),
        (
            restart_command(container_recovery_services=["api"], container_recovery_recreate=True),
            "localdev container restart -C /srv/a --recreate api",
        ),
        (
            playbook_command(
                "container_recovery", container_recovery_action="rebuild", container_recovery_no_cache=True
            ),
            "localdev container rebuild -C /srv/a --no-cache",
        ),
        # The option that sets the variable to the name of a private file is for secrets.
        (
            playbook_command("admin_account", admin_account_password_file="/run/p"),
            "localdev admin repair -C /srv/a --password-file /run/p",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_playbook_is_the_verb_with_its_options(command: NextCommand, text: str) -> None:
    assert format_command(command, TARGET) == text


@pytest.mark.parametrize(
    ("variables", "argument"),
    [
        ({"stack_no_log": False}, '{"stack_no_log": false}'),
        # The switch can only set the other value.
        ({"full_rebuild_seed": True}, '{"full_rebuild_seed": true}'),
        ({"stack_excluded_services": ["a b", "c"]}, '{"stack_excluded_services": ["a b", "c"]}'),
        ({"stack_login_path": TEMPLATE}, f'{{"stack_login_path": "{TEMPLATE}"}}'),
    ],
    ids=["without an option", "switch", "list", "template"],
)
def test_a_variable_without_an_option_is_json(variables: dict[str, Any], argument: str) -> None:
    text = format_command({"playbook": "full_rebuild", "vars": variables}, TARGET)
    assert shlex.split(text) == ["localdev", "rebuild", *TARGET, "-e", argument]


@pytest.mark.parametrize("value", ["my backup", TEMPLATE, "it's", "$HOME"])
def test_a_shell_and_ansible_read_values_as_they_are(value: str) -> None:
    text = format_command(playbook_command("restore", restore_select=value), ["-C", value])
    assert shlex.split(text) == ["localdev", "restore", "-C", value, value]


def test_a_name_that_begins_with_a_dash_is_no_option() -> None:
    text = format_command(restart_command(container_recovery_services=["-x"], container_recovery_recreate=True))
    assert text == "localdev container restart --recreate -- -x"


@pytest.mark.parametrize(
    ("command", "text"),
    [
        (
            playbook_command("container_recovery", container_recovery_action="destroy"),
            "ansible-playbook localdev.recovery.container_recovery -e container_recovery_action=destroy",
        ),
        (playbook_command("docker_engine"), "ansible-playbook localdev.recovery.docker_engine"),
        (
            program_command("docker", "compose", "logs", "my db", cwd="/srv/a b"),
            "cd '/srv/a b' && docker compose logs 'my db'",
        ),
        (program_command("localdev", "rebuild", "--help"), "localdev rebuild --help"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_other_commands_stay_as_they_are(command: NextCommand, text: str) -> None:
    assert format_command(command, TARGET) == text


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("A text with ansible-playbook localdev.recovery.undo", "A text with ansible-playbook localdev.recovery.undo"),
        ([], ""),
        (
            ["To undo this: ", playbook_command("undo", undo_run_id=RUN_ID), "."],
            f"To undo this: localdev undo -C /srv/a {RUN_ID}.",
        ),
    ],
    ids=["text", "empty", "parts"],
)
def test_a_line_of_parts(line: Line, text: str) -> None:
    assert format_line(line, TARGET) == text
