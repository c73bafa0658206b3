# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: volume_plan
short_description: Choose the data of a stack to archive, or the archives to restore
description:
  - Finds the volumes and folders with data, the archives that belong to them, and the services that use them.
  - It runs on the controller and asks no host.
version_added: 0.1.0
author:
  - localdev.recovery contributors (@localdev-recovery)
extends_documentation_fragment:
  - localdev.recovery.attributes
  - localdev.recovery.attributes.info_module
options:
  stack:
    description:
      - The stack, as RV(localdev.recovery.stack_info#module:stack) describes it.
    type: dict
    required: true
  run_id:
    description:
      - The run that archives or restores. Names of archives and of temporary places contain it.
    type: str
    default: ""
  folder:
    description:
      - Folder of the archives on the stack's host.
    type: str
    required: true
  services:
    description:
      - Services whose data is meant. Without it all data of the stack.
    type: list
    elements: str
    default: []
  select:
    description:
      - The archives to restore. V(latest) is the newest set, C(YYYYMMDD_HHMMSS) is the set of that time, and anything else is one archive.
      - Without it the data is to be archived.
    type: str
  archives:
    description:
      - Paths of all files in O(folder), for O(select).
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: Find the data to archive
  localdev.recovery.volume_plan:
    stack: "{{ found.stack }}"
    folder: /srv/shop/backups/volumes
  register: plan
"""

RETURN = r"""
locations:
  description:
    - The volumes and folders. C(archive) is the archive to restore, or the path of the new one without its ending.
    - C(temporary_name) is the place where an archive is unpacked before it replaces the data.
  returned: success
  type: list
  elements: dict
  sample:
    - label: db
      service: db
      services: [db]
      kind: volume
      name: shop_postgres_data
      labels: {}
      cluster: true
      archive: /srv/shop/backups/volumes/db_20260131_100000
      temporary_name: shop_postgres_data.restore-20260131T100000Z-1f2e
services_to_stop:
  description: Services that use the data, and for a database also the services that write to it.
  returned: success
  type: list
  elements: str
  sample: [backend, db]
objects:
  description: Objects for M(localdev.recovery.set_aside) that replace the data by what was unpacked.
  returned: success
  type: list
  elements: dict
  sample: [{"kind": volume, "name": shop_postgres_data, "replacement": shop_postgres_data.restore-20260131T100000Z-1f2e}]
"""
