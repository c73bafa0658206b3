# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  objects:
    description:
      - What to set aside. Objects that do not exist are left out.
    type: list
    elements: dict
    default: []
    suboptions:
      kind:
        description: What it is.
        type: str
        choices: [volume, folder, file, database, image, container]
        required: true
      name:
        description: Name of the volume, database, image or container, or absolute path.
        type: str
        required: true
      container:
        description: Container of the running server, for a database.
        type: str
      user:
        description: Superuser of that server, for a database.
        type: str
      replacement:
        description:
          - Another database of that server, which takes the name of the one set aside in the same transaction.
          - For an image another name of the new one, which it loses when it takes the name.
        type: str
      copy:
        description: Keep a copy of a database, and leave the database itself in its place.
        type: bool
        default: false
  reserve_bytes:
    description:
      - Free space that must be left after the copies, for what takes the place of the old content.
    type: int
    default: 268435456
"""
