# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import errno
import typing as t
from pathlib import Path

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ansible_collections.localdev.recovery.plugins.module_utils._backup import metadata
from ansible_collections.localdev.recovery.plugins.module_utils._backup.metadata import (
    REQUIRED_METADATA_KEYS,
    find_metadata_problems,
    format_metadata,
    list_metadata_revisions,
    parse_metadata,
    read_metadata_file,
    write_metadata,
)
from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._core.next_command import program_command
from ansible_collections.localdev.recovery.tests.unit.failure_assertions import assert_lines_name, raises_failure

NEW = {"format_version": 2, "timestamp": "20260131_100000", "alembic_version": "x", "database": "d", "backup_file": "f"}

numbers = st.integers(-(10**15), 10**15) | st.integers(0, 10**8).map(lambda cents: cents / 100)
# Words that YAML or JSON reads as something else are what a human-readable format gets wrong.
words = st.sampled_from(
    ["yes", "No", "on", "NULL", "~", "1e5", "0x1F", "010", "1_000", "2026-01-31", "12:30:45", "1.5"]
)
words |= st.sampled_from(
    [".5", "-", "", " ", "Infinity", "NaN", ".inf", "inf", "=", "<<", "a: b", "a #b", "- a", "true "]
)
words |= st.sampled_from(["'a'", '"a"', "{a", "[a", "\\"])
texts = words | st.text() | st.sampled_from(["a\x7fb", "a\x85b\u2028c", "\U0001f418", "é"])
scalars = texts | numbers | st.booleans() | st.none()
values = scalars | st.lists(scalars, max_size=3) | st.dictionaries(texts, scalars | st.just({"bytes": 1}), max_size=3)
keys = st.sampled_from(["format", "rows", "files", "host", "pg_version", "two-words", "X9", "nothing_known"])


@settings(max_examples=60)
@given(st.dictionaries(keys, values, max_size=3))
@example({"name": "Infinity"})
@example({"name": "\x7f"})
@example({"rows": {"public.\U0001f418": 1}})
def test_what_is_written_is_read_again_by_this_collection_and_by_yaml(found: dict[str, t.Any]) -> None:
    metadata = {**NEW, **found}
    text = format_metadata(metadata)
    assert parse_metadata(text) == metadata
    assert yaml.safe_load(text) == metadata


def test_one_line_a_key_the_known_ones_first() -> None:
    lines = format_metadata({"rows": {"a": 1}, "host": "two\nlines", **NEW}).splitlines()
    assert [line.partition(":")[0] for line in lines] == [*REQUIRED_METADATA_KEYS, "rows", "host", "format_version"]


@pytest.mark.parametrize("revision", ["1e5", "20251225", "0755", "null", "1_0", "20251225_schema_ver"])
def test_a_revision_stays_a_string(revision: str) -> None:
    text = format_metadata({**NEW, "alembic_version": revision, "alembic_versions": [revision]})
    assert list_metadata_revisions(parse_metadata(text)) == [revision]
    assert yaml.safe_load(text)["alembic_version"] == revision


OLD = """\
timestamp: 20251225_120000
alembic_version: {}
database: residency_scheduler
backup_file: residency_scheduler_20251225_120000.sql.gz
"""


@pytest.mark.parametrize(
    ("written", "revisions"),
    [
        ("20251225_schema_ver", ["20251225_schema_ver"]),
        ("20251225", ["20251225"]),
        ("1e5", ["1e5"]),
        ("'1e5'", ["1e5"]),
        ('"1e5"', ["1e5"]),
        ("20251225_schema_ver (head)", ["20251225_schema_ver"]),
        ("feed, beef", ["feed", "beef"]),
        ("", []),
        ("unknown", []),
        ("Unknown", []),
        ("none", []),
        ("null", []),
    ],
)
def test_files_of_the_manual_procedure(written: str, revisions: list[str]) -> None:
    metadata = parse_metadata(OLD.format(written))
    assert list_metadata_revisions(metadata) == revisions
    assert metadata["timestamp"] == "20251225_120000"
    assert metadata["database"] == "residency_scheduler"


def test_lines_that_are_none_are_left_out() -> None:
    assert parse_metadata("# a comment\n\nBackup of today\ndatabase = shop\r\n") == {"database": "shop"}


def test_what_is_missing_is_named() -> None:
    assert find_metadata_problems(parse_metadata(OLD.format("feed"))) == []
    assert_lines_name(find_metadata_problems(parse_metadata(OLD.format(""))), ["alembic_version"])
    assert_lines_name(find_metadata_problems({"database": "shop"}), ["timestamp", "alembic_version", "backup_file"])
    assert_lines_name(find_metadata_problems(NEW), ["format", "files", "rows", "server_version"])
    whole = {**NEW, "format": "plain", "files": {}, "rows": {}, "server_version": "15.1"}
    assert find_metadata_problems(whole) == []
    assert_lines_name(find_metadata_problems({**whole, "rows": "28"}), ["rows"])
    assert_lines_name(find_metadata_problems({**whole, "files": {"x": 5}}), ["files"])


def test_metadata_is_replaced_whole_and_private(tmp_path: Path) -> None:
    path = tmp_path / "x.metadata"
    write_metadata(str(path), {"database": "shop"})
    write_metadata(str(path), {"database": "other"})
    assert path.read_text() == "database: other\n"
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("number", "failure", "argv"),
    [
        (errno.EACCES, FailureId.FILE_NOT_WRITABLE, ["ls", "-la", "/b"]),
        (errno.ENOSPC, FailureId.DISK_FULL, ["df", "-h", "/b"]),
    ],
)
def test_metadata_that_cannot_be_written(
    monkeypatch: pytest.MonkeyPatch, number: int, failure: FailureId, argv: list[str]
) -> None:
    def refuse(_path: str, _text: str) -> None:
        raise OSError(number, "no reason")

    monkeypatch.setattr(metadata, "write_file_atomically", refuse)
    with raises_failure(failure, "/b/x.metadata", "no reason") as caught:
        write_metadata("/b/x.metadata", {})
    assert caught.value.next_command == program_command(*argv)


def test_a_file_is_read_with_what_is_wrong_with_it(tmp_path: Path) -> None:
    path = tmp_path / "x.metadata"
    path.write_text(OLD.format("feed"))
    found = read_metadata_file(str(path))
    assert (found.own, found.problems, found.values["alembic_version"]) == (False, [], "feed")
    path.write_text(format_metadata(NEW))
    found = read_metadata_file(str(path))
    assert (found.own, found.values) == (True, NEW)
    assert_lines_name(found.problems, ["format", "files", "rows", "server_version"])
