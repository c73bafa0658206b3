# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Find an Alembic revision in a project's git history, and the files that changed between commits.

These functions only read, and they do not raise: without git, without a repository, or after the timeout they find
nothing.
"""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import tempfile
import time
import typing as t

# Local branches come before remote ones, and branches before released tags.
_REFS = ("refs/heads", "refs/remotes", "refs/tags")
_COMMITS_PER_GREP = 200
_MAX_COMMITS = 50
_PYTHON_FILES = ":(top)*.py"


class RevisionLocation(t.TypedDict):
    """A place of a revision in the history.

    refs: branches and tags whose tip has the revision, as git shortens their names; empty if only an older commit has
    it.
    commit: the tip of the first of them, else the last commit that had the revision.
    """

    refs: list[str]
    commit: str


class ChangedFile(t.NamedTuple):
    """A file that differs between two commits. content: in the later commit, None if it has no such file."""

    path: str
    content: bytes | None
    executable: bool


class _GitUnavailable(Exception):
    """A missing git, a missing repository, or a timeout."""


def find_revision(folder: str, revision: str, *, timeout: float = 20) -> RevisionLocation | None:
    """Find the migration of this Alembic revision in all branches (local and remote) and tags; stashes do not count.

    folder: the repository, or any folder in it. timeout: seconds for all commands together.
    """
    top = find_repository(folder)
    if top is None or not revision:
        return None
    try:
        with _Git(top, timeout) as git:
            return _find_at_tips(git, revision) or _find_in_history(git, revision)
    except _GitUnavailable:
        return None


def find_revisions(folder: str, revisions: t.Iterable[str]) -> list[dict[str, t.Any]]:
    """Return the locations of the revisions that are found, each with its revision."""
    found = ((revision, find_revision(folder, revision)) for revision in revisions)
    return [{"revision": revision, **where} for revision, where in found if where]


def read_head_commit(folder: str) -> str | None:
    """Return the commit that is checked out in a folder's repository, or None."""
    top = find_repository(folder)
    if top is None:
        return None
    try:
        with _Git(top, timeout=5) as git:
            return git.run("rev-parse", "--verify", "--quiet", "HEAD").strip() or None
    except _GitUnavailable:
        return None


def list_changed_files(folder: str, span: str) -> list[ChangedFile] | None:
    """Return the regular files that changed in ``A..B``; ``A`` alone is ``A..HEAD``. Return None for unknown commits.

    The paths are absolute. Symbolic links and submodules are left out.
    """
    top = find_repository(folder)
    if top is None or span.startswith("-"):
        return None
    span = span if ".." in span else f"{span}..HEAD"
    try:
        with _Git(top, timeout=60) as git:
            fields = git.run("diff", "--raw", "-z", "--no-renames", "--no-abbrev", "--no-ext-diff", span, "--").split(
                "\0"
            )
            found = []
            for head, path in zip(fields[::2], fields[1::2]):
                old_mode, new_mode, _old, new, _status = head.lstrip(":").split()
                kind = old_mode if new_mode == "000000" else new_mode
                if kind.startswith("100"):
                    content = None if new_mode == "000000" else git.run_binary("cat-file", "blob", new)
                    found.append(ChangedFile(os.path.join(top, path), content, new_mode == "100755"))
            return found
    except _GitUnavailable:
        return None


def find_repository(folder: str) -> str | None:
    """Return the root of the working tree that a folder is in, or None."""
    path = os.path.realpath(folder)
    while not os.path.exists(os.path.join(path, ".git")):
        if path == os.path.dirname(path):
            return None
        path = os.path.dirname(path)
    return path


def list_tracked_files(folder: str) -> set[str] | None:
    """Return the absolute paths of the files in a folder that git tracks; None if a repository cannot be asked."""
    top = find_repository(folder)
    if top is None:
        return set()
    relative = os.path.relpath(os.path.realpath(folder), top)
    try:
        with _Git(top, timeout=10) as git:
            names = git.run("ls-files", "-z", "--", f":(top,literal){relative}").split("\0")
            return {os.path.join(top, name) for name in names if name}
    except _GitUnavailable:
        return None


def build_revision_pattern(revision: str) -> str:
    """Return a POSIX extended pattern for the line in which a migration names this revision as its own."""
    literal = re.sub(r"([^\w-])", r"[\1]", revision).replace("[^]", r"\^").replace("[\\]", r"\\")
    return rf"""^revision[[:space:]]*(:[^=]*)?=[[:space:]]*[(]?[[:space:]]*[rRuU]?["']{literal}["']"""


def _find_at_tips(git: _Git, revision: str) -> RevisionLocation | None:
    tips: dict[str, list[str]] = {}
    for area in _REFS:
        # An annotated tag has two ids: its own and, last, that of its commit. A symbolic ref repeats another ref.
        lines = git.run(
            "for-each-ref",
            "--sort=-committerdate",
            "--format=%(objectname) %(*objectname)\t%(refname:short)\t%(symref)",
            area,
        )
        for line in lines.splitlines():
            ids, name, symbolic = line.split("\t")
            if not symbolic:
                tips.setdefault(ids.split()[-1], []).append(name)
    matching = git.find_commits_with_line(build_revision_pattern(revision), list(tips))
    if not matching:
        return None
    first = next(commit for commit in tips if commit in matching)
    return {"refs": [name for commit, names in tips.items() if commit in matching for name in names], "commit": first}


def _find_in_history(git: _Git, revision: str) -> RevisionLocation | None:
    """Search the commits that added or removed a line with the revision, and their parents, newest first."""
    log = git.run(
        "log", "--branches", "--remotes", "--tags", f"-S{revision}", "--no-textconv", "--no-ext-diff",
        "--format=%H %P", f"--max-count={_MAX_COMMITS}", "--", _PYTHON_FILES,
    )  # fmt: skip
    for line in log.splitlines():
        for commit in line.split():
            if git.find_commits_with_line(build_revision_pattern(revision), [commit]):
                return {"refs": [], "commit": commit}
    return None


class _Git:
    """A git of one repository of any owner. Nothing in the repository's configuration can start programs."""

    def __init__(self, top: str, timeout: float) -> None:
        self.top = top
        self.deadline = time.monotonic() + timeout
        self._cleanup = contextlib.ExitStack()

    def __enter__(self) -> _Git:
        # The file replaces the user's configuration. Some versions of git read safe.directory only from such a file.
        config = self._cleanup.enter_context(tempfile.NamedTemporaryFile("w", prefix="git-lookup-"))
        quoted = self.top.replace("\\", "\\\\").replace('"', '\\"')
        config.write(f'[safe]\n\tdirectory = "{quoted}"\n')
        config.flush()
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")} | {
            "GIT_CONFIG_GLOBAL": config.name,
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_OPTIONAL_LOCKS": "0",
            "GIT_TERMINAL_PROMPT": "0",
            # Git would otherwise fetch missing objects of a partial clone.
            "GIT_NO_LAZY_FETCH": "1",
            "GIT_ALLOW_PROTOCOL": "none",
            "LC_ALL": "C",
        }
        return self

    def __exit__(self, *_details: object) -> None:
        self._cleanup.close()

    def run(self, *args: str) -> str:
        """Run git and return its output as text."""
        return self.run_binary(*args).decode(errors="replace")

    def run_binary(self, *args: str) -> bytes:
        """Run git and return its output as bytes. Exit code 1 means that git found nothing."""
        command = ("git", "--no-pager", "-c", "core.fsmonitor=false", "-c", "log.showSignature=false", *args)
        try:
            done = subprocess.run(  # pylint: disable=ansible-bad-function
                command,
                cwd=self.top,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=max(0.1, self.deadline - time.monotonic()),
                check=False,
            )
        except (OSError, ValueError, subprocess.TimeoutExpired) as exc:
            raise _GitUnavailable from exc
        if done.returncode > 1:
            raise _GitUnavailable
        return done.stdout

    def find_commits_with_line(self, pattern: str, commits: t.Sequence[str]) -> set[str]:
        """Return which of these commits have a Python file with a line that matches the pattern."""
        found: set[str] = set()
        for start in range(0, len(commits), _COMMITS_PER_GREP):
            batch = commits[start : start + _COMMITS_PER_GREP]
            lines = self.run("grep", "-l", "-I", "-E", "--no-color", "-e", pattern, *batch, "--", _PYTHON_FILES)
            found |= {line.split(":", 1)[0] for line in lines.splitlines()}
        return found
