# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  steps:
    description:
      - All steps of the procedure, in their order.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description:
          - Name of the step, as the option O(localdev.recovery.stack_services#module:step) of the modules takes it.
        type: str
        required: true
      title:
        description:
          - Name of the task that runs the step.
        type: str
        required: true
  left_out:
    description:
      - Names of the steps in O(steps) that this time are not run.
    type: list
    elements: str
    default: []
"""
