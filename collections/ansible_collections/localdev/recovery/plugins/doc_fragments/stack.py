# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  project_src:
    description:
      - Folder of the Compose project on the stack's host.
    type: path
    required: true
  files:
    description:
      - Compose files, relative to O(project_src) or absolute, in the order in which they override each other.
      - Without it Compose's own rule applies (C(compose.yaml), C(docker-compose.yml) and their override file).
    type: list
    elements: str
    default: []
  env_files:
    description:
      - Files with interpolation variables. Without it Compose reads C(.env) beside the Compose file.
    type: list
    elements: str
    default: []
  profiles:
    description:
      - Compose profiles to enable.
    type: list
    elements: str
    default: []
  project_name:
    description:
      - Compose project name. Without it Compose's own rule applies.
    type: str
    default: ""
  database_service:
    description:
      - Service that runs PostgreSQL, where discovery finds several or none.
    type: str
    default: ""
  application_service:
    description:
      - Service that runs the application and has Alembic, where discovery finds several or none.
    type: str
    default: ""
  excluded_services:
    description:
      - Services that no procedure starts, stops or waits for.
    type: list
    elements: str
    default: []
  alembic_config:
    description:
      - Path of C(alembic.ini) or C(pyproject.toml) where the application runs. Without it C(ALEMBIC_CONFIG), then the nearest one
        below the working folder.
    type: str
    default: ""
  alembic_section:
    description:
      - Sections of C(alembic.ini), as C(alembic -n) takes them. Several are upgraded in this order, and their revisions count together.
        All are of the same database. Without it, those that the commands of the
        services upgrade.
    type: list
    elements: str
    default: []
  alembic_python:
    description:
      - Python in the application's container that has the packages of the project, such as that of a virtual environment. Without it the
        first one that has Alembic.
    type: str
    default: ""
  alembic_folder:
    description:
      - Folder in the application's container where people run Alembic. Without it the working folder of the container.
    type: str
    default: ""
  alembic_x_arguments:
    description:
      - Arguments for C(env.py), as C(alembic -x) takes them.
    type: list
    elements: str
    default: []
  migrate_command:
    description:
      - Command that migrates the database to the heads in the application's container, where Alembic alone cannot. It is run under the
        advisory lock.
    type: list
    elements: str
    default: []
requirements:
  - Docker CLI with the Compose v2 plugin on the stack's host
"""
