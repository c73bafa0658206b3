# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import os
import re
import socket
import typing as t
from pathlib import Path

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._docker.cli import CompletedCommand, Docker
from ansible_collections.localdev.recovery.plugins.module_utils._stack.state_place import (
    EngineAccess,
    StatePlace,
    choose_state_place,
    get_user_state_folder,
    is_engine_of_user,
    read_state_place,
)

Json = dict[str, t.Any]
SYSTEM = "unix:///var/run/docker.sock"
ROOTLESS = "unix:///run/user/1000/docker.sock"


@pytest.mark.parametrize(
    ("access", "place"),
    [
        (EngineAccess(SYSTEM, socket_owner=0, socket_group=998), StatePlace("/var/lib/localdev", 998)),
        (EngineAccess("unix:///run/podman/podman.sock", False, 0, 0), StatePlace("/var/lib/localdev", 0)),
        # The socket of an engine that is not started.
        (EngineAccess(SYSTEM), StatePlace("/var/lib/localdev", 0)),
        (EngineAccess(ROOTLESS, of_user=True, socket_owner=1000, socket_group=1000), "c6bbd7a2c6a3e5d4"),
        (EngineAccess(ROOTLESS), "c6bbd7a2c6a3e5d4"),
        # The socket of a rootless engine may be mounted into a container, whose root it then belongs to.
        (EngineAccess(SYSTEM, of_user=True, socket_owner=0, socket_group=0), "dd"),
        (EngineAccess("unix:///home/me/.docker/desktop/docker.sock", True, 1000, 1000), "desktop"),
        (EngineAccess("unix:///run/user/1000/podman/podman.sock", False, 1000, 1000), "podman"),
        (EngineAccess("ssh://far.example.org", identity="RNDM:D76M:XYLQ"), "RNDMD76MXYLQ"),
        (EngineAccess("tcp://far.example.org:2375", identity="RNDM:D76M:XYLQ"), "RNDMD76MXYLQ"),
        (EngineAccess("ssh://down.example.org"), "down"),
    ],
)
def test_where_runs_are_recorded(access: EngineAccess, place: StatePlace | str) -> None:
    found = choose_state_place(access, "/home/me/.local/state/localdev")
    if isinstance(place, StatePlace):
        assert found == place
    else:
        assert (os.path.dirname(found.root), found.group) == ("/home/me/.local/state/localdev", None)
        if place.isupper():
            assert os.path.basename(found.root) == place


def test_each_engine_of_a_user_has_a_place_of_its_own() -> None:
    addresses = ["unix:///run/user/1000/docker.sock", "unix:///run/user/1000/podman/podman.sock", "tcp://a", "tcp://b"]
    roots = {choose_state_place(EngineAccess(address, of_user=True), "/state").root for address in addresses}
    assert len(roots) == len(addresses)


@pytest.mark.parametrize("name", ["", "..", ".projects", "a/b", "Shop", "-a"])
def test_only_a_project_name_names_a_folder(name: str) -> None:
    with pytest.raises(ValueError, match=re.escape(repr(name))):
        StatePlace("/var/lib/localdev", 0).describe(name)


def test_the_place_of_a_stack() -> None:
    assert StatePlace("/var/lib/localdev", 998).describe("shop_1") == {
        "root": "/var/lib/localdev",
        "folder": "/var/lib/localdev/shop_1",
        "group": 998,
    }


@pytest.mark.parametrize(
    ("variable", "wanted"),
    [("/srv/state", "/srv/state"), ("", "/home/me/.local/state"), ("x", "/home/me/.local/state")],
    ids=["absolute", "empty", "relative counts as unset"],
)
def test_the_folder_of_a_user(monkeypatch: pytest.MonkeyPatch, variable: str, wanted: str) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    monkeypatch.setenv("XDG_STATE_HOME", variable)
    assert get_user_state_folder() == f"{wanted}/localdev"


@pytest.mark.parametrize(
    ("server", "wanted"),
    [
        ({"Platform": {"Name": "Docker Engine - Community"}, "Components": [{"Name": "Engine"}]}, False),
        ({"Platform": {"Name": "Docker Desktop 4.30.0 (149282)"}}, True),
        ({"Components": [{"Name": "Engine"}, {"Name": "rootlesskit"}]}, True),
        ({}, False),
    ],
)
def test_engines_that_run_for_one_user(server: Json, wanted: bool) -> None:
    assert is_engine_of_user({"Server": server}) is wanted


class Engines(Docker):
    """A CLI with one context, and the id of the engine behind it. calls: what it was asked."""

    def __init__(self, address: str) -> None:
        super().__init__()
        self.address = address
        self.calls: list[tuple[str, ...]] = []

    def run(self, *args: str, **options: t.Any) -> CompletedCommand:
        self.calls.append(args)
        if args[0] == "info":
            return CompletedCommand(args, 0, "ABCD:EFGH\n")
        return CompletedCommand(args, 0, json.dumps([{"Endpoints": {"docker": {"Host": self.address}}}]))


def test_the_default_engine_is_asked_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    docker = Engines("")
    read_state_place(docker, {"Client": {"Context": "default"}})
    assert docker.calls == []


def test_the_socket_says_whose_engine_it_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "docker.sock"))
        place = read_state_place(Engines(f"unix://{tmp_path}/docker.sock"), None)
    if os.geteuid() == 0:
        assert place == StatePlace("/var/lib/localdev", os.getegid())
    else:
        assert (os.path.dirname(place.root), place.group) == (str(tmp_path / "localdev"), None)


def test_a_remote_engine_is_known_by_its_id(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setenv("DOCKER_HOST", "ssh://far.example.org")
    docker = Engines("")
    place = read_state_place(docker, {"Client": {"Context": "default"}})
    assert place == StatePlace(str(tmp_path / "localdev" / "ABCDEFGH"), None)
    assert [call[0] for call in docker.calls] == ["info"]
