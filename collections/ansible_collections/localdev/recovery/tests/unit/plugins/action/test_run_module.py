# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from pathlib import Path

import yaml

COLLECTION = Path(__file__).resolve().parents[4]
ROUTING = yaml.safe_load((COLLECTION / "meta/runtime.yml").read_text())["plugin_routing"]["modules"]


def list_names(kind: str) -> set[str]:
    return {path.stem for path in (COLLECTION / "plugins" / kind).glob("[a-z]*.py")}


def test_each_module_without_an_action_of_its_own_is_run_by_this_one() -> None:
    """Check all modules: Ansible would run one without an action the usual way, without its progress."""
    assert set(ROUTING) == list_names("modules") - list_names("action")
    assert {name for route in ROUTING.values() for name in route.items()} == {
        ("action_plugin", "localdev.recovery.run_module")
    }
