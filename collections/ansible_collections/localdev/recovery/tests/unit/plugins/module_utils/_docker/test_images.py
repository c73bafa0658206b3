# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import typing as t

from ansible_collections.localdev.recovery.plugins.module_utils._docker.cli import CompletedCommand, Docker
from ansible_collections.localdev.recovery.plugins.module_utils._docker.images import (
    match_layer_sizes,
    measure_own_layers,
)

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
