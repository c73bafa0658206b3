# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._backup.transfer_bundle import unpack_bundle
from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError

NAME = "shop_20260101_000000"


@pytest.mark.parametrize("name", ["../outside", "/etc/outside", f"{NAME}.dir/deep/file", "."])
def test_a_name_that_leads_out_of_the_folder_is_refused(tmp_path: Path, name: str) -> None:
    archive = tmp_path / "odd.tar"
    with tarfile.open(archive, "w") as tar:
        tar.addfile(tarfile.TarInfo(name))
    with pytest.raises(RecoveryError, match="belongs to no backup"):
        unpack_bundle(str(archive), str(tmp_path / "target"))
    assert not list((tmp_path / "target").iterdir())
