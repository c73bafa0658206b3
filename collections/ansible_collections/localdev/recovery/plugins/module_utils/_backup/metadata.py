# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""The text file beside each backup: ``key: value`` lines that people read and YAML parses. Pure.

A value is a plain word where no YAML parser could take it for anything else, otherwise JSON, which is YAML too. So the
stack's host needs no YAML library, and a revision such as ``1e5`` stays a string.
"""

from __future__ import annotations

import json
import re
import typing as t

METADATA_FORMAT_VERSION = 2
# What the manual procedure's script wrote; every file has these four first.
REQUIRED_METADATA_KEYS = ("timestamp", "alembic_version", "database", "backup_file")

BackupMetadata = dict[str, t.Any]

# Of what this collection writes and goes by; anything else was changed by hand or by a failing disk.
_VALUE_TYPES: dict[str, type] = {
    "alembic_versions": list,
    "collation": dict,
    "database_bytes": int,
    "extensions": dict,
    "files": dict,
    "roles": list,
    "rows": dict,
    "server_major": int,
}

_LINE = re.compile(r"([A-Za-z_][\w-]*)[ \t]*[:=][ \t]*(.*)")
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_./+-]*")
# JSON's reader takes infinity for a number.
_YAML_WORDS = frozenset(("y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan", "inf", "infinity"))
# YAML forbids some characters that JSON allows, and does not join JSON's halves of one beyond 16 bits.
_ESCAPED = re.compile("[^\x20-\x7e\U00010000-\U0010ffff]")


def format_metadata(metadata: t.Mapping[str, t.Any]) -> str:
    """The text of a metadata file. Values: whatever JSON can say, numbers without an exponent."""
    first = [key for key in REQUIRED_METADATA_KEYS if key in metadata]
    keys = [*first, *(key for key in metadata if key not in first)]
    return "".join(f"{key}: {_format_value(metadata[key])}\n" for key in keys)


def _format_value(value: t.Any) -> str:
    if isinstance(value, str) and _PLAIN.fullmatch(value) and value.lower() not in _YAML_WORDS:
        return value
    return _ESCAPED.sub(lambda match: f"\\u{ord(match[0]):04x}", json.dumps(value, ensure_ascii=False))


def parse_metadata(text: str) -> BackupMetadata:
    """What a metadata file says; lines that are no ``key: value`` are left out, values that are no JSON are strings."""
    found: BackupMetadata = {}
    old = re.search(r"^format_version\b", text, re.M) is None
    for line in text.splitlines():
        match = _LINE.fullmatch(line.strip())
        if match:
            found[match.group(1)] = _parse_value(match.group(2).strip(), old=old)
    return found


def _parse_value(text: str, *, old: bool) -> t.Any:
    """old: written by a script that quotes nothing, so all that looks like a number is still a word."""
    try:
        value = json.loads(text)
    except ValueError:
        return text.strip("'")
    if old and not isinstance(value, str):
        return text
    return value


def list_metadata_revisions(metadata: t.Mapping[str, t.Any]) -> list[str]:
    """The Alembic revisions that a metadata file names; empty when it names none that could be one."""
    named = metadata.get("alembic_versions")
    if isinstance(named, list):
        return [str(revision) for revision in named]
    old = str(metadata.get("alembic_version") or "").replace("(head)", " ").replace(",", " ")
    return [word for word in old.split() if word.lower() not in ("unknown", "none", "null", "n/a")]


def is_own_metadata(metadata: t.Mapping[str, t.Any]) -> bool:
    """Whether this collection wrote it. The line with the version may be the one that is damaged."""
    return metadata.get("format_version") is not None or "files" in metadata


def _find_malformed_values(metadata: t.Mapping[str, t.Any]) -> list[str]:
    """What nobody can go by in a metadata file of this collection, in words."""
    found = {key for key, kind in _VALUE_TYPES.items() if not isinstance(metadata.get(key, kind()), kind)}
    if "files" not in found and not all(
        isinstance(file, dict) and {"bytes", "sha256"} <= set(file) for file in metadata.get("files", {}).values()
    ):
        found.add("files")
    return [f"the metadata's {key} cannot be read" for key in sorted(found)]


def find_metadata_problems(metadata: t.Mapping[str, t.Any]) -> list[str]:
    """What keeps a metadata file from being complete, in words."""
    missing = [key for key in REQUIRED_METADATA_KEYS if metadata.get(key) in (None, "")]
    if missing:
        return [f"the metadata has no {', '.join(missing)}"]
    if not is_own_metadata(metadata):
        return []
    lacking = [key for key in ("format", "files", "rows", "server_version") if key not in metadata]
    return [*([f"the metadata has no {', '.join(lacking)}"] if lacking else []), *_find_malformed_values(metadata)]
