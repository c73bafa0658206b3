# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._postgresql.settings import (
    build_copy_database_sql,
    build_create_database_sql,
)

LIVE = {
    "encoding": "UTF8",
    "collate": "en_US.utf8",
    "ctype": "en_US.utf8",
    "provider": "c",
    "locale": None,
    "version": "2.36",
    "owner": "keeper",
}


@pytest.mark.parametrize(
    ("settings", "more"),
    [
        ({}, ""),
        (LIVE, " ENCODING 'UTF8' LC_COLLATE 'en_US.utf8' LC_CTYPE 'en_US.utf8'"),
        (
            {**LIVE, "provider": "i", "locale": "de-DE"},
            " ENCODING 'UTF8' LC_COLLATE 'en_US.utf8' LC_CTYPE 'en_US.utf8' LOCALE_PROVIDER icu ICU_LOCALE 'de-DE'",
        ),
        (
            {"provider": "b", "locale": "C.UTF-8"},
            " LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C.UTF-8'",
        ),
    ],
    ids=["unknown", "libc", "icu", "builtin"],
)
def test_it_is_made_as_the_live_one_was(settings: dict[str, t.Any], more: str) -> None:
    assert (
        build_create_database_sql('odd"name', settings, "me")
        == f'CREATE DATABASE "odd""name" TEMPLATE template0 OWNER "me"{more}'
    )
    assert " OWNER " not in build_create_database_sql("x", settings, "")


@pytest.mark.parametrize(("major", "strategy"), [(13, ""), (14, ""), (15, " STRATEGY file_copy")])
def test_a_copy_of_a_database_on_a_server_that_cannot_clone(major: int, strategy: str) -> None:
    sql = build_copy_database_sql("a", 'b"c', owner="o", server_major=major, clones=False)
    assert sql == f'CREATE DATABASE "b""c" TEMPLATE "a" OWNER "o"{strategy};'


def test_a_copy_of_a_database_clones_first_and_copies_if_the_file_system_refuses() -> None:
    plain = build_copy_database_sql("a", "b", owner="o", server_major=18, clones=False)
    lines = build_copy_database_sql("a", "b", owner="o", server_major=18, clones=True).splitlines()
    refused = lines.index("\\if :ERROR")
    assert [line for line in lines if line == plain] == [plain] * 2
    assert lines.index("SET file_copy_method = clone;") < lines.index(plain) < refused
    assert lines[refused + 1 :] == ["SET file_copy_method = copy;", plain, "\\endif"]
    # Nothing but the clone may fail without an end of the session.
    assert lines[lines.index("\\set ON_ERROR_STOP 0") + 1 : lines.index("\\set ON_ERROR_STOP 1")] == [plain]
