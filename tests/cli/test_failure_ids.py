# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every failure in the list happens somewhere: the table for people has no dead ids."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._core import failures
from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId

ROOT = Path(__file__).resolve().parents[2]
COLLECTION = ROOT / "collections/ansible_collections/localdev/recovery"
DEFINED_IN = Path(failures.__file__)
PYTHON = "\n".join(
    path.read_text()
    for folder in (COLLECTION / "plugins", ROOT / "src")
    for path in sorted(folder.rglob("*.py"))
    if path.resolve() != DEFINED_IN.resolve()
)
ROLES = "\n".join(path.read_text() for path in sorted((COLLECTION / "roles").rglob("*.yml")))
USED = set(re.findall(r"\bFailureId\.([A-Z0-9_]+)\b", PYTHON))
# Ids that roles name.
NAMED = set(re.findall(r"(?:failure: |')([a-z0-9_]+\.[a-z0-9_]+)\b", ROLES))


@pytest.mark.parametrize("failure", FailureId, ids=lambda failure: failure.id)
def test_every_failure_happens(failure: FailureId) -> None:
    assert failure.name in USED or failure.id in NAMED
