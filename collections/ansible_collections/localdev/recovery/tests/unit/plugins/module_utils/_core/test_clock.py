# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible_collections.localdev.recovery.plugins.module_utils._core.clock import seconds_since, utc_now


def test_age_of_a_stamp() -> None:
    assert seconds_since("1970-01-02T00:00:00Z", now=86400.0) == 0
    assert 0 <= seconds_since(utc_now()) < 5
