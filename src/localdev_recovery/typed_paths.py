# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Resolve the paths that a person types relative to the folder where the person stands."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from typing import Any

# A name, an age, or a path of a backup or an archive. A bare word is a path if such a file is in the current folder.
_CHOICES = {
    "restore_select",
    "backup_verify_select",
    "backup_distribute_select",
    "provision_backup",
    "volume_restore_select",
}
_WORDS = re.compile(r"latest|\d+(?:\.\d+)?\s*[a-z]+|", re.ASCII)
# Paths of this machine, also when an inventory names other machines.
_CONTROLLER_PATHS = {
    "admin_account_password_file",
    "backup_distribute_folder",
    "backup_fetch_folder",
    "provision_source",
}
_CONTROLLER_CHOICES = {"backup_distribute_select", "provision_backup"}
_HOST_PATHS = {
    "stack_dir",
    "stack_backup_dir",
    "volume_backup_dir",
    "volume_restore_dir",
    "admin_account_generated_file",
    "init_file",
}
# The roles read these relative to the project folder; so do next commands. A file of the current folder goes first.
_PROJECT_FILES = {
    "stack_compose_files",
    "stack_env_files",
    "env_file_path",
    "env_file_example",
    "code_injection_files",
}


def resolve_typed_paths(variables: Mapping[str, Any], *, other_hosts: bool, current: str) -> dict[str, Any]:
    """Return the variables with absolute paths for those that are relative to the current folder.

    other_hosts: whether an inventory names the hosts, which may be other machines. Then a path on the stack's host is
    relative to the current folder only if it begins with ``./`` or ``../``.
    """
    return {
        name: _resolve_value(value, _choose_resolver(name, other_hosts=other_hosts), current)
        for name, value in variables.items()
    }


_Resolver = Callable[[str, str], str]


def _choose_resolver(name: str, *, other_hosts: bool) -> _Resolver | None:
    on_host = name in _HOST_PATHS or name in _PROJECT_FILES or name in _CHOICES - _CONTROLLER_CHOICES
    if other_hosts and on_host:
        return _resolve_dotted
    if name in _CHOICES:
        return _resolve_choice
    if name in _PROJECT_FILES:
        return _resolve_existing
    return _resolve if name in _HOST_PATHS or name in _CONTROLLER_PATHS else None


def _resolve_value(value: Any, resolver: _Resolver | None, current: str) -> Any:
    if resolver is None:
        return value
    if isinstance(value, (list, tuple)):
        return [_resolve_value(item, resolver, current) for item in value]
    return resolver(value, current) if isinstance(value, str) and value else value


def _resolve(path: str, current: str) -> str:
    return os.path.normpath(os.path.join(current, os.path.expanduser(path)))


def _is_dotted(path: str) -> bool:
    return path.split("/")[0] in (".", "..")


def _resolve_dotted(path: str, current: str) -> str:
    return _resolve(path, current) if _is_dotted(path) else path


def _resolve_existing(path: str, current: str) -> str:
    resolved = _resolve(path, current)
    return resolved if _is_dotted(path) or os.path.exists(resolved) else path


def _resolve_choice(text: str, current: str) -> str:
    if os.sep in text:
        return _resolve(text, current)
    if _WORDS.fullmatch(text.strip().lower()):
        return text
    return _resolve_existing(text, current)
