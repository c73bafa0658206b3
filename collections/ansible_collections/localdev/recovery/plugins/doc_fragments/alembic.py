# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  config:
    description:
      - Path of C(alembic.ini) or C(pyproject.toml) where the application runs. Without it C(ALEMBIC_CONFIG), then the nearest one
        below the working folder.
    type: str
    default: ""
  database:
    description:
      - Another database of the same server, instead of the one that the application is configured for.
      - It is refused if C(env.py) connects in a way that cannot be led there.
    type: str
    default: ""
  python:
    description:
      - A Python on the stack's host that has the application's packages, such as that of a virtual environment. Alembic is then run with
        it instead of in a container.
    type: path
    default: ""
  chdir:
    description:
      - Working folder for O(python). Without it the project's folder.
    type: path
    default: ""
  environment:
    description:
      - Environment variables for O(python), such as the database's URL.
    type: dict
    default: {}
"""
