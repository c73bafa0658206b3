from __future__ import annotations

from pathlib import Path

from alembic.config import Config
from alembic.script import ScriptDirectory

SCRIPTS = ScriptDirectory.from_config(Config(Path(__file__).parents[1] / "alembic.ini"))
VERSION_COLUMN_WIDTH = 32


def test_one_head_and_one_base() -> None:
    assert SCRIPTS.get_heads() == ["20251225_schema_ver"]
    assert len(SCRIPTS.get_bases()) == 1


def test_more_than_thirty_migrations_with_a_branch_and_its_merge() -> None:
    revisions = list(SCRIPTS.walk_revisions())
    assert len(revisions) > 30
    assert [r.revision for r in revisions if r.is_merge_point] == ["20251201_merge_call_fmit"]
    assert [r.revision for r in revisions if r.is_branch_point] == ["e63a0a47b8dc"]


def test_revision_ids_fit_the_version_column() -> None:
    assert all(len(r.revision) <= VERSION_COLUMN_WIDTH for r in SCRIPTS.walk_revisions())
