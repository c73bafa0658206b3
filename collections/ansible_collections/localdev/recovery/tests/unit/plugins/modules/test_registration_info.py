# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The sources and the service that registration_info reads."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils._docker.cli import CompletedCommand, Docker
from ansible_collections.localdev.recovery.plugins.modules import registration_info


def test_the_files_that_patterns_stand_for(tmp_path: Path) -> None:
    for name in ("b.py", "a.py", "below/c.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    found = registration_info.expand_source_patterns(["*.py", "**/*.py"], str(tmp_path))
    assert found == [str(tmp_path / name) for name in ("a.py", "b.py", "below/c.py")]
    with pytest.raises(RecoveryError, match=r"There is no file .*/\*\.txt") as caught:
        registration_info.expand_source_patterns(["*.txt"], str(tmp_path))
    assert caught.value.next_command == "correct stack_registration_sources"


STACK: dict[str, t.Any] = {
    "project": {"name": "shop", "dir": "/srv/shop", "files": [], "env_files": [], "profiles": []},
    "alembic": {"service": "api"},
    "services": {
        "api": {"kind": "application", "condition": "exited 1"},
        "web": {"kind": "application", "condition": "running"},
    },
}


def test_the_service_that_is_asked() -> None:
    assert registration_info.find_registration_service(STACK, "") == "api"
    assert registration_info.find_registration_service(STACK, "web") == "web"
    for stack, wanted, why in [(STACK, "none", "No service none"), ({**STACK, "alembic": None}, "", "No application")]:
        with pytest.raises(RecoveryError, match=why) as caught:
            registration_info.find_registration_service(stack, wanted)
        assert caught.value.next_command == "set stack_registration_service"


class Answering(Docker):
    def __init__(self, running: str, done: CompletedCommand) -> None:
        super().__init__()
        self.running = running
        self.done = done

    def run(self, *args: str, **kwargs: t.Any) -> CompletedCommand:
        return CompletedCommand(args, 0, self.running) if args[0] == "ps" else self.done

    def inspect(self, kind: str, names: t.Sequence[str]) -> list[dict[str, t.Any]]:
        return [{"Config": {"Env": ["DB_PASSWORD=hunter22"]}}]


@pytest.mark.parametrize(
    ("running", "done", "why"),
    [
        ("", CompletedCommand((), 0, ""), r"service api has no running container \(exited 1\)"),
        ("c1", CompletedCommand((), 127, "", "there is no Python in it"), "could not be asked for in api: there is no Python"),
        ("c1", CompletedCommand((), 1, 'noise\n@registered {"error": "E: hunter22", "where": "/x.py, line 1"}'),
         r"fails in api: E: \*{8} \(/x\.py, line 1\)"),
        ("c1", CompletedCommand((), 137, ""), "no answer"),
    ],
    ids=["does not run", "no Python", "raises", "killed"],
)  # fmt: skip
def test_an_application_that_gives_no_names(running: str, done: CompletedCommand, why: str) -> None:
    with pytest.raises(RecoveryError, match=why) as caught:
        registration_info.request_registrations(Answering(running, done), STACK, "api", "[]", "rules")
    assert caught.value.next_command


def test_names_among_noise() -> None:
    done = CompletedCommand((), 0, 'noise\n@registered {"names": ["a"]}\nbye\n')
    assert registration_info.request_registrations(Answering("c1", done), STACK, "api", "[]", "rules") == ["a"]
