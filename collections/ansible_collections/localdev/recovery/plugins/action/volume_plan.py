# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Choose the data of a stack to archive, or the archives to restore."""

from __future__ import annotations

import typing as t

from ansible_collections.localdev.recovery.plugins.module_utils._volume.archive_plan import (
    build_archive_path,
    find_data_locations,
    list_data_services_to_stop,
    list_replacement_objects,
    name_temporary_location,
    select_archives,
)
from ansible_collections.localdev.recovery.plugins.plugin_utils._planning import PlanAction


class ActionModule(PlanAction):
    """An action that names the places of data, their archives, and what to stop and set aside."""

    argument_spec: t.ClassVar[dict[str, dict[str, t.Any]]] = {
        "stack": {"type": "dict", "required": True},
        "run_id": {"type": "str", "default": ""},
        "folder": {"type": "str", "required": True},
        "services": {"type": "list", "elements": "str", "default": []},
        "select": {"type": "str"},
        "archives": {"type": "list", "elements": "str", "default": []},
    }

    def plan(self, arguments: dict[str, t.Any]) -> dict[str, t.Any]:
        stack, run_id, folder = arguments["stack"], arguments["run_id"], arguments["folder"]
        # A list that is given by -e is text; an empty one is one empty name.
        services = [name for name in arguments["services"] if name]
        if arguments["select"] is not None:
            chosen = select_archives(stack, arguments["archives"], arguments["select"], services, folder)
        else:
            chosen = [
                {**location, "archive": build_archive_path(location, folder, run_id)}
                for location in find_data_locations(stack, services)
            ]
        return {
            "locations": [
                {**location, "temporary_name": name_temporary_location(location, run_id)} for location in chosen
            ],
            "services_to_stop": list_data_services_to_stop(stack, chosen),
            "objects": list_replacement_objects(chosen, run_id),
        }
