# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run a module that has no action of its own, and show its progress. meta/runtime.yml names it for each of them."""

from __future__ import annotations

from ansible_collections.localdev.recovery.plugins.plugin_utils._live_progress import LiveProgressAction


class ActionModule(LiveProgressAction):
    """The action of most modules of this collection."""
