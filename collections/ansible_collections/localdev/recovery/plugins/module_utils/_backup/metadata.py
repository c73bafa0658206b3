# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Format and parse a backup's metadata file: ``key: value`` lines that people read and YAML parses. Pure.

A value is a plain word if every YAML parser reads it as that word, otherwise JSON, which is YAML too. So the stack's
host needs no YAML library, and a revision such as ``1e5`` stays a string.
"""

from __future__ import annotations

import json
import os
import re
import typing as t
from dataclasses import dataclass, field

from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._core.files import write_file_atomically
from ansible_collections.localdev.recovery.plugins.module_utils._core.next_command import program_command

METADATA_FORMAT_VERSION = 2
# The keys of the manual procedure's script; every file starts with them.
REQUIRED_METADATA_KEYS = ("timestamp", "alembic_version", "database", "backup_file")

BackupMetadata = dict[str, t.Any]


@dataclass(frozen=True)
class MetadataFile:
    """A metadata file. own: whether this collection wrote it. problems: messages that say why it is incomplete."""

    values: BackupMetadata = field(default_factory=dict)
    own: bool = False
    problems: list[str] = field(default_factory=list)


# Types of the values that this collection writes and reads; another type means a change by hand or a failing disk.
_VALUE_TYPES: dict[str, type] = {
    "alembic_versions": list,
    "collation": dict,
    "database_bytes": int,
    "extensions": dict,
    "files": dict,
    "roles": list,
    "rows": dict,
    "server_major": int,
    "statistics": bool,
}

_LINE = re.compile(r"([A-Za-z_][\w-]*)[ \t]*[:=][ \t]*(.*)")
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_./+-]*")
# Python's JSON parser reads infinity as a number.
_YAML_WORDS = frozenset(("y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan", "inf", "infinity"))
# YAML forbids some characters that JSON allows, and does not join JSON's surrogate pairs.
_ESCAPED = re.compile("[^\x20-\x7e\U00010000-\U0010ffff]")


def format_metadata(metadata: t.Mapping[str, t.Any]) -> str:
    """Return the text of a metadata file. Values: all that JSON has, numbers without an exponent."""
    first = [key for key in REQUIRED_METADATA_KEYS if key in metadata]
    keys = [*first, *(key for key in metadata if key not in first)]
    return "".join(f"{key}: {_format_value(metadata[key])}\n" for key in keys)


def _format_value(value: t.Any) -> str:
    if isinstance(value, str) and _PLAIN.fullmatch(value) and value.lower() not in _YAML_WORDS:
        return value
    return _ESCAPED.sub(lambda match: f"\\u{ord(match[0]):04x}", json.dumps(value, ensure_ascii=False))


def read_metadata_file(path: str) -> MetadataFile:
    """Return a metadata file. May raise OSError."""
    with open(path, encoding="utf-8", errors="replace") as file:
        values = parse_metadata(file.read())
    return MetadataFile(values, is_own_metadata(values), find_metadata_problems(values))


def write_metadata(path: str, metadata: t.Mapping[str, t.Any]) -> None:
    """Replace a metadata file atomically. Only its owner can read it."""
    try:
        write_file_atomically(path, format_metadata(metadata))
    except OSError as exc:
        folder = os.path.dirname(path)
        failure = FailureId.from_write_error(exc)
        full = failure is FailureId.DISK_FULL
        raise RecoveryError(
            failure,
            f"Cannot write {path}: {exc.strerror}",
            next_command=program_command("df", "-h", folder) if full else program_command("ls", "-la", folder),
        ) from exc


def parse_metadata(text: str) -> BackupMetadata:
    """Return a metadata file's values. Lines without ``key: value`` are ignored; values without JSON are strings."""
    found: BackupMetadata = {}
    old = re.search(r"^format_version\b", text, re.M) is None
    for line in text.splitlines():
        match = _LINE.fullmatch(line.strip())
        if match:
            found[match.group(1)] = _parse_value(match.group(2).strip(), old=old)
    return found


def _parse_value(text: str, *, old: bool) -> t.Any:
    """Return a value. old: a script without quotes wrote it, so a number is a string too."""
    try:
        value = json.loads(text)
    except ValueError:
        return text.strip("'")
    if old and not isinstance(value, str):
        return text
    return value


def list_metadata_revisions(metadata: t.Mapping[str, t.Any]) -> list[str]:
    """Return the Alembic revisions that a metadata file names; empty if it names none."""
    named = metadata.get("alembic_versions")
    if isinstance(named, list):
        return [str(revision) for revision in named]
    old = str(metadata.get("alembic_version") or "").replace("(head)", " ").replace(",", " ")
    return [word for word in old.split() if word.lower() not in ("unknown", "none", "null", "n/a")]


def is_own_metadata(metadata: t.Mapping[str, t.Any]) -> bool:
    """Return whether this collection wrote the file, also if the line with the version is corrupt."""
    return metadata.get("format_version") is not None or "files" in metadata


def _find_malformed_values(metadata: t.Mapping[str, t.Any]) -> list[str]:
    """Return a message for each value of a wrong type in a metadata file of this collection."""
    found = {key for key, kind in _VALUE_TYPES.items() if not isinstance(metadata.get(key, kind()), kind)}
    if "files" not in found and not all(
        isinstance(file, dict) and {"bytes", "sha256"} <= set(file) for file in metadata.get("files", {}).values()
    ):
        found.add("files")
    return [f"the metadata's {key} cannot be read" for key in sorted(found)]


def find_metadata_problems(metadata: t.Mapping[str, t.Any]) -> list[str]:
    """Return messages that say why a metadata file is incomplete."""
    missing = [key for key in REQUIRED_METADATA_KEYS if metadata.get(key) in (None, "")]
    if missing:
        return [f"the metadata has no {', '.join(missing)}"]
    if not is_own_metadata(metadata):
        return []
    lacking = [key for key in ("format", "files", "rows", "server_version") if key not in metadata]
    return [*([f"the metadata has no {', '.join(lacking)}"] if lacking else []), *_find_malformed_values(metadata)]
