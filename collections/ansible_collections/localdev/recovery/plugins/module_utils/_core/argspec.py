# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Argument specifications that modules share; the doc fragments of the same names describe them."""

from __future__ import annotations

import os
import typing as t


def stack_argument_spec() -> dict[str, t.Any]:
    """Return the options of the ``stack`` doc fragment."""
    return {
        "project_src": {"type": "path", "required": True},
        "files": {"type": "list", "elements": "str", "default": []},
        "env_files": {"type": "list", "elements": "str", "default": []},
        "profiles": {"type": "list", "elements": "str", "default": []},
        "project_name": {"type": "str", "default": ""},
        "database_service": {"type": "str", "default": ""},
        "application_service": {"type": "str", "default": ""},
        "excluded_services": {"type": "list", "elements": "str", "default": []},
        "alembic_config": {"type": "str", "default": ""},
        "alembic_section": {"type": "list", "elements": "str", "default": []},
        "alembic_python": {"type": "str", "default": ""},
        "alembic_folder": {"type": "str", "default": ""},
        "alembic_x_arguments": {"type": "list", "elements": "str", "default": []},
        "migrate_command": {"type": "list", "elements": "str", "default": []},
    }


def objects_argument_spec() -> dict[str, t.Any]:
    """Return the options of the ``objects`` doc fragment."""
    return {
        "objects": {
            "type": "list",
            "elements": "dict",
            "default": [],
            "required_if": [
                ("kind", "database", ("container", "user")),
                ("kind", "row", ("container", "user", "database", "table", "column", "value")),
            ],
            "options": {
                "kind": {
                    "type": "str",
                    "required": True,
                    "choices": [
                        "volume",
                        "folder",
                        "file",
                        "database",
                        "container_file",
                        "row",
                        "image",
                        "container",
                    ],
                },
                "name": {"type": "str", "required": True},
                "container": {"type": "str"},
                "user": {"type": "str"},
                "replacement": {"type": "str"},
                "labels": {"type": "dict"},
                "copy": {"type": "bool", "default": False},
                "or_absent": {"type": "bool", "default": False},
                "database": {"type": "str"},
                "table": {"type": "str"},
                "column": {"type": "str"},
                "value": {"type": "str"},
            },
        },
        "reserve_bytes": {"type": "int", "default": 268435456},
    }


def alembic_argument_spec() -> dict[str, t.Any]:
    """Return the options of the ``alembic`` doc fragment."""
    return {
        "config": {"type": "str", "default": ""},
        "database": {"type": "str", "default": ""},
        "python": {"type": "path", "default": ""},
        "chdir": {"type": "path", "default": ""},
        "environment": {"type": "dict", "default": {}, "no_log": True},
    }


def run_argument_spec() -> dict[str, t.Any]:
    """Return the options of the ``run`` doc fragment."""
    return {
        "stack": {"type": "dict", "required": True},
        "run_id": {"type": "str", "default": ""},
        "step": {"type": "str", "default": ""},
    }


def steps_argument_spec() -> dict[str, t.Any]:
    """Return the options of the ``steps`` doc fragment."""
    return {
        "steps": {
            "type": "list",
            "elements": "dict",
            "default": [],
            "options": {"name": {"type": "str", "required": True}, "title": {"type": "str", "required": True}},
        },
        "left_out": {"type": "list", "elements": "str", "default": []},
    }


def resolve_path_option(folder: str, path: str) -> str:
    """Return a path from a user's option, relative to the folder unless it is absolute. ``~`` is expanded."""
    return os.path.join(folder, os.path.expanduser(path))
