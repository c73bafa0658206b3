# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils._volume.location import Location


@pytest.mark.parametrize(
    ("text", "kind"), [("/srv/data/", "folder"), ("shop_data", "volume"), ("./data", None), ("a", None), ("", None)]
)
def test_places_are_named_as_for_docker_run(text: str, kind: str | None) -> None:
    if kind is None:
        with pytest.raises(RecoveryError):
            Location.parse(text)
    else:
        assert Location.parse(text).kind == kind
