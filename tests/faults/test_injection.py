# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files that are being put into a running container while everything dies: each is the old or the new one."""

from __future__ import annotations

import contextlib
import typing as t

import pytest

from tests.faults.assertions import assert_shows, assert_unchanged
from tests.faults.secrecy import assert_hidden
from tests.harness.engine import docker
from tests.harness.reference_stack import ReferenceStack

REPLACED, NEW = "app/scheduling/schedule.py", "app/extra/new.py"


def read_container_files(stack: ReferenceStack) -> dict[str, str]:
    """Return owner, mode and digest of both files in the container, and other files that an injection could leave."""
    script = (
        f"for f in {REPLACED} {NEW}; do [ ! -e $f ] || echo $f $(stat -c '%u:%g %a' $f) $(sha256sum < $f); done; "
        "find . -name '.*.localdev' -o -type d -name extra"
    )
    found = docker("exec", "--user", "0", f"{stack.name}-backend", "sh", "-c", script).splitlines()
    return {line.split()[0]: line for line in found}


@contextlib.contextmanager
def changed_checkout(stack: ReferenceStack) -> t.Iterator[dict[str, t.Any]]:
    """Yield the variables that inject one changed and one new file."""
    replaced, new = stack.dir / "backend" / REPLACED, stack.dir / "backend" / NEW
    old = replaced.read_text()
    try:
        replaced.write_text(f"{old}\nCHANGED = {'x' * 100_000!r}\n")
        new.parent.mkdir()
        new.write_text("NEW = True\n")
        yield {"code_injection_files": [f"backend/{REPLACED}", f"backend/{NEW}"]}
    finally:
        replaced.write_text(old)
        new.unlink()
        new.parent.rmdir()


@pytest.mark.fault("injection killed at {point}, then {then}", "P1 P2")
@pytest.mark.parametrize(
    ("point", "then"),
    [
        ("kept:container_file", "undo"),
        pytest.param(
            *("after:stop", "code_injection"),
            marks=pytest.mark.soak(reason="kept:container_file here; test_kills runs a killed rebuild again"),
        ),
    ],
)
def test_a_killed_injection_leaves_old_or_new_files(named: ReferenceStack, point: str, then: str) -> None:
    before = read_container_files(named)
    with changed_checkout(named) as variables:
        named.kill_playbook_at(point, "code_injection", **variables)
        if point != "after:stop":
            after = read_container_files(named)
            assert (after == before) == (point == "kept:container_file")
            assert not [path for path in after if path.endswith(".localdev")]
        if then == "code_injection":
            done = named.run_playbook(then, "-vvv", "--diff", **variables)
            assert_hidden(named, named.read_secrets(), [done.output])
            assert_unchanged(named.run_playbook(then, **variables))
            assert read_container_files(named)[REPLACED] != before[REPLACED]
            assert NEW in read_container_files(named)
            assert named.backend_answers()
        named.run_playbook("undo")
    assert read_container_files(named) == before
    assert named.backend_answers()


@pytest.mark.fault("--check --diff of an injection", "P4")
def test_check_mode_says_what_would_be_injected(named: ReferenceStack) -> None:
    before, state = read_container_files(named), named.engine_state()
    with changed_checkout(named) as variables:
        result = named.run_playbook("code_injection", "--check", "--diff", **variables)
    assert (read_container_files(named), named.engine_state()) == (before, state)
    assert not named.state_folder.exists()
    files = result.results("container_files")[-1]["files"]
    actions = {name: item["action"] for item in files for name in (NEW, REPLACED) if item["source"].endswith(name)}
    assert actions == {NEW: "new", REPLACED: "replaced"}
    assert_shows(result, NEW, REPLACED)
    assert "100013" in result.output
