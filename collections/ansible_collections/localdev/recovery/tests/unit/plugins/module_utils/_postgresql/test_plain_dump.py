# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import io
import typing as t

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._postgresql.plain_dump import (
    DumpRefused,
    PlainDump,
    SqlLexer,
    find_revisions_in_dump,
    find_role_names,
)
from ansible_collections.localdev.recovery.tests.unit.golden import assert_golden

END = b"--\n-- PostgreSQL database dump complete\n--\n\n"
# As pg_dump 15 writes them.
SCHEMA = rb"""--
-- PostgreSQL database dump
--

-- Dumped from database version 15.14
-- Dumped by pg_dump version 15.14

SET statement_timeout = 0;
SET client_encoding = 'UTF8';
SELECT pg_catalog.set_config('search_path', '', false);

COMMENT ON SCHEMA public IS 'several
lines; \connect in a comment''s text
COPY public.people (id) FROM stdin;
';

CREATE FUNCTION public.f() RETURNS text
    LANGUAGE plpgsql
    AS $_$
BEGIN
\! rm -rf /
DROP DATABASE shop;
  RETURN $$ it's "odd $$ || E'\'' ;
END $_$;

ALTER FUNCTION public.f() OWNER TO keeper;

CREATE TABLE public.people (
    id integer NOT NULL, -- it's "a" $comment$
    name text DEFAULT E'a\'b\\'::text /* ' " $x$
 \. */
);

ALTER TABLE public.people OWNER TO keeper;
"""
VERSIONS = b"COPY public.alembic_version (version_num) FROM stdin;\n20260102_blocks\n\\.\n\n"


def copied(*rows: bytes, table: bytes = b"public.people") -> bytes:
    return b"COPY " + table + b" (id, name) FROM stdin;\n" + b"".join(row + b"\n" for row in rows) + b"\\.\n\n"


def dump(
    roles: t.Collection[str] = ("keeper",),
    settings: t.Collection[str] = ("statement_timeout", "client_encoding"),
    table: str = "alembic_version",
) -> PlainDump:
    return PlainDump(roles, settings, table)


class SmallReads(io.BytesIO):
    """A dump whose reads return only a few bytes each."""

    def __init__(self, text: bytes, size: int) -> None:
        super().__init__(text)
        self.size = size

    def read(self, _size: int | None = -1) -> bytes:
        return super().read(self.size)


def feed(text: bytes, size: int, reader: PlainDump) -> t.Iterator[bytes]:
    """Filter a dump that comes in blocks, and yield what passes."""
    for start in range(0, len(text), size):
        yield from reader.filter_block(text[start : start + size])
    yield reader.finish()


def through(text: bytes, size: int = 1 << 20, reader: PlainDump | None = None) -> bytes:
    return b"".join(feed(text, size, reader or dump()))


def refused(text: bytes, size: int) -> DumpRefused:
    """Return the refusal, and check that nothing of the refused content has passed."""
    pieces: list[bytes] = []
    with pytest.raises(DumpRefused) as caught:
        pieces.extend(feed(text, size, dump()))
    passed = b"".join(pieces)
    assert b"connect" not in passed
    assert b"DATABASE" not in passed
    return caught.value


# --- what passes as it is ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1, 2, 3, 5, 7, 64, 1 << 20])
def test_a_dump_passes_unchanged_whatever_the_blocks(size: int) -> None:
    text = SCHEMA + copied(b"1\tAda", rb"2\t\N", rb"\\.", rb"\connect shop") + copied() + VERSIONS + END
    reader = dump()
    assert through(text, size, reader) == text
    assert reader.revisions == ["20260102_blocks"]
    assert (reader.missing_roles, reader.unknown_settings) == (set(), set())


# COPY's text format doubles backslashes, so that no row is the end mark.
rows = st.lists(
    st.binary(max_size=12).map(lambda row: row.replace(b"\n", b"\\n"))
    | st.sampled_from(
        [b"", b"\\N", b"\\\\.", b"\\.x", b"\\.\t", b"x\\.", b"\\", b"\\connect x", b"\\! ls", b"DROP DATABASE x;"]
    )
    | st.sampled_from([b"'", b"$$", b"/*", b"--", b'"', b"SET nothing = 1;", b"COPY a (b) FROM stdin;"])
).map(lambda found: [row for row in found if row != b"\\."])


@settings(max_examples=50)
@given(rows, rows, st.integers(1, 40))
@example([b"\\.x"], [], 1)
@example([b""], [b"\\"], 4)
def test_rows_pass_whatever_bytes_they_have(first: list[bytes], second: list[bytes], size: int) -> None:
    text = SCHEMA + copied(*first) + copied(*second, table=b'"Odd name"."t"') + VERSIONS + END
    reader = dump()
    assert through(text, size, reader) == text
    assert reader.revisions == ["20260102_blocks"]


@settings(max_examples=50)
@given(st.lists(st.sampled_from([b"'", b"''", b"\\", b"$$", b"a", b"\n", b'"', b"--", b"/*", b"*/", b";", b"\\!"])))
def test_a_quoted_string_ends_where_sql_ends_it(pieces: list[bytes]) -> None:
    raw = b"".join(pieces)
    for text in (
        b"'" + raw.replace(b"'", b"''") + b"'",
        b"E'" + raw.replace(b"\\", b"\\\\").replace(b"'", b"\\'") + b"'",
        b'"' + raw.replace(b'"', b'""') + b'"',
        b"$tag_1$" + raw + b"$tag_1$",
        b"/*" + raw.replace(b"*/", b"").replace(b"/*", b"") + b" */",
    ):
        lexer = SqlLexer()
        lines = (b"SELECT " + text + b";\n").splitlines(keepends=True)
        for line in lines[:-1]:
            lexer.feed(line)
            assert lexer.inside
        lexer.feed(lines[-1])
        assert not lexer.inside


def test_a_type_before_a_string_does_not_make_it_an_escape_string() -> None:
    lexer = SqlLexer()
    lexer.feed(b"SELECT name'\\';\n")
    assert not lexer.inside


# --- what must not be executed -----------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1, 1 << 20], ids=["bytes", "whole"])
@pytest.mark.parametrize(
    ("statement", "name"),
    [
        (b"\\connect shop\n", "\\connect"),
        (b"\\connect -reuse-previous=on \"dbname='shop'\"\n", "\\connect"),
        (b"  \\c shop\n", "\\c"),
        (b"\\! touch /tmp/x\n", "\\!"),
        (b"\\i other.sql\n", "\\i"),
        (b"SELECT 1; \\! touch /tmp/x\n", "\\!"),
        (b"SELECT '1' \\gexec\n", "\\gexec"),
        (b"SELECT 1 \\restrict x\n", "\\restrict"),
        (b"CREATE DATABASE shop WITH TEMPLATE = template0;\n", "CREATE DATABASE"),
        (b"DROP DATABASE shop;\n", "DROP DATABASE"),
        (b"DROP DATABASE IF EXISTS shop;\n", "DROP DATABASE"),
        (b" drop  database shop;\n", "drop database"),
        (b"ALTER DATABASE shop OWNER TO keeper;\n", "ALTER DATABASE"),
        (b"CREATE ROLE keeper;\n", "CREATE ROLE"),
        (b"ALTER ROLE keeper WITH SUPERUSER PASSWORD 'x';\n", "ALTER ROLE"),
        (b"DROP USER keeper;\n", "DROP USER"),
        (b"CREATE TABLESPACE fast LOCATION '/x';\n", "CREATE TABLESPACE"),
        (b"ALTER SYSTEM SET fsync = off;\n", "ALTER SYSTEM"),
        (b"GRANT CONNECT ON DATABASE shop TO keeper;\n", "GRANT CONNECT ON DATABASE"),
    ],
    ids=lambda value: value.strip("\\ ") if isinstance(value, str) else "",
)
def test_a_statement_that_leaves_the_temporary_database_is_refused_by_name(
    statement: bytes, name: str, size: int
) -> None:
    error = refused(SCHEMA.replace(b"\\connect", b"").replace(b"DATABASE", b"") + statement + END, size)
    assert error.failure is FailureId.BACKUP_UNSAFE_STATEMENT
    assert f" {name}, " in str(error)
    assert "--create" in error.hint


def test_user_mappings_are_the_databases_own() -> None:
    text = b"CREATE USER MAPPING FOR keeper SERVER other;\n" + END
    assert through(text) == text


def test_what_newer_ones_put_around_a_dump_is_left_out() -> None:
    text = b"\\restrict aBc\n\n" + SCHEMA + END + b"\\unrestrict aBc\n\n"
    assert through(text, 3) == b"\n" + SCHEMA + END + b"\n"


# --- what another server does not know ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "names"),
    [
        (b"ALTER TABLE public.people OWNER TO gone;\n", ["gone"]),
        (b'ALTER SCHEMA x OWNER TO "Gone ""Away""";\n', ['Gone "Away"']),
        (b"GRANT SELECT ON TABLE public.people TO gone;\n", ["gone"]),
        (b"GRANT ALL ON SCHEMA public TO gone WITH GRANT OPTION;\n", ["gone"]),
        (b"REVOKE ALL ON TABLE public.people FROM gone;\n", ["gone"]),
        (b"SET SESSION AUTHORIZATION gone;\n", ["gone"]),
        (b"ALTER DEFAULT PRIVILEGES FOR ROLE gone IN SCHEMA x GRANT SELECT ON TABLES TO reader;\n", ["gone", "reader"]),
        (b"ALTER DEFAULT PRIVILEGES FOR ROLE a GRANT SELECT ON TABLES TO b WITH GRANT OPTION;\n", ["a", "b"]),
        (b"ALTER DEFAULT PRIVILEGES FOR ROLE a REVOKE ALL ON TYPES FROM PUBLIC;\n", ["a"]),
        (b"GRANT USAGE ON SCHEMA public TO PUBLIC;\n", []),
        (b"SET SESSION AUTHORIZATION DEFAULT;\n", []),
        (b"ALTER TABLE public.people ADD COLUMN owner text;\n", []),
    ],
)
def test_roles_that_statements_name(line: bytes, names: list[str]) -> None:
    assert find_role_names(line) == names
    reader = dump(roles=())
    text = through(line + END, reader=reader)
    assert reader.missing_roles == set(names)
    assert text == (END if names else line + END)
    assert through(line + END, reader=dump(roles=names)) == line + END


def test_settings_of_newer_servers_are_left_out_and_reported() -> None:
    reader = dump()
    text = SCHEMA.replace(b"SET client_encoding", b"SET transaction_timeout = 0;\nSET client_encoding") + END
    assert through(text, 5, reader) == SCHEMA + END
    assert reader.unknown_settings == {"transaction_timeout"}


@pytest.mark.parametrize(
    ("written", "executed"),
    [
        (b"DROP TABLE public.people;", b"DROP TABLE IF EXISTS public.people;"),
        (b'DROP TABLE public."DROP ME";', b'DROP TABLE IF EXISTS public."DROP ME";'),
        (b"DROP MATERIALIZED VIEW public.v;", b"DROP MATERIALIZED VIEW IF EXISTS public.v;"),
        (b"DROP TRIGGER x ON public.t;", b"DROP TRIGGER IF EXISTS x ON public.t;"),
        (b"DROP USER MAPPING FOR a SERVER s;", b"DROP USER MAPPING IF EXISTS FOR a SERVER s;"),
        (
            b"ALTER TABLE ONLY public.people DROP CONSTRAINT people_pkey;",
            b"ALTER TABLE IF EXISTS ONLY public.people DROP CONSTRAINT IF EXISTS people_pkey;",
        ),
        (
            b"ALTER TABLE public.people ALTER COLUMN id DROP DEFAULT;",
            b"ALTER TABLE IF EXISTS public.people ALTER COLUMN id DROP DEFAULT;",
        ),
        (b"DROP TABLE IF EXISTS public.people;", None),
        (b"DROP MATERIALIZED VIEW IF EXISTS public.v;", None),
        (b"ALTER TABLE IF EXISTS ONLY public.people DROP CONSTRAINT IF EXISTS people_pkey;", None),
        (b"ALTER TABLE IF EXISTS public.people ALTER COLUMN id DROP DEFAULT;", None),
        (b"ALTER TABLE public.people ADD CONSTRAINT x CHECK (true);", None),
    ],
)
def test_in_an_empty_database_there_is_nothing_to_drop(written: bytes, executed: bytes | None) -> None:
    assert through(written + b"\n" + END) == (executed or written) + b"\n" + END


# --- interrupted -------------------------------------------------------------------------------------------------


WHOLE = SCHEMA + copied(b"1\tAda", b"2\tBob") + VERSIONS + END


@given(st.integers(0, len(WHOLE) - len(b"-- PostgreSQL database dump complete\n--\n\n")), st.integers(1, 300))
def test_a_dump_that_ends_early_is_refused(length: int, size: int) -> None:
    with pytest.raises(DumpRefused) as caught:
        through(WHOLE[:length], size)
    assert caught.value.failure is FailureId.BACKUP_CORRUPT


def test_the_place_of_the_cut_is_reported() -> None:
    messages = set()
    for cut in (WHOLE.index(b"Bob"), WHOLE.index(b"\\.\n\nCOPY public.alembic_version"), len(SCHEMA)):
        with pytest.raises(DumpRefused) as caught:
            through(WHOLE[:cut])
        messages.add(str(caught.value))
    assert_golden("backup/truncated_dump", sorted(messages))


# --- revisions ---------------------------------------------------------------------------------------------------


TWO = b"COPY public.alembic_version (version_num) FROM stdin;\nfeed\nbeef\n\\.\n"
INSERTED = (
    b"INSERT INTO public.alembic_version (version_num) VALUES ('feed');\n"
    b"INSERT INTO public.alembic_version VALUES ('beef');\n"
)


@pytest.mark.parametrize("size", [1, 3, 70, 1 << 20])
@pytest.mark.parametrize("table", [TWO, INSERTED], ids=["COPY", "INSERT"])
def test_all_revisions_are_found(table: bytes, size: int) -> None:
    text = SCHEMA + copied(b"1\tAda") + table + copied(b"2\tBob") + END
    assert find_revisions_in_dump(SmallReads(text, size), "alembic_version") == ["feed", "beef"]
    reader = dump()
    assert through(text, size, reader) == text
    assert reader.revisions == ["feed", "beef"]


@pytest.mark.parametrize(
    ("version_table", "revisions"),
    [("alembic_version", ["feed"]), ("app.alembic_version", ["beef"]), ("other", []), ("x.alembic_version", [])],
)
def test_of_the_wanted_version_table(version_table: str, revisions: list[str]) -> None:
    one = b"COPY public.alembic_version (version_num) FROM stdin;\nfeed\n\\.\n"
    other = b'COPY "app"."alembic_version" ("version_num") FROM stdin;\nbeef\n\\.\n'
    assert find_revisions_in_dump(io.BytesIO(one + other + END), version_table) == revisions


def test_no_more_is_read_than_needed() -> None:
    text = SCHEMA + VERSIONS + copied(b"1\tAda") * 100
    file = SmallReads(text, 50)
    assert find_revisions_in_dump(file, "alembic_version") == ["20260102_blocks"]
    assert file.tell() <= len(SCHEMA + VERSIONS) + 100


def test_a_dump_without_any_has_none() -> None:
    assert find_revisions_in_dump(io.BytesIO(SCHEMA + copied() + END), "alembic_version") == []
    assert find_revisions_in_dump(io.BytesIO(SCHEMA), "alembic_version") == []
