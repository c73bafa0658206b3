# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._docker.shell_command import (
    find_last_command,
    list_programs,
)


@pytest.mark.parametrize(
    ("command", "programs", "last"),
    [
        pytest.param([], [], "", id="none"),
        pytest.param(["/usr/bin/celery", "-A", "x"], ["celery"], "/usr/bin/celery -A x", id="plain"),
        pytest.param(
            ["sh", "-c", "alembic upgrade head && exec A=1 uvicorn x"],
            ["alembic", "uvicorn"],
            "exec A=1 uvicorn x",
            id="script of two",
        ),
        pytest.param(["bash", "-ec", "a; b | c"], ["a", "b", "c"], "c", id="shell options"),
        pytest.param(["bash", "scripts/start.sh"], ["start.sh"], "bash scripts/start.sh", id="script file"),
        pytest.param(["env", "A=1", "tini", "--", "postgres"], ["postgres"], "env A=1 tini -- postgres", id="wrapped"),
        pytest.param(["sh"], ["sh"], "sh", id="bare shell"),
        pytest.param(["sh", "-c", "echo 'open"], ["echo"], "echo 'open", id="broken quoting"),
    ],
)
def test_programs_and_last_part(command: list[str], programs: list[str], last: str) -> None:
    assert list_programs(command) == programs
    assert find_last_command(command) == last
