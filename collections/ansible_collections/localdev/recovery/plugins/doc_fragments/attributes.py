# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options: {}
attributes:
  check_mode:
    description: Can run in C(check_mode) and return changed status prediction without modifying the target.
  diff_mode:
    description: Will return details on what has changed (or possibly needs changing in C(check_mode)), when in diff mode.
  idempotent:
    description: When run twice in a row outside check mode, with the same arguments, the second invocation indicates no change.
notes:
  - When it fails, the result has the keys C(failure) (the id of the failure), C(message) (one sentence), C(details) (a list of lines),
    C(hint) (what to do, where no command does it), C(next) (V(null) or the next command) and C(msg), which is all of them as text.
  - A command is a dictionary with C(playbook) and C(vars), or with C(argv) and C(cwd). A hint or a line of C(details) is a text, or a list
    of texts and commands.
"""

    # Should be used together with the standard fragment, by modules that only look.
    INFO_MODULE = r"""
options: {}
attributes:
  check_mode:
    support: full
    details:
      - This action does not modify state.
  diff_mode:
    support: N/A
    details:
      - This action does not modify state.
  idempotent:
    support: full
    details:
      - This action does not modify state.
"""
