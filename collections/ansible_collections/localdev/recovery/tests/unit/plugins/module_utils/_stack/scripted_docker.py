# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Example services, and a Docker whose containers follow a script."""

from __future__ import annotations

import graphlib
import typing as t

from ansible_collections.localdev.recovery.plugins.module_utils._docker.cli import CompletedCommand, Docker


def service(kind: str = "other", **more: t.Any) -> dict[str, t.Any]:
    return {
        "kind": kind,
        "one_shot": False,
        "enabled": True,
        "excluded": False,
        "depends_on": {},
        "stop_grace_period_s": 10.0,
        "stateful": False,
        "health_check": None,
        **more,
    }


def stack_of(**described: dict[str, t.Any]) -> dict[str, t.Any]:
    order = graphlib.TopologicalSorter({name: s["depends_on"] for name, s in described.items()})
    order.prepare()
    waves = []
    while order.is_active():
        waves.append(sorted(order.get_ready()))
        order.done(*waves[-1])
    return {
        "project": {"name": "shop", "dir": "/", "files": ["/a b.yml"], "env_files": [], "profiles": []},
        "services": described,
        "database": {"service": "db", "user": "owner", "name": "shop", "port": 5433},
        "start_order": waves,
    }


def check(*test: str, inherited: bool = False) -> dict[str, t.Any]:
    return {"test": list(test), "source": "compose", "inherited": inherited, "url": None}


def state(status: str, code: int = 0, restarts: int = 0, **more: t.Any) -> dict[str, t.Any]:
    running = status in ("running", "paused", "restarting")
    return {
        "Id": "id",
        "Name": "/shop-x-1",
        "RestartCount": restarts,
        "State": {"Status": status, "ExitCode": code, "Running": running, **more},
        "Config": {"Env": [], "Labels": {}},
    }


class ScriptedDocker(Docker):
    """A Docker with containers by service. Each function in looks runs before one look at them and may change them.

    listings: how often all containers were listed. log: lines of every container.
    """

    def __init__(self, **containers: dict[str, t.Any]) -> None:
        super().__init__()
        self.now = containers
        self.answers: dict[str, list[int]] = {}
        self.started: list[list[str]] = []
        self.looks: list[t.Callable[[], None]] = []
        self.listings = 0
        self.log: list[str] = []

    def containers(self, project_name: str) -> list[dict[str, t.Any]]:
        self.listings += 1
        return self._look()

    def inspect(self, kind: str, names: t.Sequence[str]) -> list[dict[str, t.Any]]:
        return [container for container in self._look() if container["Id"] in names]

    def _look(self) -> list[dict[str, t.Any]]:
        if self.looks:
            self.looks.pop(0)()
        for name, container in self.now.items():
            container["Id"] = container.get("made_again", name)
            container["Config"]["Labels"] = {"com.docker.compose.service": name}
        return list(self.now.values())

    def run(self, *args: str, **kwargs: t.Any) -> CompletedCommand:
        if args[0] == "start":
            self.started.append([args[1]])
            self.now[args[1]]["State"].update(Status="running", Running=True)
        if args[0] == "stop":
            self.started.append(["stop", args[3], args[2]])
        if args[0] == "exec":
            codes = self.answers.get(args[1], [0])
            return CompletedCommand(args, codes.pop(0) if len(codes) > 1 else codes[0], "connection refused", "")
        if args[0] == "logs":
            lines = self.log or [f"log of {args[-1]} with s3cret-value"]
            return CompletedCommand(args, 0, "\n".join(lines[-int(args[2]) :]), "")
        return CompletedCommand(args, 0, "", "")
