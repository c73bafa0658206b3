# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import gzip
import typing as t
from pathlib import Path

import pytest

from ansible_collections.localdev.recovery.plugins.action import image_load as image_action
from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.modules import image_load
from ansible_collections.localdev.recovery.tests.unit.failure_assertions import raises_failure
from ansible_collections.localdev.recovery.tests.unit.plugins.action.transfer_host import Host


def test_compressed_chunks_are_one_gzip_file() -> None:
    chunks = [bytes([number]) * 1000 for number in range(10)]
    assert gzip.decompress(b"".join(image_action.compress_chunks(chunks))) == b"".join(chunks)


def test_only_lacking_images_are_sent_and_loaded(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    has = {"postgres:15": "sha256:1"}
    sent: list[str] = []

    def load(docker: object, archive: str, sha256: str) -> None:
        assert gzip.decompress(Path(archive).read_bytes()) == b"archive"
        has.update(dict.fromkeys(sent, "sha256:2"))

    def save(names: list[str]) -> t.Iterator[bytes]:
        sent.extend(names)
        yield b"archive"

    monkeypatch.setattr(image_load, "find_image_id", lambda docker, name: has.get(name))
    monkeypatch.setattr(image_load, "load_archive", load)
    monkeypatch.setattr(image_action, "save_images", save)
    monkeypatch.setattr(image_action, "find_image_id", lambda docker, name: "sha256:3")
    args = {"images": ["postgres:15", "shop-backend"]}
    assert host.run(image_action.ActionModule, image_load.act, args, check=True)["lacking"] == ["shop-backend"]
    assert not sent
    result = host.run(image_action.ActionModule, image_load.act, args)
    assert (result["changed"], result["lacking"], sent) == (True, ["shop-backend"], ["shop-backend"])
    assert not Path(result["incoming"]).exists()
    again = host.run(image_action.ActionModule, image_load.act, args)
    assert (again["changed"], sent) == (False, ["shop-backend"])
    monkeypatch.setattr(image_action, "find_image_id", lambda docker, name: None)
    with raises_failure(FailureId.IMAGE_MISSING, "redis:7", "alice"):
        host.run(image_action.ActionModule, image_load.act, {"images": ["redis:7"]})
