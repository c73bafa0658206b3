# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Compare output of the command line with the files in golden/. ``make golden`` writes them again: read their diff."""

from __future__ import annotations

from pathlib import Path

from ansible_collections.localdev.recovery.tests.unit.golden import assert_golden

GOLDEN = Path(__file__).resolve().parent / "golden"


def assert_text(name: str, text: str) -> None:
    """Fail if the text differs from that of the file NAME.txt."""
    assert_golden(name, text.splitlines(), folder=GOLDEN)
