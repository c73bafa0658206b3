# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._application.signing_key import check_signing_key

KEY = "k" * 32


@pytest.mark.parametrize(
    ("containers", "words", "breaks"),
    [
        ({"backend": [f"KEY={KEY}"], "worker": [f"KEY={KEY}"], "db": ["A=1"]}, "", False),
        ({"backend": ["A=1"]}, "not set", True),
        ({"backend": ["KEY="]}, "empty", True),
        ({"backend": [f"KEY={KEY}"], "worker": ["KEY=other"]}, "than that of worker", True),
        ({"backend": ["KEY=short"]}, "5 characters", False),
        ({"db": ["A=1"]}, "", False),
    ],
)
def test_the_signing_key(containers: dict[str, list[str]], words: str, breaks: bool) -> None:
    state = check_signing_key(containers, "backend", "KEY")
    assert (words in state["problem"], state["breaks"]) == (True, breaks)
    assert bool(state["problem"]) is bool(words)
    assert KEY not in str(state)
