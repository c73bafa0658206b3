# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import sys
import typing as t
from pathlib import Path

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._alembic.program.answers import main
from ansible_collections.localdev.recovery.plugins.module_utils._alembic.runner import parse_alembic_response
from ansible_collections.localdev.recovery.plugins.module_utils._docker.cli import CompletedCommand
from ansible_collections.localdev.recovery.tests.unit.plugins.module_utils._alembic.migration_source import (
    Request,
    Source,
)


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Source:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ALEMBIC_CONFIG", raising=False)
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setattr(sys, "dont_write_bytecode", sys.dont_write_bytecode)
    return Source(tmp_path)


@pytest.fixture
def request_alembic(source: Source, capsys: pytest.CaptureFixture[str]) -> Request:
    """Return a function that sends a request to the program, which runs in this process."""

    def request_alembic(do: str = "info", **request: t.Any) -> dict[str, t.Any]:
        main({"do": do, "config": None, **request})
        done = CompletedCommand((), 0, capsys.readouterr().out, "")
        return parse_alembic_response(done, "backend")

    return request_alembic
