#!/usr/bin/python
# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: recovery_steps
short_description: List the steps of a procedure that has no run of its own
description:
  - C(localdev) numbers the tasks whose names are titles in RV(steps).
  - A procedure with a run of its own hands its steps to M(localdev.recovery.recovery_run).
  - It runs on the controller and asks no host.
version_added: 0.1.0
author:
  - localdev.recovery contributors (@localdev-recovery)
extends_documentation_fragment:
  - localdev.recovery.attributes
  - localdev.recovery.attributes.info_module
  - localdev.recovery.steps
"""

EXAMPLES = r"""
- name: List the steps
  localdev.recovery.recovery_steps:
    steps:
      - name: engine
        title: Install Docker Engine and Compose
      - name: checkout
        title: Clone the project
    left_out: [engine]
"""

RETURN = r"""
steps:
  description: O(steps) without O(left_out), each its C(name) and C(title).
  type: list
  elements: dict
  returned: success
"""
