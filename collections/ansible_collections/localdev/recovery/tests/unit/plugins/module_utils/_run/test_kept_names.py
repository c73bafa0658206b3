# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.localdev.recovery.plugins.module_utils._run.kept_names import (
    build_kept_name,
    derive_kept_name,
    get_kept_file,
)

RUN_ID = "20260131T100000Z-1f2e"

names = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0/"), min_size=1, max_size=90)


@given(name=names)
def test_a_kept_name_holds_the_run_id_and_fits(name: str) -> None:
    assert build_kept_name(name, RUN_ID) == f"{name}.aside-{RUN_ID}"
    made = build_kept_name(name, RUN_ID, 63)
    assert made.endswith(f".aside-{RUN_ID}")
    assert len(made.encode()) <= 63
    if len(name.encode()) <= 63 - len(f".aside-{RUN_ID}"):
        assert made == build_kept_name(name, RUN_ID)


@given(names=st.lists(names, min_size=2, max_size=2, unique=True), start=st.sampled_from(["", "x" * 40, "ü" * 20]))
def test_two_names_have_two_kept_names(names: list[str], start: str) -> None:
    one, other = (build_kept_name(start + name, RUN_ID, 63) for name in names)
    assert one != other


@pytest.mark.parametrize(
    ("kind", "name", "kept"),
    [
        ("volume", "shop_data", f"shop_data.aside-{RUN_ID}"),
        ("folder", "data/postgres", f"data/postgres.aside-{RUN_ID}"),
        ("image", "shop-web", f"shop-web:latest.aside-{RUN_ID}"),
        ("image", "registry:5000/shop:1.2", f"registry:5000/shop:1.2.aside-{RUN_ID}"),
        ("database", "shop", f"shop.aside-{RUN_ID}"),
        ("database", "x" * 63, f"{'x' * 28}~75220b.aside-{RUN_ID}"),
        ("container", "shop-web-1", f"shop-web-1.aside-{RUN_ID}"),
        ("container_file", "web:/app/a.py", f"web:/app/a.py.aside-{RUN_ID}"),
        ("file", ".env", f"files/.env~e9cbb0.aside-{RUN_ID}"),
        ("row", "shop.users.name=admin", f"shop.users.name=admin.aside-{RUN_ID}"),
        ("row", "shop.users.name=a/b", f"shop.users.name=a_b~601d0a.aside-{RUN_ID}"),
    ],
)
def test_a_kept_name_follows_from_the_name_and_the_run(kind: str, name: str, kept: str) -> None:
    assert derive_kept_name(kind, name, RUN_ID) == kept


@given(names=st.lists(names, min_size=2, max_size=2, unique=True), kind=st.sampled_from(["file", "row", "database"]))
def test_two_objects_of_a_kind_have_two_kept_names(names: list[str], kind: str) -> None:
    one, other = (derive_kept_name(kind, name, RUN_ID) for name in names)
    assert one != other


@pytest.mark.parametrize(
    ("kind", "name", "path"),
    [
        ("file", ".env", "files/.env~e9cbb0"),
        ("row", "shop.users.name=admin", "rows/shop.users.name=admin"),
        ("container", "web", "containers/web"),
        ("container_file", "web:/app/../srv/a.py", f"container_files/{RUN_ID}/web/srv/a.py"),
        ("volume", "shop_data", ""),
    ],
)
def test_where_the_content_of_an_entry_is_kept(kind: str, name: str, path: str) -> None:
    found = get_kept_file({"kind": kind, "name": name, "aside": derive_kept_name(kind, name, RUN_ID)})
    suffix = {"file": f".aside-{RUN_ID}", "row": f".aside-{RUN_ID}", "container": f".aside-{RUN_ID}.tar"}
    assert found == path + suffix.get(kind, "")
