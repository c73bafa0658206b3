# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Edit the sources of mounts in the text of a Compose file, and change nothing else in it.

The file is parsed only to find positions in its text, so comments, quotes, order, anchors and line ends stay as they
are. This runs only on the controller, where Ansible has PyYAML.
"""

from __future__ import annotations

import json
import re
import typing as t

import yaml

from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId

# Start, end, and the text that replaces what is between them.
TextEdit = tuple[int, int, str]


def edit_compose_mounts(texts: t.Mapping[str, str], moves: t.Sequence[t.Mapping[str, t.Any]]) -> dict[str, str]:
    """Return the edited Compose files by path, without files that do not change.

    texts: the files by path, in the order in which they override each other. A move has ``to`` (volume or bind),
    ``written`` (key of the volume, or path) and ``mounts`` (service and target of each).
    """
    edits: dict[str, set[TextEdit]] = {path: set() for path in texts}
    keys: dict[str, list[str]] = {path: [] for path in texts}
    roots = {path: _parse(path, text) for path, text in texts.items()}
    for move in moves:
        for mount in move["mounts"]:
            path, node = _find_mount(roots, mount["service"], mount["target"])
            edits[path] |= set(_mount_edits(texts[path], node, move["to"], move["written"]))
            if move["to"] == "volume" and move["written"] not in keys[path]:
                keys[path].append(move["written"])
    changed = {}
    for path, text in texts.items():
        missing = [key for key in keys[path] if key not in _volume_keys(roots[path])]
        wanted = sorted(edits[path] | set(_key_edits(text, roots[path], missing)), reverse=True)
        new = text
        for start, end, replacement in wanted:
            new = new[:start] + replacement + new[end:]
        if new != text:
            _parse(path, new)
            changed[path] = new
    return changed


def _parse(path: str, text: str) -> yaml.Node:
    try:
        root = yaml.compose(text, yaml.SafeLoader)
    except yaml.YAMLError as exc:
        raise RecoveryError(FailureId.COMPOSE_FILE_INVALID, f"The Compose file {path} cannot be read: {exc}") from exc
    if not isinstance(root, yaml.MappingNode):
        raise RecoveryError(FailureId.COMPOSE_FILE_INVALID, f"The Compose file {path} is empty")
    return root


def _child(node: yaml.Node | None, key: str) -> yaml.Node | None:
    """Return the value of a key, also of a key that is merged in (``<<``)."""
    if not isinstance(node, yaml.MappingNode):
        return None
    merged: list[yaml.Node] = []
    for name, value in node.value:
        if name.value == key:
            return t.cast(yaml.Node, value)
        if name.value == "<<":
            merged += value.value if isinstance(value, yaml.SequenceNode) else [value]
    return next((found for other in merged if (found := _child(other, key)) is not None), None)


def split_short_mount(text: str) -> list[str]:
    """Return the parts of ``source:target:mode``; a colon in ``${NAME:-default}`` does not separate parts."""
    return re.findall(r"((?:\$\{[^}]*\}|[^:])+)(?::|$)", text)


def _find_mount(roots: t.Mapping[str, yaml.Node], service: str, target: str) -> tuple[str, t.Any]:
    for path, root in reversed(list(roots.items())):
        volumes = _child(_child(_child(root, "services"), service), "volumes")
        for node in volumes.value if isinstance(volumes, yaml.SequenceNode) else ():
            if _target(node).rstrip("/") == target.rstrip("/"):
                return path, node
    raise RecoveryError(
        FailureId.COMPOSE_FILE_MOUNT_ELSEWHERE,
        f"The mount of service {service} at {target} is not written in {', '.join(roots)}, but in a file that they "
        "extend or include, or with a variable in its target",
        hint=f"Write the mount into the volumes of {service} in {list(roots)[-1]}, then repeat this command.",
    )


def _target(node: yaml.Node) -> str:
    if isinstance(node, yaml.ScalarNode):
        parts = split_short_mount(node.value)
        return parts[1] if len(parts) > 1 else ""
    found = _child(node, "target")
    return str(found.value) if found is not None else ""


def _mount_edits(text: str, node: yaml.ScalarNode | yaml.MappingNode, to: str, written: str) -> list[TextEdit]:
    if isinstance(node, yaml.ScalarNode):
        value = ":".join([written, *split_short_mount(node.value)[1:]])
        return [_scalar_edit(node, value)]
    kind, source = _child(node, "type"), _child(node, "source")
    if not isinstance(kind, yaml.ScalarNode) or not isinstance(source, yaml.ScalarNode):
        raise RecoveryError(
            FailureId.COMPOSE_FILE_INVALID,
            f"The mount in line {node.start_mark.line + 1} of the Compose file has no type or no source",
        )
    edits = [_scalar_edit(kind, to), _scalar_edit(source, written)]
    # A mount of one type ignores the options of the other type.
    stale = "bind" if to == "volume" else "volume"
    pairs = node.value
    for number, (name, value) in enumerate(pairs):
        if name.value != stale:
            continue
        if not node.flow_style and number > 0:
            edits.append((_line_start(text, name.start_mark.index), _after_line(text, _end(value)), ""))
        elif number > 0:
            edits.append((_end(pairs[number - 1][1]), _end(value), ""))
        else:
            edits.append((name.start_mark.index, pairs[1][0].start_mark.index, ""))
    return edits


def _scalar_edit(node: yaml.ScalarNode, value: str) -> TextEdit:
    """Return an edit that replaces a value and keeps its quotes, if they can hold the new value."""
    start, end = node.start_mark.index, node.end_mark.index
    quote = node.style if node.style in ("'", '"') else ""
    quoted = f"{quote}{value}{quote}"
    try:
        loaded = yaml.safe_load(f"[{quoted}]")
    except yaml.YAMLError:
        loaded = None
    return start, end, quoted if loaded == [value] else json.dumps(value)


def _end(node: t.Any) -> int:
    """Return where the last scalar of a node ends; the end mark of a block is at the token after it."""
    if isinstance(node, yaml.ScalarNode) or node.flow_style or not node.value:
        return t.cast(int, node.end_mark.index)
    last = node.value[-1]
    return _end(last[1] if isinstance(last, tuple) else last)


def _line_start(text: str, index: int) -> int:
    return text.rfind("\n", 0, index) + 1


def _after_line(text: str, index: int) -> int:
    found = text.find("\n", index)
    return len(text) if found < 0 else found + 1


def _volume_keys(root: yaml.Node) -> list[str]:
    node = _child(root, "volumes")
    return [name.value for name, _value in node.value] if isinstance(node, yaml.MappingNode) else []


def _key_edits(text: str, root: yaml.Node, keys: t.Sequence[str]) -> list[TextEdit]:
    """Return edits that declare volumes at the end of ``volumes``."""
    if not keys:
        return []
    newline = "\r\n" if "\r\n" in text else "\n"
    node = _child(root, "volumes")
    if node is None:
        gap = "" if not text or text.endswith("\n") else newline
        lines = "".join(f"  {key}:{newline}" for key in keys)
        return [(len(text), len(text), f"{gap}{newline}volumes:{newline}{lines}")]
    if isinstance(node, yaml.MappingNode) and node.flow_style:
        at = node.end_mark.index - 1
        declarations = ", ".join(f"{key}: {{}}" for key in keys)
        return [(at, at, f", {declarations}" if node.value else declarations)]
    if isinstance(node, yaml.MappingNode):
        indent, at = " " * node.value[0][0].start_mark.column, _after_line(text, _end(node))
    else:
        indent, at = "  ", _after_line(text, node.start_mark.index)
    gap = "" if at == 0 or text[at - 1] == "\n" else newline
    return [(at, at, gap + "".join(f"{indent}{key}:{newline}" for key in keys))]
