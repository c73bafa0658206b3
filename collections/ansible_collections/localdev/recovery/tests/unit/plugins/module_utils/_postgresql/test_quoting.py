# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.localdev.recovery.plugins.module_utils._postgresql.quoting import (
    quote_identifier,
    quote_literal,
    quote_table_name,
)


@given(st.text())
def test_no_value_leaves_its_quotes(value: str) -> None:
    for quote, quoted in (("'", quote_literal(value)), ('"', quote_identifier(value))):
        assert quoted[0] == quoted[-1] == quote
        inner = quoted[1:-1]
        assert inner.replace(quote * 2, "").count(quote) == 0
        assert inner.replace(quote * 2, quote) == value


@pytest.mark.parametrize(
    ("name", "sql"),
    [("people", '"people"'), ("public.people", '"public"."people"'), ('odd"name', '"odd""name"')],
    ids=["plain", "with schema", "with a quote"],
)
def test_table_names(name: str, sql: str) -> None:
    assert quote_table_name(name) == sql
