# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where on a host lies what is on its way from or to the controller."""

from __future__ import annotations

import os


def incoming(name: str) -> str:
    """Path of a file that the connecting user alone reads, and that is gone again afterwards."""
    return os.path.expanduser(f"~/.cache/localdev-recovery/{name}")
