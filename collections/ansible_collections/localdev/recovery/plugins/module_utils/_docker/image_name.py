# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Parse, compare and extend the names of images. Pure."""

from __future__ import annotations

import hashlib
import re
import typing as t


def parse_image_reference(reference: str) -> tuple[str, str, str]:
    """Return (name, tag, digest) of a reference without Docker Hub's implied parts. The default tag is ``latest``."""
    name, _rest, digest = reference.partition("@")
    tag = ""
    if ":" in name.rpartition("/")[2]:
        name, _rest, tag = name.rpartition(":")
    for prefix in ("docker.io/", "index.docker.io/", "registry-1.docker.io/", "library/"):
        name = name.removeprefix(prefix)
    return name, tag or ("" if digest else "latest"), digest


def is_same_image(wanted: str, image: t.Mapping[str, t.Any]) -> bool:
    """Return whether an inspected image has the name, digest or id of a reference."""
    name, tag, digest = parse_image_reference(wanted)
    if digest:
        return any(parse_image_reference(item)[::2] == (name, digest) for item in image.get("RepoDigests") or ())
    identity = str(image.get("Id", ""))
    if wanted == identity or (
        re.fullmatch(r"[0-9a-f]{12,64}", wanted) and identity.removeprefix("sha256:").startswith(wanted)
    ):
        return True
    return any(parse_image_reference(item)[:2] == (name, tag) for item in image.get("RepoTags") or ())


# Docker's limit for a tag, in characters.
MAX_TAG_LENGTH = 128


def add_tag_suffix(name: str, suffix: str) -> str:
    """Return the name with a suffix on its tag, cut to Docker's limit. A cut tag carries a digest of the full tag."""
    repository, tag, _digest = parse_image_reference(name)
    tag = tag or "latest"
    if len(tag + suffix) > MAX_TAG_LENGTH:
        suffix = f"-{hashlib.sha256(tag.encode()).hexdigest()[:6]}{suffix}"
        tag = tag[: MAX_TAG_LENGTH - len(suffix)]
    return f"{repository}:{tag}{suffix}"


def build_candidate_name(name: str) -> str:
    """Return the name under which an image is built while the image in use keeps its own."""
    return add_tag_suffix(name, ".candidate")
