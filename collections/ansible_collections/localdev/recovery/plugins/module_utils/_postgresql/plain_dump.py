# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Filter a plain SQL dump on its way to psql. Pure.

psql would also execute what must not run in a temporary database: ``\\connect`` switches to another database, ``\\!``
starts a shell, ``DROP DATABASE`` may drop the live one. And psql stops at what another server does not know: roles,
settings of newer versions. So statements are read line by line, as pg_dump writes them; rows pass in blocks.
"""

from __future__ import annotations

import contextlib
import itertools
import re
import typing as t

from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId

DUMP_BLOCK_BYTES = 1024 * 1024
# The comment at the end of every dump of pg_dump.
_CLOSING_LINE = b"-- PostgreSQL database dump complete"
_COPY = re.compile(rb"COPY .* FROM stdin;\s*$")
_TABLE = rb'(?:"?([^\s".]+)"?\.)?"?([^\s".]+)"?'
_COPY_REVISIONS = re.compile(rb"COPY " + _TABLE + rb' \("?version_num"?\) FROM stdin;\s*$')
# The only column of a version table, in CREATE TABLE; see find_version_tables.
_ONLY_COLUMN = re.compile(rb"\s+version_num (?:text|character varying)[^,]*$")
_VERSION_TABLE = re.compile(rb"CREATE TABLE " + _TABLE + rb" \(\n\s+version_num (?:text|character varying)[^,\n]*\n\)")
_INSERT_REVISION = re.compile(rb"INSERT INTO " + _TABLE + rb" (?:\(version_num\) )?VALUES \('([^']*)'\);")
_SET_STATEMENT = re.compile(rb"SET ([a-z_]+) = [^;]*;\s*$")
# Statements beyond one database, as in dumps made with --create and those of pg_dumpall.
_CLUSTER_STATEMENT = re.compile(
    rb"\s*((?:CREATE|ALTER|DROP)\s+(?:DATABASE|ROLE|GROUP|TABLESPACE|SYSTEM|USER(?!\s+MAPPING))"
    rb"|(?:GRANT|REVOKE)\s[^;]*\sON\s+DATABASE)\s",
    re.IGNORECASE,
)
# Statements of pg_dump --clean, and the form of --if-exists: an empty database has nothing to drop.
_DROPS_WITHOUT_IF_EXISTS = (
    (re.compile(rb"DROP (?!.*IF EXISTS)((?:(?!FOR )[A-Z]+ )+)"), rb"DROP \1IF EXISTS "),
    (
        re.compile(rb"ALTER TABLE (?!IF EXISTS)(.*) DROP CONSTRAINT (?!IF EXISTS)"),
        rb"ALTER TABLE IF EXISTS \1 DROP CONSTRAINT IF EXISTS ",
    ),
    (re.compile(rb"ALTER TABLE (?!IF EXISTS)(.* DROP (?:DEFAULT|IDENTITY);)"), rb"ALTER TABLE IF EXISTS \1"),
)
# Tokens in which a line's end does not end the statement, and the start of a psql command.
_OPENING_TOKEN = re.compile(rb"--|/\*|\$(?:[A-Za-z_][A-Za-z0-9_]*)?\$|(?<![A-Za-z0-9_])[eE]'|'|\"|\\")
_ROLE = rb'("(?:[^"]|"")+"|[^\s",;]+)'
# Statements that name roles, each on one line.
_ROLE_STATEMENTS = (
    re.compile(rb"ALTER .* OWNER TO " + _ROLE + rb";\s*$"),
    re.compile(rb"GRANT .* TO " + _ROLE + rb"(?: WITH GRANT OPTION)?;\s*$"),
    re.compile(rb"REVOKE .* FROM " + _ROLE + rb";\s*$"),
    re.compile(rb"SET SESSION AUTHORIZATION " + _ROLE + rb";\s*$"),
    re.compile(rb"ALTER DEFAULT PRIVILEGES FOR ROLE " + _ROLE + rb" .*;\s*$"),
)
_KEYWORD_ROLES = frozenset(("PUBLIC", "DEFAULT", "CURRENT_USER", "SESSION_USER", "CURRENT_ROLE"))


class DumpRefused(Exception):
    """A plain dump that psql must not execute. The text says why; failure and hint are for the error of its backup."""

    def __init__(self, failure: FailureId, cause: str, hint: str) -> None:
        super().__init__(cause)
        self.failure = failure
        self.hint = hint


class SqlLexer:
    """A lexer that knows whether the text so far ends inside a string, a quoted name, a comment or a function body."""

    def __init__(self) -> None:
        self._closing: re.Pattern[bytes] | None = None

    @property
    def inside(self) -> bool:
        return self._closing is not None

    def feed(self, line: bytes) -> None:
        """Read a line. Raise DumpRefused for a psql command in it."""
        position = 0
        while position < len(line):
            if self._closing is not None:
                match = self._closing.match(line, position)
                if match is None:
                    return
                self._closing = None
                position = match.end()
                continue
            match = _OPENING_TOKEN.search(line, position)
            if match is None or match.group() == b"--":
                return
            if match.group() == b"\\":
                raise _unsafe_dump_error(f"the psql command {_psql_command_name(line[match.start() :])}")
            self._closing = self._closing_of(match.group())
            position = match.end()

    @staticmethod
    def _closing_of(opening: bytes) -> re.Pattern[bytes]:
        if opening in (b"e'", b"E'"):
            return re.compile(rb"(?:\\.|''|[^'\\])*'(?!')", re.DOTALL)
        if opening == b"'":
            return re.compile(rb"(?:''|[^'])*'(?!')")
        return re.compile(rb".*?" + re.escape(b"*/" if opening == b"/*" else opening), re.DOTALL)


def find_role_names(line: bytes) -> list[str]:
    """Return the roles that a statement of a dump names."""
    for pattern in _ROLE_STATEMENTS:
        match = pattern.match(line)
        if match:
            names = [match.group(1).decode(errors="replace")]
            grantor = re.match(rb"ALTER DEFAULT PRIVILEGES .* (?:TO|FROM) " + _ROLE + rb"[ ;]", line)
            if grantor:
                names.append(grantor.group(1).decode(errors="replace"))
            found = [name[1:-1].replace('""', '"') if name.startswith('"') else name for name in names]
            return [name for name in found if name not in _KEYWORD_ROLES]
    return []


class PlainDump:
    """A filter that turns a plain dump into what psql may execute in a temporary database.

    roles, settings: those that the server knows. Statements with others are left out; missing_roles and
    unknown_settings list them. revisions: found in Alembic's version table.
    """

    def __init__(self, roles: t.Collection[str], settings: t.Collection[str], version_table: str) -> None:
        self.roles = set(roles)
        self.settings = set(settings)
        self._version_table = version_table.encode()
        self.missing_roles: set[str] = set()
        self.unknown_settings: set[str] = set()
        self.revisions: list[str] = []
        self._declared_tables = 0
        self._read_tables = 0
        self._lexer = SqlLexer()
        self._buffer = b""
        self._in_rows = False
        self._in_revisions = False
        self._complete = False

    def filter_block(self, block: bytes) -> t.Iterator[bytes]:
        """Yield what psql may execute of the blocks so far. Raise DumpRefused for an unsafe statement."""
        self._buffer += block
        while True:
            if self._in_rows:
                rows, self._buffer, self._in_rows = _take_rows(self._buffer)
                if self._in_revisions:
                    lines = [row for row in rows.split(b"\n") if row not in (b"", b"\\.")]
                    self.revisions += [row.decode(errors="replace") for row in lines]
                yield rows
                if self._in_rows:
                    break
                self._read_tables += self._in_revisions
            line, newline, rest = self._buffer.partition(b"\n")
            if not newline:
                break
            self._buffer = rest
            yield self._statement_line(line + newline)
            self._in_rows = not self._lexer.inside and _COPY.match(line) is not None
            if self._in_rows:
                table = _COPY_REVISIONS.match(line)
                self._in_revisions = table is not None and self._is_version_table(table)

    def finish(self) -> bytes:
        """Return what psql may execute of the last line. Raise DumpRefused if the dump is truncated."""
        if self._in_rows:
            raise _truncated_dump_error("in the middle of a table's rows")
        line = self._statement_line(self._buffer) if self._buffer else b""
        if not self._complete:
            raise _truncated_dump_error("without pg_dump's closing line")
        return line

    @property
    def has_all_revisions(self) -> bool:
        """Return whether the rows of each version table have been read that the dump declares before all rows."""
        return 0 < self._declared_tables <= self._read_tables

    def _is_version_table(self, match: re.Match[bytes]) -> bool:
        if not self._version_table:
            # By its shape; an INSERT need not name the column.
            return b"version_num" in match.group() or b"alembic" in match.group(2)
        schema, _dot, table = self._version_table.rpartition(b".")
        return match.group(2) == table and schema in (b"", match.group(1))

    def _statement_line(self, line: bytes) -> bytes:
        """Return the line, or nothing if it is left out."""
        if self._lexer.inside:
            self._lexer.feed(line)
            return line
        if _psql_command_name(line) in ("\\restrict", "\\unrestrict"):
            # Both keep psql from executing other backslash commands, and none passes here. Older versions of
            # psql know neither.
            return b""
        of_cluster = _CLUSTER_STATEMENT.match(line)
        if of_cluster:
            raise _unsafe_dump_error(f"the statement {' '.join(of_cluster.group(1).decode(errors='replace').split())}")
        if line.startswith(_CLOSING_LINE):
            self._complete = True
        setting = _SET_STATEMENT.match(line)
        if setting and setting.group(1).decode() not in self.settings:
            self.unknown_settings.add(setting.group(1).decode())
            return b""
        missing = [name for name in find_role_names(line) if name not in self.roles]
        if missing:
            self.missing_roles.update(missing)
            return b""
        self._declared_tables += _ONLY_COLUMN.match(line) is not None
        inserted = _INSERT_REVISION.match(line)
        if inserted and self._is_version_table(inserted):
            self.revisions.append(inserted.group(3).decode(errors="replace"))
        for pattern, tolerant in _DROPS_WITHOUT_IF_EXISTS if line.startswith((b"DROP ", b"ALTER TABLE ")) else ():
            line = pattern.sub(tolerant, line, count=1) if pattern.match(line) else line
        self._lexer.feed(line)
        return line


def _take_rows(buffer: bytes) -> tuple[bytes, bytes, bool]:
    """Return (rows, the rest, whether rows go on). A line with a backslash and a dot ends them."""
    if buffer.startswith(b"\\.\n"):
        return buffer[:3], buffer[3:], False
    end = buffer.find(b"\n\\.\n")
    if end >= 0:
        return buffer[: end + 4], buffer[end + 4 :], False
    # The end mark may be split between two blocks.
    cut = max(0, buffer.rfind(b"\n", 0, max(0, len(buffer) - 3)) + 1)
    return buffer[:cut], buffer[cut:], True


def _psql_command_name(line: bytes) -> str:
    """Return a psql command's name, with its backslash."""
    return (line.split() or [b"\\"])[0].decode(errors="replace")


def _unsafe_dump_error(what: str) -> DumpRefused:
    return DumpRefused(
        FailureId.BACKUP_UNSAFE_STATEMENT,
        f"the dump contains {what}, which would leave the temporary database",
        "Make the dump again without --create, of one database, or choose another backup.",
    )


def _truncated_dump_error(where: str) -> DumpRefused:
    return DumpRefused(FailureId.BACKUP_CORRUPT, f"the dump is incomplete: it ends {where}", "Choose another backup.")


def find_revisions_in_dump(file: t.IO[bytes], version_table: str) -> list[str]:
    """Return Alembic's revisions in a plain dump; read no further than to the end of its version tables.

    version_table: empty for every table that has only the column version_num.
    """
    dump = PlainDump((), (), version_table)
    seen = 0
    blocks = iter(lambda: file.read(DUMP_BLOCK_BYTES), b"")
    with contextlib.suppress(DumpRefused):
        for piece in itertools.chain.from_iterable(map(dump.filter_block, blocks)):
            # Revisions may come in several pieces; a piece without any follows the last one.
            ended = bool(piece and seen and len(dump.revisions) == seen) if version_table else dump.has_all_revisions
            if ended:
                break
            seen = len(dump.revisions)
    return dump.revisions


def find_version_tables(schema_dump: str) -> list[str]:
    """Return the names of the tables that have only Alembic's column, with their schema. Pure."""
    found = _VERSION_TABLE.findall(schema_dump.encode())
    return [b".".join(part for part in parts if part).decode(errors="replace") for parts in found]
