# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""``python -m localdev_recovery``: the command localdev, where its script is not on the path."""

from __future__ import annotations

from localdev_recovery.cli import main

main(prog_name="localdev")
