# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._backup.transfer_bundle import unpack_bundle
from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.tests.unit.failure_assertions import raises_failure

NAME = "shop_20260101_000000"


@pytest.mark.parametrize("name", ["../outside", "/etc/outside", f"{NAME}.dir/deep/file", "."])
def test_a_name_that_leads_out_of_the_folder_is_refused(tmp_path: Path, name: str) -> None:
    archive = tmp_path / "odd.tar"
    with tarfile.open(archive, "w") as tar:
        tar.addfile(tarfile.TarInfo(name))
    with raises_failure(FailureId.BACKUP_BUNDLE_INVALID, name):
        unpack_bundle(str(archive), str(tmp_path / "target"))
    assert not list((tmp_path / "target").iterdir())


def test_a_file_that_is_no_bundle_is_refused(tmp_path: Path) -> None:
    odd = tmp_path / "odd.tar"
    odd.write_bytes(b"no tar")
    with raises_failure(FailureId.BACKUP_BUNDLE_INVALID, odd):
        unpack_bundle(str(odd), str(tmp_path / "target"))
    assert not list((tmp_path / "target").iterdir())


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with raises_failure(FailureId.FILE_NOT_WRITABLE, tmp_path / "file"):
        unpack_bundle(str(tmp_path / "bundle.tar"), str(tmp_path / "file" / "target"))
