# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import copy
import dataclasses
import datetime
import json
import typing as t
from pathlib import Path

import hypothesis
import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._docker.cli import CompletedCommand, Docker, Project
from ansible_collections.localdev.recovery.plugins.module_utils._stack.facts import StackFacts
from ansible_collections.localdev.recovery.plugins.module_utils._stack.gather import read_stack_facts

# On a busy machine a single example may take long by chance.
hypothesis.settings.register_profile("patient", deadline=None)
hypothesis.settings.load_profile("patient")

PROJECTS = Path(__file__).parent / "fixtures" / "projects"


class Replay(Docker):
    """A Docker that answers with what fixtures/record.py has recorded of a project."""

    def __init__(self, name: str) -> None:
        folder = PROJECTS / name
        wanted = json.loads((folder / "recording.json").read_text())
        super().__init__(Project(str(folder), files=tuple(wanted.get("files", ()))))
        self.recorded: dict[str, t.Any] = {
            path.stem: json.loads(path.read_text().replace("/project", str(folder)))
            for path in (folder / "recorded").glob("*.json")
        }
        self.calls: list[tuple[str, ...]] = []
        # Replaces the answer to the commands that hold these words: (return code, stdout, stderr).
        self.instead: dict[str, tuple[int, str, str]] = {}

    def run(self, *args: str, check: bool = True, **kwargs: t.Any) -> CompletedCommand:
        self.calls.append(args)
        line = " ".join(args)
        code, stdout, stderr = next(
            (answer for words, answer in self.instead.items() if words in line), self._answer(args)
        )
        result = CompletedCommand(args, code, stdout, stderr)
        if check and code != 0:
            raise self.build_error(result)
        return result

    def _answer(self, args: tuple[str, ...]) -> tuple[int, str, str]:
        answers = self.recorded["answers"]
        if args[1:] == ("version", "--short"):
            return 0, answers["compose_version"], ""
        if args[0] == "version":
            return 0, json.dumps(answers["version"]), ""
        if "--services" in args:
            return 0, "\n".join(answers["enabled"]), ""
        if "--hash" in args:
            return 0, "\n".join(f"{name} {value}" for name, value in answers["hashes"].items()), ""
        if "config" in args:
            if answers["every_profile_error"] and "--profile" in args:
                return 15, "", answers["every_profile_error"]
            return 0, json.dumps(self.recorded["config"]), ""
        if args[0] == "ps":
            labels = "com.docker.compose.project", "com.docker.compose.oneoff"
            rows = [
                (item["Id"], *(item["Config"]["Labels"][key] for key in labels)) for item in self.recorded["containers"]
            ]
            return 0, "\n".join(" ".join(row) for row in rows), ""
        if args[0] == "context":
            return 0, json.dumps([{"Endpoints": {"docker": {"Host": "unix:///var/run/docker.sock"}}}]), ""
        if args[1:2] == ("inspect",):
            keys = {"container": "Id", "volume": "Name"}
            recorded = self.recorded[f"{args[0]}s"]
            found = [item for item in recorded if args[0] not in keys or item[keys[args[0]]] in args]
            missing = len(found) < len(args) - 2
            return int(missing), json.dumps(found), "Error: No such object" if missing else ""
        if args[1:2] == ("ls",):
            # No run has kept a volume or an image.
            return 0, "", ""
        if args[0] == "logs":
            return 0, f"log of {args[-1][:12]}\n", "planted-broken appears here\n"
        raise AssertionError(f"not recorded: docker {' '.join(args)}")


@pytest.fixture
def replay() -> type[Replay]:
    """Return a function: ``replay("runbook")`` is a Docker with the recorded outputs of that project."""
    return Replay


@pytest.fixture
def facts_of() -> t.Callable[[str], StackFacts]:
    """Return a function: ``facts_of("runbook")`` are the facts of a project at the time of its recording."""

    def read(name: str) -> StackFacts:
        docker = Replay(name)
        now = datetime.datetime.fromisoformat(docker.recorded["answers"]["now"])
        return dataclasses.replace(read_stack_facts(docker), now=now)

    return read


@pytest.fixture
def changed() -> t.Callable[..., StackFacts]:
    """Return a function: ``changed(facts, change)`` is a copy of facts with other configuration and containers."""

    def change(facts: StackFacts, function: t.Callable[[StackFacts], t.Any]) -> StackFacts:
        copied = dataclasses.replace(
            facts,
            config=copy.deepcopy(facts.config),
            containers=copy.deepcopy(facts.containers),
            images=copy.deepcopy(facts.images),
            volumes=copy.deepcopy(facts.volumes),
        )
        function(copied)
        return copied

    return change
