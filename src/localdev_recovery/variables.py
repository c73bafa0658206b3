# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Hand values to Ansible as data. Ansible evaluates templates in inventories and in variables, lookups included."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId

# Variables by name, or the path of a YAML file with variables. Only such a file can hold templates.
ExtraVariables = Mapping[str, Any] | str

TEMPLATE_MARKS = ("{{", "{%", "{#")
# Ansible reads a JSON object with this key as a string that is never a template.
_DATA_KEY = "__ansible_unsafe"
# Ansible reads a JSON object with a key of this kind as a value of its own, not as an object.
_RESERVED_PREFIX = "__ansible_"


class VariableError(RecoveryError):
    """A value that cannot be a variable."""

    def __init__(self, message: str) -> None:
        super().__init__(FailureId.VARIABLE_INVALID, message)


def has_template_marks(text: str) -> bool:
    """Return whether Ansible could read the text as a template."""
    return any(mark in text for mark in TEMPLATE_MARKS)


def mark_as_data(value: Any) -> Any:
    """Return the value for a JSON file that Ansible reads: no string in it is a template.

    Raise VariableError for a string or a key for which Ansible's JSON reader fails. Ansible would then read the file as
    YAML, where the mark means nothing and every string is a template.
    """
    if isinstance(value, str):
        return {_DATA_KEY: _check_encoding(value)}
    if isinstance(value, Mapping):
        return {_check_key(key): mark_as_data(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [mark_as_data(item) for item in value]
    if isinstance(value, os.PathLike):
        return mark_as_data(os.fspath(value))
    if value is None or isinstance(value, (bool, int, float)):
        return value
    raise VariableError(f"Cannot pass a value of type {type(value).__name__} to Ansible")


def is_utf8(text: str) -> bool:
    """Return whether the text can be encoded; a file name of other bytes cannot."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _check_encoding(text: str) -> str:
    if not is_utf8(text):
        raise VariableError("Cannot pass a value to Ansible: it is not valid UTF-8")
    return text


def _check_key(key: object) -> str:
    if not isinstance(key, str):
        raise VariableError(f"Cannot pass the key {key!r} to Ansible: it is not a string")
    if key.startswith(_RESERVED_PREFIX):
        raise VariableError(f"Cannot pass the key {key} to Ansible: Ansible reserves the prefix {_RESERVED_PREFIX}")
    return _check_encoding(key)


def list_magic_variables(inventories: Sequence[str], limit: str | None) -> dict[str, str]:
    """Return the variables that Ansible makes of its own options as templates, with the same values as data.

    Ansible makes a template of an option -i that holds a comma (``inventory_file``), and of --limit
    (``ansible_limit``). Raise VariableError where no variable can replace it.
    """
    if limit and has_template_marks(limit):
        raise VariableError(f"Cannot use --limit {limit}: Ansible would evaluate it as a template")
    templates = [item for item in inventories if "," in item and has_template_marks(item)]
    if templates and len(inventories) > 1:
        # The hosts of the other inventories need another value.
        raise VariableError(f"Cannot use the inventory {templates[0]} beside others: Ansible would evaluate its path")
    return {"inventory_file": templates[0]} if templates else {}


def parse_extra_variables(text: str) -> ExtraVariables:
    """Return the variables of one option -e, written as ansible-playbook takes them; the values are data.

    ``NAME=VALUE ...``, inline YAML or JSON, or ``@FILE``: the path of a file, which Ansible reads with its templates.
    Errors do not repeat the text: it may hold a password.
    """
    if text.startswith("@"):
        if text == "@":
            raise VariableError("Cannot read the variables: @ is followed by no file")
        return text[1:]
    if text.startswith(("/", ".")):
        raise VariableError("Cannot read the variables: a file is written as @FILE")
    try:
        variables = _parse_document(text) if text.startswith(("[", "{")) else _parse_pairs(text)
        if not isinstance(variables, Mapping) or "_raw_params" in variables:
            raise VariableError("Cannot read the variables: they are neither NAME=VALUE nor @FILE")
        mark_as_data(variables)
    except ValueError as exc:
        raise VariableError(f"Cannot read the variables: {exc}") from None
    except RecursionError:
        raise VariableError("Cannot read the variables: they are nested too deep, or within themselves") from None
    return dict(variables)


def _parse_pairs(text: str) -> dict[str, str]:
    # Import lazily: Ansible takes long to import, and most commands have no -e.
    from ansible.errors import AnsibleError
    from ansible.parsing.splitter import parse_kv

    try:
        return dict(parse_kv(text))
    except AnsibleError:
        raise ValueError("a quote or a bracket is not closed") from None


def _parse_document(text: str) -> Any:
    """Return the content of JSON or YAML. Ansible too tries JSON first."""
    import yaml

    def replace_mark(fields: dict[str, Any]) -> Any:
        # People copy the form in which plain Ansible takes data on its command line.
        return fields[_DATA_KEY] if fields.keys() == {_DATA_KEY} else fields

    with contextlib.suppress(ValueError):
        return json.loads(text, object_hook=replace_mark)
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as exc:
        raise ValueError(getattr(exc, "problem", None) or "this is no YAML") from None
