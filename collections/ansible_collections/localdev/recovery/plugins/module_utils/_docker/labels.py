# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Define the labels of the containers and volumes that runs create."""

from __future__ import annotations

RUN_LABEL = "localdev.recovery.run"
# Of a kept copy: the volume, and the Compose project of the stack. They show what it is when its record is gone.
SOURCE_LABEL = "localdev.recovery.source"
PROJECT_LABEL = "localdev.recovery.project"
