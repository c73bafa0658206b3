# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.localdev.recovery.plugins.module_utils._docker.image_name import (
    MAX_TAG_LENGTH,
    add_tag_suffix,
    is_same_image,
    parse_image_reference,
)


@pytest.mark.parametrize(
    ("reference", "wanted"),
    [
        pytest.param("postgres", ("postgres", "latest", ""), id="bare"),
        pytest.param("docker.io/library/postgres:16", ("postgres", "16", ""), id="Docker Hub in full"),
        pytest.param("localhost:5000/team/pg", ("localhost:5000/team/pg", "latest", ""), id="registry with a port"),
        pytest.param("ghcr.io/a/b:1.2@sha256:ab", ("ghcr.io/a/b", "1.2", "sha256:ab"), id="tag and digest"),
        pytest.param("postgres@sha256:ab", ("postgres", "", "sha256:ab"), id="digest"),
    ],
)
def test_image_reference(reference: str, wanted: tuple[str, str, str]) -> None:
    assert parse_image_reference(reference) == wanted


IMAGE = {"Id": "sha256:" + "5e" * 32, "RepoTags": ["postgres:16"], "RepoDigests": ["postgres@sha256:ab"]}


@pytest.mark.parametrize(
    ("wanted", "same"),
    [
        ("postgres:16", True),
        ("docker.io/library/postgres:16", True),
        ("postgres", False),
        ("other/postgres:16", False),
        ("postgres:16@sha256:ab", True),
        ("postgres:16@sha256:cd", False),
        ("sha256:" + "5e" * 32, True),
        ("5e5e5e5e5e5e", True),
        ("5e5e5e5e5e5f", False),
    ],
)
def test_same_image(wanted: str, same: bool) -> None:
    assert is_same_image(wanted, IMAGE) is same


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
