# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._core.text import (
    format_count,
    format_duration,
    format_size,
)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(-3, "0 s"), (42, "42 s"), (60, "1 min"), (420, "7 min"), (3600, "1 h"), (90000, "25 h"), (172800, "2 days")],
)
def test_format_durations(seconds: float, words: str) -> None:
    assert format_duration(seconds) == words


@pytest.mark.parametrize(
    ("count", "words"),
    [(0, "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (4404019, "4.2 MiB"), (3 * 2**30, "3.0 GiB"), (2**41, "2.0 TiB")],
)
def test_format_sizes(count: int, words: str) -> None:
    assert format_size(count) == words


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [((0, "file"), "0 files"), ((1, "file"), "1 file"), ((2, "file"), "2 files"), ((2, "copy", "copies"), "2 copies")],
)
def test_a_count_agrees_with_its_noun(arguments: t.Any, expected: str) -> None:
    assert format_count(*arguments) == expected
