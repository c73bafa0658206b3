# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible_collections.localdev.recovery.plugins.module_utils._docker.inspect import parse_environment_list


def test_environment_of_skips_names_without_value() -> None:
    assert parse_environment_list(["A=1=2", "B", "C="]) == {"A": "1=2", "C": ""}
    assert parse_environment_list(None) == {}
