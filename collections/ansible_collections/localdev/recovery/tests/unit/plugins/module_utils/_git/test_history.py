# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import subprocess
import typing as t
from pathlib import Path

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._git import history
from ansible_collections.localdev.recovery.plugins.module_utils._git.history import (
    _Git,
    find_revision,
    find_revisions,
    list_changed_files,
)


class Repository:
    def __init__(self, root: Path) -> None:
        self.root = root
        self.clock = 1_700_000_000
        self.git("init", "--quiet", "--initial-branch=main")
        self.commit("README", "")

    def git(self, *args: str) -> str:
        self.clock += 60
        names = {f"GIT_{who}_{what}": "x@example.com" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
        dates = {f"GIT_{who}_DATE": f"{self.clock} +0000" for who in ("AUTHOR", "COMMITTER")}
        plain = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
        return subprocess.run(
            ("git", *args), cwd=self.root, env={**os.environ, **names, **dates, **plain}, check=True,
            capture_output=True, text=True,
        ).stdout.strip()  # fmt: skip

    def commit(self, name: str, text: str | None) -> str:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if text is None:
            path.unlink()
        else:
            path.write_text(text)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", f"--message={name}")
        return self.git("rev-parse", "HEAD")

    def branch(self, name: str, start: str = "main") -> None:
        self.git("checkout", "--quiet", "-b", name, start)

    def migration(self, revision: str, down: str = "") -> str:
        text = f'"""{revision}\n\nRevises: {down}\n"""\nrevision = "{revision}"\ndown_revision = "{down}"\n'
        return self.commit(f"server/versions/{revision}.py", text)


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path)


def test_a_branch_that_has_it(repository: Repository) -> None:
    repository.branch("feature/people")
    commit = repository.migration("20260101_people")
    repository.git("tag", "v1")
    repository.git("tag", "--annotate", "--message=x", "v2")
    repository.git("update-ref", "refs/remotes/origin/feature/people", "HEAD")
    repository.git("symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/feature/people")
    repository.git("checkout", "--quiet", "main")
    found = find_revision(str(repository.root), "20260101_people")
    assert found is not None
    assert found["commit"] == commit
    assert found["refs"][:2] == ["feature/people", "origin/feature/people"]
    assert sorted(found["refs"][2:]) == ["v1", "v2"]


def test_from_any_folder_of_the_repository(repository: Repository) -> None:
    repository.migration("feed")
    (repository.root / "deep" / "er").mkdir(parents=True)
    assert find_revision(str(repository.root / "deep" / "er"), "feed") is not None


def test_what_only_builds_on_it_does_not_count(repository: Repository) -> None:
    repository.migration("beef", down="feed")
    repository.commit("notes.py", "# revision = 'feed'\nold_revision = 'feed'\n'''\n  revision = 'feed'\n'''\n")
    repository.commit("notes.txt", "revision = 'feed'\n")
    assert find_revision(str(repository.root), "feed") is None
    assert find_revision(str(repository.root), "bee") is None
    assert find_revision(str(repository.root), "beef") is not None


@pytest.mark.parametrize(
    "line",
    [
        "revision = 'fe.ed'",
        'revision="fe.ed"',
        "revision: str = 'fe.ed'",
        "revision: typing.Final[str]  =  'fe.ed'  # noqa",
        "revision = ('fe.ed')",
        "revision = u'fe.ed'",
    ],
)
def test_ways_to_write_it(repository: Repository, line: str) -> None:
    repository.commit("m.py", f"{line}\n")
    assert find_revision(str(repository.root), "fe.ed") is not None
    assert find_revision(str(repository.root), "fexed") is None


@pytest.mark.parametrize("revision", ["a^b", "a\\b", "[a]", "a]b", "$a", "-x", "a b", "é"])
def test_odd_revisions_are_taken_literally(repository: Repository, revision: str) -> None:
    repository.commit("m.py", f"revision = '{revision}'\n")
    assert find_revision(str(repository.root), revision) is not None
    assert find_revision(str(repository.root), revision + "?") is None


def test_the_last_commit_that_had_it(repository: Repository) -> None:
    repository.migration("feed")
    last = repository.commit("server/versions/other.py", "x = 1\n")
    removed = repository.commit("server/versions/feed.py", None)
    repository.migration("beef", down="feed")
    found = find_revision(str(repository.root), "feed")
    assert found == {"refs": [], "commit": last}
    assert found["commit"] != removed


def test_of_a_branch_that_is_gone_there_is_nothing(repository: Repository) -> None:
    repository.branch("gone")
    repository.migration("feed")
    repository.git("checkout", "--quiet", "main")
    assert find_revision(str(repository.root), "feed") is not None
    repository.git("branch", "--quiet", "--delete", "--force", "gone")
    assert find_revision(str(repository.root), "feed") is None


def test_stashes_do_not_count(repository: Repository) -> None:
    (repository.root / "m.py").write_text("revision = 'feed'\n")
    repository.git("add", "m.py")
    repository.git("stash", "push", "--quiet")
    assert find_revision(str(repository.root), "feed") is None


def test_several_at_once(repository: Repository) -> None:
    commit = repository.migration("feed")
    expected = [{"revision": "feed", "refs": ["main"], "commit": commit}]
    assert find_revisions(str(repository.root), ["feed", "nowhere"]) == expected
    assert find_revisions(str(repository.root), []) == []


def test_many_branches(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "_COMMITS_PER_GREP", 2)
    for number in range(5):
        repository.branch(f"b{number}")
        repository.commit("n", str(number))
    repository.migration("feed")
    found = find_revision(str(repository.root), "feed")
    assert found is not None
    assert found["refs"] == ["b4"]


def test_no_repository_and_no_folder(tmp_path: Path) -> None:
    assert find_revision(str(tmp_path), "feed") is None
    assert find_revision(str(tmp_path / "nowhere"), "feed") is None
    (tmp_path / ".git").write_text("gitdir: /nowhere\n")
    assert find_revision(str(tmp_path), "feed") is None


def test_an_empty_repository(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "--quiet", str(tmp_path)], check=True)
    assert find_revision(str(tmp_path), "feed") is None


@pytest.mark.parametrize("revision", ["", "a\0b", "a\nb"])
def test_what_is_no_revision(repository: Repository, revision: str) -> None:
    assert find_revision(str(repository.root), revision) is None


def test_no_git(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    repository.migration("feed")
    monkeypatch.setenv("PATH", "/nowhere")
    assert find_revision(str(repository.root), "feed") is None


def test_no_time(repository: Repository, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    repository.migration("feed")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "git").write_text("#!/bin/sh\nexec sleep 30\n")
    (tmp_path / "bin" / "git").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:{os.environ['PATH']}")
    assert find_revision(str(repository.root), "feed", timeout=0.2) is None


def test_the_callers_own_git_environment_does_not_matter(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository.migration("feed")
    monkeypatch.setenv("GIT_DIR", "/nowhere")
    monkeypatch.setenv("GIT_PAGER", "false")
    assert find_revision(str(repository.root), "feed") is not None


def test_the_repository_of_another_user(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    """Read it with safe.directory in an environment variable. Without it git refuses; no file has to change."""
    repository.migration("feed")
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    status = subprocess.run(["git", "status"], cwd=repository.root, capture_output=True, text=True, check=False)
    assert "dubious ownership" in status.stderr
    # Variables of git's own are not handed on, so that of the test is put in again.
    monkeypatch.setattr(history, "_Git", assuming_another_owner())
    assert find_revision(str(repository.root), "feed") is not None
    assert "safe" not in (repository.root / ".git" / "config").read_text()


def assuming_another_owner() -> t.Any:
    class Assuming(_Git):
        def __enter__(self) -> t.Any:
            super().__enter__()
            self.environment["GIT_TEST_ASSUME_DIFFERENT_OWNER"] = "1"
            return self

    return Assuming


def test_the_repositorys_configuration_starts_no_program(repository: Repository, tmp_path: Path) -> None:
    repository.migration("feed")
    repository.commit("server/versions/feed.py", None)
    started = tmp_path / "started"
    for name in ("core.fsmonitor", "core.pager", "gpg.program", "diff.external", "diff.py.textconv", "core.sshCommand"):
        repository.git("config", name, f"touch {started}; true")
    repository.git("config", "log.showSignature", "true")
    (repository.root / ".git" / "info").mkdir(exist_ok=True)
    (repository.root / ".git" / "info" / "attributes").write_text("*.py diff=py\n")
    assert find_revision(str(repository.root), "feed") is not None
    assert not started.exists()


def test_what_changed_between_two_commits(repository: Repository) -> None:
    root = repository.root
    start = repository.commit("app/kept.py", "old")
    repository.commit("app/away.py", "old")
    (root / "app" / "link").symlink_to("kept.py")
    middle = repository.commit("a b.bin", "x")
    (root / "app" / "run").write_bytes(b"\xff\0")
    (root / "app" / "run").chmod(0o755)
    repository.commit("app/away.py", None)
    repository.commit("app/kept.py", "new")
    (root / "app" / "kept.py").write_text("not committed")
    found = list_changed_files(str(root / "app"), f"{middle}..HEAD")
    assert found == [
        (f"{root}/app/away.py", None, False),
        (f"{root}/app/kept.py", b"new", False),
        (f"{root}/app/run", b"\xff\0", True),
    ]
    assert found == list_changed_files(str(root), middle)
    names = {item.path for item in list_changed_files(str(root), start) or []}
    assert f"{root}/a b.bin" in names
    assert f"{root}/app/link" not in names
    assert list_changed_files(str(root), "HEAD..HEAD") == []


@pytest.mark.parametrize("span", ["none..such", "--output=/tmp/x", "HEAD..none"])
def test_a_range_that_git_does_not_know(repository: Repository, span: str) -> None:
    assert list_changed_files(str(repository.root), span) is None
