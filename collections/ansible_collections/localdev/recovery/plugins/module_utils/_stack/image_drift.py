# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Find what has changed since an image was built and since a container was created. Pure.

File times say nothing: a clone or a checkout makes every file new, and a build from the cache leaves the image's time
as it was. So a file that the Dockerfile copies is compared by content with the one in a running container. A time
decides only about files that no container shows; such a change is reported as *may*.
"""

from __future__ import annotations

import posixpath
import re
import typing as t

from ansible_collections.localdev.recovery.plugins.module_utils._core.files import is_path_within
from ansible_collections.localdev.recovery.plugins.module_utils._docker.inspect import parse_environment_list
from ansible_collections.localdev.recovery.plugins.module_utils._stack.description import (
    ChangeKind,
    ContainerDescription,
    DriftDescription,
    ImageChange,
    StackDescription,
)
from ansible_collections.localdev.recovery.plugins.module_utils._stack.facts import (
    BuildContext,
    ContextFile,
    Json,
    Service,
)

# Files that list the packages to install.
_DEPENDENCIES = re.compile(
    r"(requirements|constraints)[^/]*\.(txt|in)|pyproject\.toml|setup\.(py|cfg)|Pipfile(\.lock)?|(poetry|uv|pdm)\.lock"
    r"|environment\.ya?ml|package(-lock)?\.json|npm-shrinkwrap\.json|yarn\.lock|pnpm-lock\.yaml|bun\.lockb?"
    r"|go\.(mod|sum)|Cargo\.(toml|lock)|Gemfile(\.lock)?|composer\.(json|lock)|pom\.xml|build\.gradle(\.kts)?"
)
# ADD extracts these files.
_EXTRACTED_BY_ADD = re.compile(r"\.(tar|tgz|tar\.\w+|tbz2?|txz)$", re.I)
CHANGE_KINDS = ("dockerfile", "dependencies", "source")


# --- image and build context -----------------------------------------------------------------------------------------


def classify_context_file(path: str, dockerfile_path: str) -> ChangeKind:
    """Return ``dockerfile``, ``dependencies`` or ``source`` for a file of a build context."""
    if path == dockerfile_path:
        return "dockerfile"
    return "dependencies" if _DEPENDENCIES.fullmatch(posixpath.basename(path)) else "source"


def find_image_changes(context: BuildContext) -> list[ImageChange]:
    """Return files changed since the image was built: path, kind, whether contents were compared; Dockerfile first."""
    found: list[ImageChange] = []
    for file in context.files:
        if file.path == context.dockerfile:
            proved = _dockerfile_changed(file, context)
        elif file.image_path and context.digests is not None:
            differs = context.digests.get(file.image_path) != file.digest and file.image_path not in context.edited
            # Otherwise the build itself has changed the copied file.
            proved = True if differs and file.status_changed > context.created else None
        else:
            relevant = file.image_path or not context.only_plain_copies
            proved = False if relevant and file.modified > context.created else None
        if proved is not None:
            found.append(
                {"path": file.path, "kind": classify_context_file(file.path, context.dockerfile), "proved": proved}
            )
    return sorted(found, key=lambda item: (CHANGE_KINDS.index(item["kind"]), not item["proved"], item["path"]))


def _dockerfile_changed(file: ContextFile, context: BuildContext) -> bool | None:
    """Return True if it has changed, False if it may have, None if nothing shows a change."""
    if context.history_matches is not None:
        return None if context.history_matches else True
    return False if file.modified > context.created else None


def list_differing_files(files: t.Iterable[ContextFile], digests: t.Mapping[str, str]) -> list[str]:
    """Return image paths whose content differs between the container and the context."""
    return [file.image_path for file in files if file.image_path and digests.get(file.image_path) != file.digest]


def list_edited_files(context: BuildContext) -> list[str]:
    """Return files that were changed inside the container and now match neither the image nor the context."""
    differing = set(list_differing_files(context.files, context.digests or {}))
    return sorted(differing & context.edited & set(context.digests or {}))


def is_comparable_file(path: str) -> bool:
    return not _EXTRACTED_BY_ADD.search(path)


# --- the Dockerfile --------------------------------------------------------------------------------------------------


def has_only_plain_copies(text: str) -> bool:
    """Return whether a Dockerfile has only plain copies: a file that they do not name is not in the image."""
    stages = 0
    # Import lazily: each imported module is compiled again on the host for every task.
    from ansible_collections.localdev.recovery.plugins.module_utils._docker.dockerfile import (
        parse_dockerfile_instructions,
    )

    for word, rest in parse_dockerfile_instructions(text):
        stages += word == "FROM"
        if word in ("COPY", "ADD") and re.search(r"\$|<<|--from|--exclude", rest):
            return False
        if word == "RUN" and "type=bind" in rest:
            return False
    return stages == 1


def matches_image_history(text: str, history: t.Sequence[str]) -> bool | None:
    """Return whether an image was built by the instructions of a Dockerfile; None where that is not known.

    history: ``docker history`` in full, newest first. Instructions are compared in order, with their arguments where
    the builder records them unchanged, else by keyword: it resolves variables. The base image is not compared.
    """
    from ansible_collections.localdev.recovery.plugins.module_utils._docker.dockerfile import (
        parse_dockerfile_instructions,
    )

    wanted = list(parse_dockerfile_instructions(text))
    if [word for word, _rest in wanted].count("FROM") != 1 or any("#(nop)" in line for line in history):
        return None
    if any("<<" in rest or word in ("SHELL", "ONBUILD") for word, rest in wanted):
        return None
    wanted = wanted[next(i for i, (word, _rest) in enumerate(wanted) if word == "FROM") + 1 :]
    recorded = [_parse_history_line(line) for line in history if line]
    if len(recorded) < len(wanted):
        return False
    return all(
        word == kind and (expected is None or expected == text_)
        for (word, expected), (kind, text_) in zip(
            ((word, _normalize_instruction(word, rest)) for word, rest in reversed(wanted)), recorded
        )
    )


def _normalize_instruction(word: str, rest: str) -> str | None:
    """Return an instruction's arguments as the builder writes them into the history; None where it rewrites them."""
    if word == "RUN":
        return _collapse_spaces(re.sub(r"^(?:--\S+\s+)+", "", rest)) if not rest.startswith("[") else None
    if word in ("COPY", "ADD"):
        plain = re.sub(r"^(?:--\S+\s+)+", "", rest)
        return None if "$" in plain or plain.startswith("[") or "--" in rest[:2] else _collapse_spaces(plain)
    if word in ("CMD", "ENTRYPOINT") and rest.startswith("["):
        return re.sub(r"[\s,]+", "", rest)
    return None


def _parse_history_line(line: str) -> tuple[str, str]:
    line = re.sub(r"\s*# buildkit$", "", line)
    word, _space, rest = line.partition(" ")
    if word == "RUN":
        rest = re.sub(r"^\|\d+ .*?(?=/bin/sh -c )", "", rest, flags=re.S).removeprefix("/bin/sh -c ")
        return word, _collapse_spaces(rest)
    if word in ("CMD", "ENTRYPOINT"):
        return word, re.sub(r"[\s,]+", "", rest)
    return word, _collapse_spaces(re.sub(r"^(?:--\S+\s+)+", "", rest))


def _collapse_spaces(text: str) -> str:
    return " ".join(text.split())


# --- container and configuration -------------------------------------------------------------------------------------


def find_config_changes(service: Service, item: Json) -> list[str]:
    """Return names of configuration items that differ from an inspected container. Values may be secrets.

    The list is empty where the difference is of another kind, such as labels or networks.
    """
    recorded, host = item.get("Config") or {}, item.get("HostConfig") or {}
    changes = []
    if recorded.get("Image") and recorded["Image"] not in (service.image, (service.image_facts or {}).get("Id")):
        changes.append("image")
    old = parse_environment_list(recorded.get("Env"))
    wanted = {name: str(v) for name, v in (service.config.get("environment") or {}).items() if v is not None}
    known = {**service.image_environment, **wanted}
    names = {name for name, value in wanted.items() if old.get(name) != value}
    # A variable of an older image would look as if the configuration had lost it.
    if service.image_facts and item.get("Image") == service.image_facts.get("Id"):
        names |= {name for name in old if name not in known}
    changes += [f"environment {', '.join(sorted(names))}"] if names else []
    for key, name in (("command", "Cmd"), ("entrypoint", "Entrypoint")):
        if service.config.get(key) and list(service.config[key]) != list(recorded.get(name) or ()):
            changes.append(key)
    if "PortBindings" in host and _ports_differ(service, host["PortBindings"] or {}):
        changes.append("ports")
    mounted = {str(mount.get("Destination")) for mount in item.get("Mounts") or () if mount.get("Type") != "tmpfs"}
    targets = {
        str(v.get("target", "")).rstrip("/") for v in service.config.get("volumes") or () if v["type"] != "tmpfs"
    }
    declared = set(service.image_config.get("Volumes") or ())
    secrets = {path for path in mounted if is_path_within(path, "/run/secrets") or _is_config_mount(service, path)}
    if targets - mounted or mounted - targets - declared - secrets:
        changes.append("volumes")
    return changes


def _ports_differ(service: Service, bindings: t.Mapping[str, t.Any]) -> bool:
    """Return whether other ports are published, or a fixed one under another number."""
    wanted = [
        (int(port["target"]), str(port.get("protocol") or "tcp"), str(port.get("published") or ""))
        for port in service.config.get("ports") or ()
    ]
    recorded = {
        (int(key.partition("/")[0]), key.partition("/")[2] or "tcp", str(binding.get("HostPort") or ""))
        for key, bound in bindings.items()
        for binding in bound or ()
    }
    fixed = {port for port in wanted if port[2].isdigit()}
    return {port[:2] for port in recorded} != {port[:2] for port in wanted} or not fixed <= recorded


def _is_config_mount(service: Service, target: str) -> bool:
    """Return whether a mount comes from a Compose config or secret instead of a volume."""
    entries = [*(service.config.get("configs") or ()), *(service.config.get("secrets") or ())]
    return any(target in (entry.get("target"), f"/{entry.get('source')}") for entry in entries)


# --- description -----------------------------------------------------------------------------------------------------


def describe_image_drift(
    service: Service, containers: t.Sequence[ContainerDescription], context: BuildContext | None
) -> DriftDescription:
    """Describe what is outdated in one service. containers: as state.describe_container describes them."""
    stale = [item for item, shown in zip(service.containers, containers) if shown["stale_config"]]
    return {
        "config": find_config_changes(service, stale[0]) if stale else [],
        "image": find_image_changes(context) if context else [],
        "edited": list_edited_files(context) if context else [],
        "complete": context.complete if context else False,
    }


def list_outdated_services(stack: StackDescription, *, proved: bool = True) -> list[str]:
    """Return services whose image is older than their build context. ``proved``: only where contents were compared."""
    return [
        name
        for name, service in stack["services"].items()
        if any(change["proved"] or not proved for change in service["drift"]["image"])
    ]
