# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run the probe as the modules of localdev.recovery run."""

from __future__ import annotations

from ansible_collections.localdev.recovery.plugins.plugin_utils._live_progress import LiveProgressAction


class ActionModule(LiveProgressAction):
    """The action of the modules of this collection."""

    collection = "localdev_test.direct"
