# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._container.checkout import collect_checkout_files
from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._core.next_command import program_command
from ansible_collections.localdev.recovery.tests.unit.failure_assertions import raises_failure


def test_folders_stand_for_their_files(tmp_path: Path) -> None:
    for name in ("app/b.py", "app/a/c.py", "app/__pycache__/b.pyc", "app/.git/config", "run"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    (tmp_path / "run").chmod(0o755)
    found = collect_checkout_files(str(tmp_path), ["app", str(tmp_path / "run"), "app/b.py"], "")
    assert [Path(source.path).relative_to(tmp_path).as_posix() for source in found] == ["app/b.py", "app/a/c.py", "run"]
    assert [(source.content, source.executable) for source in found[1:]] == [(b"app/a/c.py", False), (b"run", True)]


def test_a_link_keeps_its_own_name(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "x.py").write_text("x")
    (tmp_path / "real" / "link.py").symlink_to("x.py")
    (tmp_path / "folder").symlink_to("real")
    [found] = collect_checkout_files(str(tmp_path), ["folder/link.py"], "")
    assert (found.path, found.content) == (str(tmp_path / "real" / "link.py"), b"x")


@pytest.mark.parametrize(
    ("files", "git_range", "failure", "named"),
    [
        (["none.py"], "", FailureId.FILE_NOT_READABLE, ["none.py", "No such file"]),
        ([], "", FailureId.OPTION_MISSING, ["code_injection_files", "code_injection_git_range"]),
        ([], "a..b", FailureId.GIT_UNKNOWN_RANGE, ["a..b"]),
    ],
)
def test_what_cannot_be_injected(
    tmp_path: Path, files: list[str], git_range: str, failure: FailureId, named: list[str]
) -> None:
    with raises_failure(failure, *named) as caught:
        collect_checkout_files(str(tmp_path), files, git_range)
    if files:
        assert caught.value.next_command == program_command("ls", "-ld", str(tmp_path))
