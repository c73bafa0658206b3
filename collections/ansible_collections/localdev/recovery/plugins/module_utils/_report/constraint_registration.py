# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Format what an application has registered."""

from __future__ import annotations

import typing as t


def format_registration_lines(verdict: t.Mapping[str, t.Any]) -> list[str]:
    """What people are told of a result of registration_info, line by line."""
    found = [f"{verdict['count']} {verdict['label']} are registered in {verdict['service']}", *verdict["problems"]]
    if verdict["surplus"]:
        found.append(f"registered, though nobody expects them: {', '.join(verdict['surplus'])}")
    return found
