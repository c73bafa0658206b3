# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  objects:
    description:
      - Objects to set aside. Objects that do not exist are left out.
    type: list
    elements: dict
    default: []
    suboptions:
      kind:
        description: Kind of the object.
        type: str
        choices: [volume, folder, file, database, container_file, row, image, container]
        required: true
      name:
        description:
          - Name of the volume, database, image or container, absolute path, or C(CONTAINER:/PATH) of a file in a container. Of a row any
            name, for the record has one of its own.
        type: str
        required: true
      container:
        description: Container of the running server, for a database or row.
        type: str
      user:
        description: Superuser of that server, for a database or row.
        type: str
      replacement:
        description:
          - Another database of that server, which takes the name of the one set aside in the same transaction.
          - For a volume another one, whose content is copied into it; for a folder another one beside it, which takes its name.
          - For an image another name of the new one, which it loses when it takes the name.
        type: str
      labels:
        description: Make a volume that is not there first, with these labels, so that putting back empties it again.
        type: dict
      copy:
        description: Keep a copy of a database, and leave the database itself in its place.
        type: bool
        default: false
      or_absent:
        description: Keep also that there is no such file, so that putting back takes away what has been made there.
        type: bool
        default: false
      database:
        description: Database that holds the row. That there is no such row is kept too.
        type: str
      table:
        description: Table that holds the row, with its schema where it is not found without.
        type: str
      column:
        description: Column by which the row is found. No two rows may have the same value there.
        type: str
      value:
        description: Value of that column, as text.
        type: str
  reserve_bytes:
    description:
      - Free space that must be left after the copies, for what takes the place of the old content.
    type: int
    default: 268435456
"""
