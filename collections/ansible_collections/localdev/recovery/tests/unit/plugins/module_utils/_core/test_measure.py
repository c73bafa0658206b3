# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._core.measure import ByteCounter, PathSize


def test_bytes_are_counted_from_several_threads() -> None:
    counter = ByteCounter()
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(counter.add, [3] * 1000))
    assert counter.bytes == 3000


def test_a_file_or_folder_is_measured_while_it_grows(tmp_path: Path) -> None:
    file, folder = tmp_path / "dump", tmp_path / "dump.dir"
    folder.mkdir()
    sizes = [PathSize(str(file)), PathSize(str(folder))]
    with pytest.raises(FileNotFoundError):
        _nothing_yet = sizes[0].bytes
    assert sizes[1].bytes == 0
    for text in ("x" * 10, "x" * 25):
        file.write_text(text)
        (folder / "1.dat").write_text(text)
        (folder / "toc.dat").write_text("toc")
        assert [size.bytes for size in sizes] == [len(text), len(text) + 3]
