# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._postgresql.settings import build_create_database_sql

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
