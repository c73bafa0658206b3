# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""What has changed since an image was built and since a container was made. Pure.

A time alone proves nothing: a clone or a checkout makes every file new, and a build whose result was cached leaves the
image's time as it was. So a file that the Dockerfile copies is compared by content with the one in a running container,
and a time decides only about what no container shows; that is reported as *may*.
"""

from __future__ import annotations

import posixpath
import re
import typing as t
from dataclasses import dataclass

from ansible_collections.localdev.recovery.plugins.module_utils._docker import dockerfile
from ansible_collections.localdev.recovery.plugins.module_utils._docker.compose_values import environment_of
from ansible_collections.localdev.recovery.plugins.module_utils._stack.facts import Json, Service, within

# Files that say what a package manager installs.
_DEPENDENCIES = re.compile(
    r"(requirements|constraints)[^/]*\.(txt|in)|pyproject\.toml|setup\.(py|cfg)|Pipfile(\.lock)?|(poetry|uv|pdm)\.lock"
    r"|environment\.ya?ml|package(-lock)?\.json|npm-shrinkwrap\.json|yarn\.lock|pnpm-lock\.yaml|bun\.lockb?"
    r"|go\.(mod|sum)|Cargo\.(toml|lock)|Gemfile(\.lock)?|composer\.(json|lock)|pom\.xml|build\.gradle(\.kts)?"
)
# What ADD unpacks is not in the image as it is.
_ARCHIVE = re.compile(r"\.(tar|tgz|tar\.\w+|tbz2?|txz)$", re.I)
_KINDS = ("dockerfile", "dependencies", "source")
_SHOWN = 3


@dataclass(frozen=True)
class ContextFile:
    """A file of a build context. path: relative to it. modified, touched: seconds since the epoch; touched counts
    changes of its times, owner and name too, which cannot be set back. place: where the image has it, or ''."""

    path: str
    modified: float
    touched: float
    place: str = ""
    digest: str = ""


@dataclass(frozen=True)
class Context:
    """A build context as a service's image would hold it.

    created: when the image was made, seconds since the epoch. dockerfile: its path in the context. understood: whether
    a file without a place is surely not in the image. digests: place -> digest in a running container of that image;
    None where no container could be asked. edited: places that the container has changed since it was made.
    history_agrees: whether the image was built by these instructions; None: not known. complete: whether all files of
    the context are here.
    """

    created: float
    dockerfile: str
    files: tuple[ContextFile, ...]
    understood: bool
    digests: t.Mapping[str, str] | None = None
    edited: frozenset[str] = frozenset()
    history_agrees: bool | None = None
    complete: bool = True


# --- image and build context -----------------------------------------------------------------------------------------


def kind_of(path: str, dockerfile_path: str) -> str:
    """What a file of a build context is: ``dockerfile``, ``dependencies`` or ``source``."""
    if path == dockerfile_path:
        return "dockerfile"
    return "dependencies" if _DEPENDENCIES.fullmatch(posixpath.basename(path)) else "source"


def image_changes(context: Context) -> list[Json]:
    """Files that have changed since the image was built: path, kind, and whether that is proved; Dockerfile first."""
    found = []
    for file in context.files:
        if file.path == context.dockerfile:
            proved = _dockerfile_changed(file, context)
        elif file.place and context.digests is not None:
            differs = context.digests.get(file.place) != file.digest and file.place not in context.edited
            # Else the build itself has changed what it copied.
            proved = True if differs and file.touched > context.created else None
        else:
            relevant = file.place or not context.understood
            proved = False if relevant and file.modified > context.created else None
        if proved is not None:
            found.append({"path": file.path, "kind": kind_of(file.path, context.dockerfile), "proved": proved})
    return sorted(found, key=lambda item: (_KINDS.index(item["kind"]), not item["proved"], item["path"]))


def _dockerfile_changed(file: ContextFile, context: Context) -> bool | None:
    """True: it has; False: it may have; None: it has not, as far as one can see."""
    if context.history_agrees is not None:
        return None if context.history_agrees else True
    return False if file.modified > context.created else None


def differing(files: t.Iterable[ContextFile], digests: t.Mapping[str, str]) -> list[str]:
    """Places at which a container has something else than the context."""
    return [file.place for file in files if file.place and digests.get(file.place) != file.digest]


def edited_files(context: Context) -> list[str]:
    """Files that were changed inside the container, and are now neither the image's nor the context's."""
    places = {place for place in differing(context.files, context.digests or {}) if place in context.edited}
    return sorted(places & set(context.digests or {}))


def comparable(path: str) -> bool:
    return not _ARCHIVE.search(path)


# --- the Dockerfile --------------------------------------------------------------------------------------------------


def understood(text: str) -> bool:
    """Whether all copies of a Dockerfile are plain ones, so that what they do not name is not in the image."""
    stages = 0
    for word, rest in dockerfile.instructions(text):
        stages += word == "FROM"
        if word in ("COPY", "ADD") and re.search(r"\$|<<|--from|--exclude", rest):
            return False
        if word == "RUN" and "type=bind" in rest:
            return False
    return stages == 1


def agrees_with_history(text: str, history: t.Sequence[str]) -> bool | None:
    """Whether an image was built by the instructions of a Dockerfile; None where that cannot be told.

    history: ``docker history`` in full, newest first. Instructions are compared in order, words where the builder keeps
    them as they are, else only their kind: it resolves variables. The base image is not compared.
    """
    wanted = list(dockerfile.instructions(text))
    if [word for word, _rest in wanted].count("FROM") != 1 or any("#(nop)" in line for line in history):
        return None
    if any("<<" in rest or word in ("SHELL", "ONBUILD") for word, rest in wanted):
        return None
    wanted = wanted[next(i for i, (word, _rest) in enumerate(wanted) if word == "FROM") + 1 :]
    made = [_of_history(line) for line in history if line]
    if len(made) < len(wanted):
        return False
    return all(
        word == kind and (expected is None or expected == text_)
        for (word, expected), (kind, text_) in zip(
            ((word, _as_kept(word, rest)) for word, rest in reversed(wanted)), made, strict=False
        )
    )


def _as_kept(word: str, rest: str) -> str | None:
    """An instruction's arguments as the builder writes them into the history; None where it rewrites them."""
    if word == "RUN":
        return _squeezed(re.sub(r"^(?:--\S+\s+)+", "", rest)) if not rest.startswith("[") else None
    if word in ("COPY", "ADD"):
        plain = re.sub(r"^(?:--\S+\s+)+", "", rest)
        return None if "$" in plain or plain.startswith("[") or "--" in rest[:2] else _squeezed(plain)
    if word in ("CMD", "ENTRYPOINT") and rest.startswith("["):
        return re.sub(r"[\s,]+", "", rest)
    return None


def _of_history(line: str) -> tuple[str, str]:
    line = re.sub(r"\s*# buildkit$", "", line)
    word, _space, rest = line.partition(" ")
    if word == "RUN":
        rest = re.sub(r"^\|\d+ .*?(?=/bin/sh -c )", "", rest, flags=re.S).removeprefix("/bin/sh -c ")
        return word, _squeezed(rest)
    if word in ("CMD", "ENTRYPOINT"):
        return word, re.sub(r"[\s,]+", "", rest)
    return word, _squeezed(re.sub(r"^(?:--\S+\s+)+", "", rest))


def _squeezed(text: str) -> str:
    return " ".join(text.split())


# --- .dockerignore ---------------------------------------------------------------------------------------------------


class Ignored:
    """The rules of a .dockerignore: the last one that matches a file, or a folder above it, decides."""

    def __init__(self, text: str = "") -> None:
        self._rules: list[tuple[bool, re.Pattern[str]]] = []
        for line in text.splitlines():
            rule = line.strip()
            if not rule or rule.startswith("#"):
                continue
            negated = rule.startswith("!")
            path = posixpath.normpath(rule.removeprefix("!").strip()).lstrip("/")
            if path != ".":
                self._rules.append((negated, re.compile(_as_expression(path))))
        self.readmits = any(negated for negated, _pattern in self._rules)

    def __call__(self, path: str) -> bool:
        parts = path.split("/")
        candidates = ["/".join(parts[:count]) for count in range(1, len(parts) + 1)]
        ignored = False
        for negated, pattern in self._rules:
            if ignored == negated and any(pattern.fullmatch(candidate) for candidate in candidates):
                ignored = not negated
        return ignored


def _as_expression(rule: str) -> str:
    """A pattern of Go's filepath.Match, with ** for any number of folders, as a regular expression."""
    expression = ""
    position = 0
    while position < len(rule):
        rest = rule[position:]
        if rest.startswith("**/"):
            expression, position = expression + "(?:.*/)?", position + 3
        elif rest.startswith("**"):
            expression, position = expression + ".*", position + 2
        elif rest[0] == "*":
            expression, position = expression + "[^/]*", position + 1
        elif rest[0] == "?":
            expression, position = expression + "[^/]", position + 1
        elif rest[0] == "[" and (match := re.match(r"\[\^?[^\]]+\]", rest)):
            expression, position = expression + match.group(0), position + match.end()
        elif rest[0] == "\\" and len(rest) > 1:
            expression, position = expression + re.escape(rest[1]), position + 2
        else:
            expression, position = expression + re.escape(rest[0]), position + 1
    return expression


# --- container and configuration -------------------------------------------------------------------------------------


def config_changes(service: Service, item: Json) -> list[str]:
    """What of the configuration is not as in an inspected container, by name; values may be secrets.

    Empty where the difference is of another kind, such as labels or networks.
    """
    made, host = item.get("Config") or {}, item.get("HostConfig") or {}
    changes = []
    if made.get("Image") and made["Image"] not in (service.image, (service.image_facts or {}).get("Id")):
        changes.append("image")
    old = environment_of(made.get("Env"))
    wanted = {name: str(v) for name, v in (service.config.get("environment") or {}).items() if v is not None}
    known = {**service.image_environment, **wanted}
    names = {name for name, value in wanted.items() if old.get(name) != value}
    # A variable of an older image would look like one that the configuration has lost.
    if service.image_facts and item.get("Image") == service.image_facts.get("Id"):
        names |= {name for name in old if name not in known}
    changes += [f"environment {', '.join(sorted(names))}"] if names else []
    for key, name in (("command", "Cmd"), ("entrypoint", "Entrypoint")):
        if service.config.get(key) and list(service.config[key]) != list(made.get(name) or ()):
            changes.append(key)
    if "PortBindings" in host and _ports_differ(service, host["PortBindings"] or {}):
        changes.append("ports")
    mounted = {str(mount.get("Destination")) for mount in item.get("Mounts") or () if mount.get("Type") != "tmpfs"}
    targets = {
        str(v.get("target", "")).rstrip("/") for v in service.config.get("volumes") or () if v["type"] != "tmpfs"
    }
    implied = set(service.image_config.get("Volumes") or ())
    hidden = {place for place in mounted if within(place, "/run/secrets") or _is_config(service, place)}
    if targets - mounted or mounted - targets - implied - hidden:
        changes.append("volumes")
    return changes


def _ports_differ(service: Service, bindings: t.Mapping[str, t.Any]) -> bool:
    """Whether other ports are published, or a fixed one under another number."""
    wanted = [
        (int(port["target"]), str(port.get("protocol") or "tcp"), str(port.get("published") or ""))
        for port in service.config.get("ports") or ()
    ]
    made = {
        (int(key.partition("/")[0]), key.partition("/")[2] or "tcp", str(binding.get("HostPort") or ""))
        for key, bound in bindings.items()
        for binding in bound or ()
    }
    fixed = {port for port in wanted if port[2].isdigit()}
    return {port[:2] for port in made} != {port[:2] for port in wanted} or not fixed <= made


def _is_config(service: Service, place: str) -> bool:
    """Whether a mount comes of a Compose config or secret rather than of a volume."""
    entries = [*(service.config.get("configs") or ()), *(service.config.get("secrets") or ())]
    return any(place in (entry.get("target"), f"/{entry.get('source')}") for entry in entries)


# --- in words --------------------------------------------------------------------------------------------------------


def described(service: Service, containers: t.Sequence[Json], context: Context | None) -> Json:
    """What has drifted of one service. containers: as stack_state.container describes them."""
    stale = [item for item, shown in zip(service.containers, containers, strict=True) if shown["stale_config"]]
    return {
        "config": config_changes(service, stale[0]) if stale else [],
        "image": image_changes(context) if context else [],
        "edited": edited_files(context) if context else [],
        "complete": context.complete if context else False,
    }


def notes(service: t.Mapping[str, t.Any], *, only_proved: bool = False) -> list[str]:
    """What is out of date of a described service, in words; empty when nothing is. only_proved: surely so."""
    found = []
    if any(container["stale_image"] for container in service["containers"]):
        found.append("container is older than its image")
    if any(container["stale_config"] for container in service["containers"]):
        what = "; ".join(service["drift"]["config"])
        found.append("container is older than its configuration" + (f" ({what})" if what else ""))
    for proved, verb in ((True, "is older"), *(() if only_proved else ((False, "may be older"),))):
        words = []
        for kind in _KINDS:
            paths = [c["path"] for c in service["drift"]["image"] if (c["kind"], c["proved"]) == (kind, proved)]
            if paths:
                words.append(_listed(paths) if kind != "source" else f"source ({_listed(paths)})")
        if words:
            found.append(f"image {verb} than its {' and '.join(words)}")
    if service["drift"]["edited"]:
        found.append(f"changed in the container: {_listed(service['drift']['edited'])}")
    return found


def _listed(paths: t.Sequence[str]) -> str:
    more = len(paths) - _SHOWN
    return ", ".join(paths[:_SHOWN]) + (f" and {more} more" if more > 0 else "")


def outdated(stack: t.Mapping[str, t.Any], *, proved: bool = True) -> list[str]:
    """Services whose image was built from something else than what is in the context now. proved: surely so."""
    return [
        name
        for name, service in stack["services"].items()
        if any(change["proved"] or not proved for change in service["drift"]["image"])
    ]
