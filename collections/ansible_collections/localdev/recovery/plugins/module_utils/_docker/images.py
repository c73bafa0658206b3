# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Find and remove images, and measure the layers that only one of them has."""

from __future__ import annotations

import json
import re
import typing as t

from ansible_collections.localdev.recovery.plugins.module_utils._docker.cli import Docker

# Instructions that change the configuration of an image and no file.
_NO_FILES = re.compile(
    r"^(?:/bin/sh -c #\(nop\)\s+)?"
    r"(?:ENV|CMD|EXPOSE|USER|LABEL|ARG|HEALTHCHECK|ENTRYPOINT|VOLUME|STOPSIGNAL|SHELL|ONBUILD|MAINTAINER)\b"
)


def find_image_id(docker: Docker, name: str) -> str | None:
    """Return the id of the image with this name, or None if there is none."""
    found = docker.inspect("image", [name])
    return t.cast(str, found[0]["Id"]) if found else None


def remove_image_name(docker: Docker, name: str) -> None:
    """Remove a name of an image if it exists. Docker deletes an image that has no other name."""
    if find_image_id(docker, name):
        docker.run("image", "rm", name)


def match_layer_sizes(layers: t.Sequence[str], history: t.Sequence[t.Mapping[str, t.Any]]) -> dict[str, int] | None:
    """Return the bytes of each layer from an image's layers (oldest first) and ``docker history`` (newest first). Pure.

    Docker does not state which entry made which layer. Return None if the entries cannot be matched.
    """
    sizes = [
        int(item["Size"]) for item in reversed(history) if int(item["Size"]) or not _NO_FILES.match(item["CreatedBy"])
    ]
    return dict(zip(layers, sizes)) if len(sizes) == len(layers) else None


def measure_own_layers(docker: Docker, name: str, others: t.Iterable[str]) -> tuple[dict[str, int], int]:
    """Return the bytes of each layer that the image does not share with the others, and the bytes of the image."""
    [image] = docker.inspect("image", [name])
    text = docker.run("history", "--no-trunc", "--human=false", "--format", "{{json .}}", name).stdout
    layers = image["RootFS"].get("Layers") or []
    sizes = match_layer_sizes(layers, [json.loads(line) for line in text.splitlines()])
    shared = {
        layer for other in docker.inspect("image", sorted(others)) for layer in other["RootFS"].get("Layers") or []
    }
    if sizes is None:
        # Only the size of the image is known; its last layer stands for all of it.
        sizes = {layers[-1]: int(image["Size"])} if layers else {}
    return {layer: size for layer, size in sizes.items() if layer not in shared}, int(image["Size"])
