# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import datetime
import hashlib
import typing as t
from pathlib import Path

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._docker.cli import CompletedCommand, Docker
from ansible_collections.localdev.recovery.plugins.module_utils._stack import build_context
from ansible_collections.localdev.recovery.plugins.module_utils._stack.build_context import read_build_contexts
from ansible_collections.localdev.recovery.plugins.module_utils._stack.facts import (
    BuildContext,
    ProjectFiles,
    StackFacts,
)
from ansible_collections.localdev.recovery.plugins.module_utils._stack.image_drift import (
    find_image_changes,
    list_edited_files,
)

DOCKERFILE = "FROM python:3.13\nWORKDIR /app\nCOPY requirements.txt .\nCOPY . .\nCMD x\n"
HISTORY = "CMD x\nCOPY . . # buildkit\nCOPY requirements.txt . # buildkit\nWORKDIR /app\nbase\n"
FILES = {
    "Dockerfile": DOCKERFILE,
    ".dockerignore": "Dockerfile\n.dockerignore\ntests\n",
    "requirements.txt": "fastapi\n",
    "app/main.py": "print(1)\n",
    "app/__pycache__/main.pyc": "x",
    "tests/test_main.py": "x",
}


class Container(Docker):
    """A container whose files are what the context was when its image was built."""

    def __init__(self, context: Path) -> None:
        super().__init__()
        self.context = context
        self.there = {
            f"/app/{name}": hashlib.sha256((context / name).read_bytes()).hexdigest()
            for name in ("requirements.txt", "app/main.py")
        }
        self.changed = ""
        self.shell = True
        self.calls: list[str] = []

    def run(self, *args: str, check: bool = True, **options: t.Any) -> CompletedCommand:
        self.calls.append(args[0])
        if args[0] == "exec":
            if not self.shell:
                return CompletedCommand(args, 126, "", "exec: sh: executable file not found")
            names = options["stdin"].split("\0")
            return CompletedCommand(args, 0, "".join(f"{self.there[n]}  {n}\n" for n in names if n in self.there))
        if args[0] == "diff":
            return CompletedCommand(args, 0, self.changed)
        if args[0] == "history":
            return CompletedCommand(args, 0, HISTORY)
        raise AssertionError(args)


@pytest.fixture
def docker(tmp_path: Path) -> Container:
    """Return a Docker with an image that is older than everything in the context, as after a clone."""
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return Container(tmp_path)


def found(docker: Container, *, running: bool = True, image: str = "sha256:1", **service: t.Any) -> BuildContext:
    created = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC).isoformat().replace("+00:00", "Z")
    container = {
        "Id": "c1",
        "Name": "/shop-api-1",
        "Image": image,
        "Config": {"Labels": {"com.docker.compose.service": "api"}},
        "State": {"Status": "running" if running else "exited"},
    }
    facts = StackFacts(
        config={"name": "shop", "services": {"api": {"build": {"context": str(docker.context)}, **service}}},
        project=ProjectFiles(str(docker.context)),
        containers=[container],
        images=[{"Id": "sha256:1", "RepoTags": ["shop-api:latest"], "Created": created, "Config": {}}],
    )
    return read_build_contexts(docker, facts)["api"]


def paths(context: BuildContext) -> list[tuple[str, bool]]:
    return [(change["path"], change["proved"]) for change in find_image_changes(context)]


def test_a_fresh_clone_does_not_outdate_an_image_and_costs_one_command(docker: Container) -> None:
    assert paths(found(docker)) == []
    assert docker.calls == ["exec", "history"]


def test_a_changed_file_is_proved(docker: Container) -> None:
    (docker.context / "app/main.py").write_text("print(2)\n")
    (docker.context / "requirements.txt").write_text("fastapi\nredis\n")
    assert paths(found(docker)) == [("requirements.txt", True), ("app/main.py", True)]


def test_what_dockerignore_leaves_out_does_not_count(docker: Container) -> None:
    (docker.context / "tests/test_main.py").write_text("changed")
    (docker.context / "app/__pycache__/other.pyc").write_text("new")
    assert paths(found(docker)) == []


def test_a_changed_dockerfile_is_seen_though_dockerignore_names_it(docker: Container) -> None:
    (docker.context / "Dockerfile").write_text(DOCKERFILE.replace("CMD x", "USER app\nCMD x"))
    assert paths(found(docker)) == [("Dockerfile", True)]


def test_a_bind_mount_over_the_source_makes_it_live(docker: Container) -> None:
    (docker.context / "app/main.py").write_text("print(2)\n")
    mounted = [{"type": "bind", "source": str(docker.context), "target": "/app"}]
    assert paths(found(docker, volumes=mounted)) == []


def test_a_hand_in_the_container_is_not_taken_for_an_old_image(docker: Container) -> None:
    docker.there["/app/app/main.py"] = "0" * 64
    docker.changed = "C /app\nC /app/app\nC /app/app/main.py\n"
    context = found(docker)
    assert (paths(context), list_edited_files(context)) == ([], ["/app/app/main.py"])


@pytest.mark.parametrize("why", ["stopped", "no shell", "older image"])
def test_without_a_look_into_a_container_nothing_is_claimed(docker: Container, why: str) -> None:
    docker.shell = why != "no shell"
    context = found(docker, running=why != "stopped", image="sha256:0" if why == "older image" else "sha256:1")
    assert context.digests is None
    assert paths(context) == [("app/main.py", False), ("requirements.txt", False)][::-1]


def test_a_container_that_hangs_takes_nothing_along(docker: Container, monkeypatch: pytest.MonkeyPatch) -> None:
    def hang(*args: str, **options: t.Any) -> CompletedCommand:
        if args[0] == "exec":
            raise RecoveryError(FailureId.DOCKER_TIMEOUT, "docker exec did not finish within 5 s")
        return CompletedCommand(args, 0, HISTORY)

    monkeypatch.setattr(docker, "run", hang)
    assert found(docker).digests is None


def test_a_context_that_is_too_big_is_compared_in_part(docker: Container, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build_context, "MAX_CONTEXT_FILES", 1)
    assert found(docker).complete is False


def test_services_without_a_local_context_are_left_out(docker: Container) -> None:
    facts = StackFacts(
        config={"name": "shop", "services": {"db": {}, "web": {"build": {"context": "https://example.com/x.git"}}}},
        project=ProjectFiles("/"),
        images=[{"Id": "sha256:1", "RepoTags": ["shop-db:latest", "shop-web:latest"], "Config": {}}],
    )
    assert read_build_contexts(docker, facts) == {}
