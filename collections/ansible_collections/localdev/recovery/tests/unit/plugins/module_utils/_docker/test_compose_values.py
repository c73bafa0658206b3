# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re
import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.localdev.recovery.plugins.module_utils._docker.compose_values import (
    parse_duration,
    parse_single_port,
    unescape_compose_value,
)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        pytest.param("10s", 10.0, id="seconds"),
        pytest.param("1m30s", 90.0, id="as Compose prints it"),
        pytest.param("1h0m0.5s", 3600.5, id="fraction"),
        pytest.param("250ms", 0.25, id="milliseconds"),
        pytest.param("2us", 2e-6, id="microseconds"),
        pytest.param("0", 0.0, id="zero without unit"),
        pytest.param("-1s", -1.0, id="negative"),
    ],
)
def test_seconds(text: str, wanted: float) -> None:
    assert parse_duration(text) == pytest.approx(wanted)


@pytest.mark.parametrize("text", ["", "s", "10", "1 m", "1m30", "ten seconds", "1d"])
def test_seconds_refuses_what_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match=re.escape(repr(text))):
        parse_duration(text)


@given(st.integers(0, 99), st.integers(0, 59), st.integers(0, 59), st.integers(0, 999))
def test_seconds_adds_up_what_go_prints(hours: int, minutes: int, whole: int, milli: int) -> None:
    text = f"{hours}h{minutes}m{whole}.{milli:03d}s"
    assert parse_duration(text) == pytest.approx(hours * 3600 + minutes * 60 + whole + milli / 1000)


@given(st.integers(1, 65535))
def test_single_port_reads_back_every_port(port: int) -> None:
    assert parse_single_port(str(port)) == parse_single_port(port) == port


@pytest.mark.parametrize("text", [None, "", "0", 0, "8000-8010", "http"])
def test_single_port_knows_what_docker_picks(text: str | int | None) -> None:
    assert parse_single_port(text) is None


def test_unescaped_reaches_everything() -> None:
    document: t.Any = {"a": ["p$$x", {"b": "$$$$"}], "n": 1, "none": None}
    assert unescape_compose_value(document) == {"a": ["p$x", {"b": "$$"}], "n": 1, "none": None}
