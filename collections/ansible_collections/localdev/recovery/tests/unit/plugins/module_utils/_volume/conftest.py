# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._volume.named_pipe import NamedPipe
from ansible_collections.localdev.recovery.tests.unit.plugins.module_utils._volume.local_program import (
    LocalVolumes,
    create_awkward_tree,
)


@pytest.fixture
def shared_pipe_path(monkeypatch: pytest.MonkeyPatch) -> None:
    """Return the same path of the pipe for both sides."""
    monkeypatch.setattr(NamedPipe, "container_path", lambda pipe: f"{pipe.folder}/stream")


@pytest.fixture
def volumes(tmp_path: Path) -> LocalVolumes:
    create_awkward_tree(tmp_path / "old")
    create_awkward_tree(tmp_path / "new")
    (tmp_path / "new" / "stray").write_text("stray")
    return LocalVolumes(tmp_path)
