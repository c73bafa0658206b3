# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  stack:
    description:
      - The stack, as RV(localdev.recovery.stack_info#module:stack) describes it.
    type: dict
    required: true
  run_id:
    description:
      - The run that this action is part of, as RV(localdev.recovery.recovery_run#module:run_id) names it. It must hold the lock.
      - Not looked at in check mode.
    type: str
    default: ""
  step:
    description:
      - Name of the step under which this action is written into the run record. Without it the action is part of the step before.
    type: str
    default: ""
requirements:
  - Docker CLI with the Compose v2 plugin on the stack's host
"""
