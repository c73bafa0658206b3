# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import subprocess
import typing as t
from pathlib import Path

import pytest

from ansible_collections.localdev.recovery.plugins.action import project_checkout as checkout_action
from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.modules import project_checkout
from ansible_collections.localdev.recovery.tests.unit.failure_assertions import raises_failure
from ansible_collections.localdev.recovery.tests.unit.plugins.action.transfer_host import Host


def git(folder: Path, *words: str) -> str:
    who = ["-c", "user.name=Test", "-c", "user.email=test@example.com"]
    done = subprocess.run(["git", "-C", str(folder), *who, *words], capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Create a checkout on the controller, with a secret in its origin and files that git does not know."""
    folder = tmp_path / "source"
    folder.mkdir()
    git(folder, "init", "--quiet", "--initial-branch=work")
    (folder / "compose.yaml").write_text("services: {}\n")
    (folder / ".gitignore").write_text(".env\n")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message=first")
    git(folder, "remote", "add", "origin", "https://carol:hunter2@git.example.com/shop.git")
    (folder / ".env").write_text("PASSWORD=hunter2\n")
    (folder / "notes.txt").write_text("hunter2\n")
    return folder


def check_out(host: Host, args: dict[str, t.Any], check: bool = False) -> dict[str, t.Any]:
    return host.run(checkout_action.ActionModule, project_checkout.act, args, check)


def test_what_is_committed_is_sent_and_nothing_else(host: Host, source: Path, tmp_path: Path) -> None:
    dest = tmp_path / "host/shop"
    args = {"dest": str(dest), "source": str(source)}
    assert check_out(host, args, check=True)["changed"]
    assert not dest.exists()
    result = check_out(host, args)
    assert result["commit"] == git(source, "rev-parse", "HEAD")
    assert result["left_behind"] == ["notes.txt"]
    assert sorted(path.name for path in dest.iterdir()) == [".git", ".gitignore", "compose.yaml"]
    assert git(dest, "rev-parse", "--abbrev-ref", "HEAD") == "work"
    found = subprocess.run(["grep", "-r", "hunter2", tmp_path / "host", os.environ["HOME"]], check=False)
    assert found.returncode == 1
    (dest / "compose.yaml").write_text("changed by a person\n")
    assert not check_out(host, args)["changed"]
    assert (dest / "compose.yaml").read_text() == "changed by a person\n"


def test_a_clone_that_was_cut_short_is_no_obstacle(host: Host, source: Path, tmp_path: Path) -> None:
    left = tmp_path / "host/shop.partial"
    left.mkdir(parents=True)
    (left / "half").touch()
    assert check_out(host, {"dest": str(tmp_path / "host/shop"), "repository": str(source)})["changed"]
    assert not left.exists()
    assert not (tmp_path / "host/shop/half").exists()


@pytest.mark.parametrize(
    ("args", "failure", "value"),
    [
        (
            {"repository": "https://carol:hunter2@git.example.com/shop.git"},
            FailureId.REPOSITORY_HAS_SECRET,
            "provision_source",
        ),
        ({}, FailureId.PROJECT_FOLDER_MISSING, "provision_repository"),
        ({"source": "/nowhere"}, FailureId.PROJECT_FOLDER_MISSING, "/nowhere"),
        ({"repository": "/nowhere"}, FailureId.GIT_FAILED, "/nowhere"),
        ({"source": "/"}, FailureId.GIT_FAILED, " /"),
    ],
    ids=["secret", "nothing", "nowhere", "no repository", "no checkout"],
)
def test_what_cannot_be_checked_out(
    host: Host, tmp_path: Path, args: dict[str, t.Any], failure: FailureId, value: str
) -> None:
    with raises_failure(failure, value) as caught:
        check_out(host, {"dest": str(tmp_path / "shop"), **args})
    assert "hunter2" not in str(caught.value)
    assert caught.value.hint or caught.value.next_command
