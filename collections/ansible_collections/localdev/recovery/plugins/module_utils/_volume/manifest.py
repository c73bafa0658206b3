# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Manifests: the attributes of every file of a tree, and the differences between two manifests. Pure.

A manifest is a list of entries; the first is the folder itself, ``.``. An entry has ``name`` (relative; bytes that are
not UTF-8 are surrogates, as os.fsdecode makes them) and ``type``: file, folder, link, fifo, socket, character, block,
or same, a further name of the file that ``same`` names. All but the last have mode, uid, gid, mtime_ns; a file has size
and sha256, and sparse where it has holes; a link has target, a device has device ([major, minor]). xattrs: name ->
base64.
"""

from __future__ import annotations

import datetime
import json
import typing as t

FileType = t.Literal["file", "folder", "link", "fifo", "socket", "character", "block", "same"]


class _EntryAttributes(t.TypedDict, total=False):
    """Attributes that only some types of files have."""

    mode: int
    uid: int
    gid: int
    mtime_ns: int
    size: int
    sha256: str
    sparse: bool
    target: str
    device: list[int]
    same: str
    xattrs: dict[str, str]


class ManifestEntry(_EntryAttributes):
    """A file of a tree, as the beginning of this file describes it."""

    name: str
    type: FileType


FORMAT = 1
# In the order in which a person wants to read them.
_ATTRIBUTE_NAMES = {
    "type": "type",
    "sha256": "content",
    "size": "size",
    "target": "link target",
    "same": "other name",
    "uid": "owner",
    "gid": "group",
    "mode": "mode",
    "mtime_ns": "time",
    "device": "device",
    "xattrs": "extended attributes",
}
_MAX_LINES = 10


def serialise_manifest(header: t.Mapping[str, t.Any], entries: t.Sequence[ManifestEntry]) -> str:
    """Return a manifest as text: a header line of JSON, then one line per entry, ASCII only."""
    first = {**header, "format": FORMAT, "entries": len(entries)}
    return "".join(json.dumps(line, sort_keys=True) + "\n" for line in (first, *entries))


def parse_manifest(text: str) -> tuple[dict[str, t.Any], list[ManifestEntry]]:
    """Return header and entries of a manifest; raise ValueError if it is incomplete or of another format."""
    lines = text.splitlines()
    header = json.loads(lines[0]) if lines else None
    if not isinstance(header, dict) or header.get("format") != FORMAT:
        raise ValueError("not a manifest of this format")
    entries = [json.loads(line) for line in lines[1:]]
    if len(entries) != header.get("entries") or not all(
        isinstance(e, dict) and {"name", "type"} <= set(e) for e in entries
    ):
        raise ValueError("a part of the manifest is missing")
    return header, entries


def compare_entries(expected: t.Iterable[ManifestEntry], found: t.Iterable[ManifestEntry]) -> list[str]:
    """Return the differences as text, one line per file. Holes in files are not compared."""
    there = {entry["name"]: entry for entry in found}
    pairs: list[tuple[ManifestEntry | None, ManifestEntry | None]] = [
        (entry, there.pop(entry["name"], None)) for entry in expected
    ]
    return describe_differences([*pairs, *((None, entry) for entry in there.values())])


def describe_differences(pairs: t.Iterable[t.Sequence[ManifestEntry | None]]) -> list[str]:
    """Return the differences of pairs (expected, found) as text; None stands for a missing entry."""
    lines = []
    for expected, found in pairs:
        if expected is None or found is None:
            entry = t.cast(ManifestEntry, expected or found)
            lines.append(f"{escape_name(entry['name'])}: {'is missing' if found is None else 'was not expected'}")
            continue
        parts = [
            f"{word} {_format_value(key, expected.get(key))} became {_format_value(key, found.get(key))}"
            for key, word in _ATTRIBUTE_NAMES.items()
            if expected.get(key) != found.get(key)
        ]
        if parts:
            lines.append(f"{escape_name(expected['name'])}: {', '.join(parts)}")
    return lines


def summarise_differences(lines: t.Sequence[str]) -> list[str]:
    """Return the first lines, and the number of the other ones."""
    more = len(lines) - _MAX_LINES
    return [*lines[:_MAX_LINES], *([f"... and {more} more"] if more > 0 else [])]


def escape_name(name: str) -> str:
    """Return the name as a terminal can show it: line breaks and bytes that are no text are escaped."""
    plain = name.isprintable() and not any("\ud800" <= letter <= "\udfff" for letter in name)
    return name if plain else repr(name.encode("utf-8", "surrogateescape"))[1:]


def _format_value(key: str, value: t.Any) -> str:
    if value is None:
        return "none"
    if key == "mode":
        return f"{value:04o}"
    if key == "sha256":
        return str(value)[:12]
    if key == "mtime_ns":
        seconds, nanoseconds = divmod(value, 10**9)
        try:
            moment = datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc)
        except (ValueError, OverflowError, OSError):
            return str(value)
        return f"{moment:%Y-%m-%dT%H:%M:%S}.{nanoseconds:09d}Z"
    if key in ("target", "same"):
        return escape_name(value)
    return json.dumps(value, sort_keys=True) if isinstance(value, (dict, list)) else str(value)
