# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import io
import json
import tarfile
import typing as t
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.localdev.recovery.plugins.module_utils._container.local_changes import (
    restore_local_changes,
    save_local_changes,
)
from ansible_collections.localdev.recovery.plugins.module_utils._core.masking import Masker
from ansible_collections.localdev.recovery.plugins.module_utils._docker.cli import CompletedCommand, Docker
from ansible_collections.localdev.recovery.plugins.module_utils._docker.image_name import MAX_TAG_LENGTH, add_tag_suffix
from ansible_collections.localdev.recovery.plugins.module_utils._docker.images import (
    match_layer_sizes,
    measure_own_layers,
)
from ansible_collections.localdev.recovery.plugins.modules import image_build


@pytest.mark.parametrize(
    ("name", "longer"),
    [
        ("shop-backend", "shop-backend:latest.aside-1"),
        ("shop-backend:1.2", "shop-backend:1.2.aside-1"),
        ("localhost:5000/shop/backend", "localhost:5000/shop/backend:latest.aside-1"),
        ("localhost:5000/shop/backend:dev", "localhost:5000/shop/backend:dev.aside-1"),
    ],
)
def test_names(name: str, longer: str) -> None:
    assert add_tag_suffix(name, ".aside-1") == longer


@given(st.from_regex(r"\A\w[\w.-]{0,127}\Z", alphabet=st.characters(codec="ascii")), st.sampled_from("ab"))
def test_tags_are_what_docker_allows_and_stay_apart(tag: str, other: str) -> None:
    suffix = ".aside-20260131T100000Z-1f2e"
    _rest, _colon, longer = add_tag_suffix(f"shop:{tag}", suffix).rpartition(":")
    assert len(longer) <= MAX_TAG_LENGTH
    assert longer.endswith(suffix)
    changed = tag[:-1] + ("x" if tag[-1] != "x" else other)
    assert add_tag_suffix(f"shop:{changed}", suffix) != add_tag_suffix(f"shop:{tag}", suffix)


HISTORY = [
    {"Size": "0", "CreatedBy": 'CMD ["sh" "-c" "serve"]'},
    {"Size": "0", "CreatedBy": "USER app"},
    {"Size": "700", "CreatedBy": "COPY . . # buildkit"},
    {"Size": "90000", "CreatedBy": "RUN /bin/sh -c pip install # buildkit"},
    {"Size": "0", "CreatedBy": "WORKDIR /app"},
    {"Size": "0", "CreatedBy": "ENV A=1"},
    {"Size": "1000000", "CreatedBy": ""},
]


def test_sizes_of_layers() -> None:
    assert match_layer_sizes(["base", "workdir", "pip", "copy"], HISTORY) == {
        "base": 1000000,
        "workdir": 0,
        "pip": 90000,
        "copy": 700,
    }
    assert match_layer_sizes(["base", "pip", "copy"], HISTORY) is None


class FakeDocker(Docker):
    def __init__(self, found: t.Mapping[str, list[str]]) -> None:
        super().__init__()
        self.found = found

    def inspect(self, kind: str, names: t.Sequence[str]) -> list[dict[str, t.Any]]:
        return [{"Size": 1090700, "RootFS": {"Layers": self.found[name]}} for name in names if name in self.found]

    def run(self, *args: str, **kwargs: t.Any) -> CompletedCommand:
        return CompletedCommand(args, 0, "\n".join(json.dumps(item) for item in HISTORY))


def test_only_layers_that_the_new_image_does_not_have_take_space() -> None:
    docker = FakeDocker({"old": ["base", "workdir", "pip", "copy"], "new": ["base", "workdir", "pip", "other"]})
    assert measure_own_layers(docker, "old", ["new"]) == ({"copy": 700}, 1090700)
    # Where Docker's history cannot be matched, the image counts as a whole.
    docker = FakeDocker({"old": ["base", "copy"], "new": ["base"]})
    assert measure_own_layers(docker, "old", ["new"]) == ({"copy": 1090700}, 1090700)


def test_candidates_are_built_under_other_names_and_nothing_else_changes() -> None:
    document = {
        "name": "shop",
        "services": {
            "backend": {"build": {"context": "/b", "tags": ["shop:1"]}, "environment": {"A": "$$x"}},
            "db": {"image": "postgres:15"},
        },
    }
    assert image_build.with_candidates(document, {"backend": "shop-backend"}) == {
        "name": "shop",
        "services": {
            "backend": {
                "build": {"context": "/b"},
                "image": "shop-backend:latest.candidate",
                "environment": {"A": "$$x"},
            },
            "db": {"image": "postgres:15"},
        },
    }


def test_a_failed_build_shows_its_last_lines_without_secrets() -> None:
    output = "\n".join([*(f"#{n} step" for n in range(9)), "token s3cret-token", "", "failed to solve: exit code: 3"])
    error = image_build.failure(output, 3, Masker(["s3cret-token"]), "docker compose build")
    assert "failed to solve: exit code: 3. Nothing has changed" in error.message
    assert error.details.splitlines()[1:] == ["#8 step", "token ********", "failed to solve: exit code: 3"]


class FakeContainers(Docker):
    """A container with two changed paths, as docker cp streams them; and what is laid over the next one."""

    put: bytes = b""

    def inspect(self, kind: str, names: t.Sequence[str]) -> list[dict[str, t.Any]]:
        return [{"Id": name, "Mounts": []} for name in names]

    def run(self, *args: str, **kwargs: t.Any) -> CompletedCommand:
        if args[0] == "cp":
            self.put = kwargs["stdin"]
        return CompletedCommand(args, 0, "C /app\nA /app/new\nA /app/new/a.py\nC /app/main.py\n")

    def run_binary(self, *args: str, **kwargs: t.Any) -> tuple[CompletedCommand, bytes]:
        stream = io.BytesIO()
        with tarfile.open(fileobj=stream, mode="w") as archive:
            for name in {"/app/new": ["new", "new/a.py"], "/app/main.py": ["main.py"]}[args[1].partition(":")[2]]:
                member = tarfile.TarInfo(name)
                member.type = tarfile.DIRTYPE if name == "new" else tarfile.REGTYPE
                member.uid, member.mode, member.size = 1000, 0o640, 0 if name == "new" else len(name)
                archive.addfile(member, io.BytesIO(name.encode()))
        return CompletedCommand(args, 0, ""), stream.getvalue()


def test_changed_files_are_kept_with_owner_and_mode_and_put_back(tmp_path: Path) -> None:
    docker, file = FakeContainers(), tmp_path / "edits.tar"
    size = save_local_changes(docker, "c", str(file))
    assert (size, file.stat().st_mode & 0o777) == (file.stat().st_size, 0o600)
    restore_local_changes(docker, "c", str(file))
    with tarfile.open(fileobj=io.BytesIO(docker.put)) as archive:
        found = {member.name: (member.uid, member.mode) for member in archive}
        content = t.cast("t.IO[bytes]", archive.extractfile("app/main.py")).read()
    assert found == dict.fromkeys(["app/main.py", "app/new", "app/new/a.py"], (1000, 0o640))
    assert content == b"main.py"
