# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._application.signing_key import check_signing_key

KEY = "k" * 32


@pytest.mark.parametrize(
    ("containers", "kind", "named", "breaks"),
    [
        ({"backend": [f"KEY={KEY}"], "worker": [f"KEY={KEY}"], "db": ["A=1"]}, "", "", False),
        ({"backend": ["A=1"]}, "missing", "backend", True),
        ({"backend": ["KEY="]}, "empty", "backend", True),
        ({"backend": [f"KEY={KEY}"], "worker": ["KEY=other"]}, "different", "worker", True),
        ({"backend": ["KEY=short"]}, "short", "5", False),
        ({"db": ["A=1"]}, "", "", False),
    ],
)
def test_the_signing_key(containers: dict[str, list[str]], kind: str, named: str, breaks: bool) -> None:
    state = check_signing_key(containers, "backend", "KEY")
    assert (state["kind"], state["breaks"]) == (kind, breaks)
    assert named in state["problem"]
    assert bool(state["problem"]) is bool(kind)
    assert KEY not in str(state)
