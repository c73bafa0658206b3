# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Read single values as Compose, Docker and database URLs write them. Pure."""

from __future__ import annotations

import os
import re
import shlex
import typing as t
import urllib.parse
from dataclasses import dataclass

_UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ns": 1e-9}
_DURATION_PART = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(ms|us|µs|μs|ns|h|m|s)")


def seconds(duration: str) -> float:
    """Seconds of a Go duration such as ``1m30s``; ValueError for anything else."""
    text = duration.strip()
    sign = -1.0 if text.startswith("-") else 1.0
    text = text.lstrip("+-")
    if text == "0":
        return 0.0
    total, position = 0.0, 0
    for part in _DURATION_PART.finditer(text):
        if part.start() != position:
            break
        total += float(part.group(1)) * _UNITS[part.group(2)]
        position = part.end()
    if not text or position != len(text):
        raise ValueError(f"not a duration: {duration!r}")
    return sign * total


def single_port(published: str | int | None) -> int | None:
    """The one port that is certain to be published; None for a range or a port that Docker picks."""
    text = str(published or "").strip()
    return int(text) or None if text.isdigit() else None


def image_reference(reference: str) -> tuple[str, str, str]:
    """(name, tag, digest) of an image reference, Docker Hub's implied parts taken off; tag is ``latest`` by default."""
    name, _rest, digest = reference.partition("@")
    tag = ""
    if ":" in name.rpartition("/")[2]:
        name, _rest, tag = name.rpartition(":")
    for prefix in ("docker.io/", "index.docker.io/", "registry-1.docker.io/", "library/"):
        name = name.removeprefix(prefix)
    return name, tag or ("" if digest else "latest"), digest


def same_image(wanted: str, image: t.Mapping[str, t.Any]) -> bool:
    """Whether an inspected image is what a reference names now."""
    name, tag, digest = image_reference(wanted)
    if digest:
        return any(image_reference(item)[::2] == (name, digest) for item in image.get("RepoDigests") or ())
    identity = str(image.get("Id", ""))
    if wanted == identity or (
        re.fullmatch(r"[0-9a-f]{12,64}", wanted) and identity.removeprefix("sha256:").startswith(wanted)
    ):
        return True
    return any(image_reference(item)[:2] == (name, tag) for item in image.get("RepoTags") or ())


def environment_of(listed: t.Sequence[str] | None) -> dict[str, str]:
    """The ``NAME=value`` list of docker inspect as a mapping."""
    return dict(item.split("=", 1) for item in listed or () if "=" in item)


@dataclass(frozen=True)
class DatabaseUrl:
    """A PostgreSQL connection URL, percent-encoding resolved. Absent parts are empty; port 0 means the default."""

    host: str
    port: int = 0
    user: str = ""
    password: str = ""
    name: str = ""


_POSTGRESQL_SCHEME = re.compile(
    r"(?:jdbc:)?(?:postgres(?:ql)?|postgis|timescale(?:gis)?|psql|pgsql)(?:\+\w+)?://", re.I
)


def database_url(text: str) -> DatabaseUrl | None:
    """Parse a PostgreSQL URL (SQLAlchemy, libpq, Django, JDBC, pq) or a libpq ``host=... dbname=...`` string."""
    text = text.strip().strip("'\"")
    scheme = _POSTGRESQL_SCHEME.match(text)
    if not scheme:
        return _keyword_url(text)
    rest, _rest, query_text = text[scheme.end() :].partition("?")
    query = dict(urllib.parse.parse_qsl(query_text))
    # The last '@': drivers accept passwords with unescaped ones.
    credentials, _rest, address = rest.rpartition("@")
    address, _rest, path = address.partition("/")
    user, _rest, password = credentials.partition(":")
    host, port = host_and_port(address.split(",")[0])
    return DatabaseUrl(
        host=host or query.get("host", ""),
        port=port or single_port(query.get("port")) or 0,
        user=urllib.parse.unquote(user) or query.get("user", ""),
        password=urllib.parse.unquote(password) or query.get("password", ""),
        name=urllib.parse.unquote(path.strip("/")) or query.get("dbname", ""),
    )


def _keyword_url(text: str) -> DatabaseUrl | None:
    if not re.match(r"\w+\s*=", text) or not re.search(r"\bhost\s*=", text):
        return None
    try:
        words = dict(word.split("=", 1) for word in shlex.split(text) if "=" in word)
    except ValueError:
        return None
    if not {"dbname", "user"} & set(words):
        return None
    return DatabaseUrl(
        host=words.get("host", ""),
        port=single_port(words.get("port")) or 0,
        user=words.get("user", ""),
        password=words.get("password", ""),
        name=words.get("dbname", ""),
    )


def host_and_port(address: str) -> tuple[str, int]:
    """Split ``host``, ``host:port`` or ``[v6]:port``; port 0 when there is none."""
    match = re.fullmatch(r"(?:\[([^\]]+)\]|([^:\s]+))(?::(\d+))?", address.strip())
    if not match:
        return "", 0
    return match.group(1) or match.group(2), int(match.group(3) or 0)


def programs(command: t.Sequence[str]) -> list[str]:
    """Names of the programs that a command runs, in order; shell scripts given with -c are taken apart."""
    words = list(command)
    while words and (
        os.path.basename(words[0]) in ("env", "exec", "tini", "dumb-init", "--") or _is_assignment(words[0])
    ):
        words = words[1:]
    if not words:
        return []
    first = os.path.basename(words[0])
    if first in ("sh", "bash", "ash", "dash") and len(words) > 1:
        option = next((index for index, word in enumerate(words[1:], 1) if re.fullmatch(r"-\w*c", word)), None)
        if option is not None and len(words) > option + 1:
            return [name for part in script_parts(words[option + 1]) for name in programs(part)]
        script = next((word for word in words[1:] if not word.startswith("-")), "")
        return [os.path.basename(script)] if script else []
    return [first]


def script_parts(script: str) -> list[list[str]]:
    """The words of each simple command of a shell script, well enough to see which programs it runs."""
    parts = []
    for text in re.split(r"&&|\|\||[;|&\n]|\bthen\b|\bdo\b", script):
        try:
            words = shlex.split(text)
        except ValueError:
            words = text.split()
        if words:
            parts.append(words)
    return parts


def last_part(command: t.Sequence[str]) -> str:
    """What a command ends with: its last simple command when it is a shell script, else all of it."""
    words = list(command)
    if len(words) > 2 and os.path.basename(words[0]) in ("sh", "bash", "ash", "dash"):
        parts = script_parts(words[-1])
        if parts:
            return " ".join(parts[-1])
    return " ".join(words)


def _is_assignment(word: str) -> bool:
    return bool(re.match(r"[A-Za-z_]\w*=", word))


def unescaped(value: t.Any) -> t.Any:
    """A part of ``docker compose config`` output with Compose's ``$$`` turned back into ``$``."""
    if isinstance(value, str):
        return value.replace("$$", "$")
    if isinstance(value, dict):
        return {key: unescaped(item) for key, item in value.items()}
    if isinstance(value, list):
        return [unescaped(item) for item in value]
    return value
