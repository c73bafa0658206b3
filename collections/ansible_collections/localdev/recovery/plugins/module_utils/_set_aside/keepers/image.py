# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Set images aside by a second name: as long as an image has a name, the engine keeps it."""

from __future__ import annotations

from ansible_collections.localdev.recovery.plugins.module_utils._docker.image_name import parse_image_reference
from ansible_collections.localdev.recovery.plugins.module_utils._docker.images import (
    find_image_id,
    measure_own_layers,
    remove_image_name,
)
from ansible_collections.localdev.recovery.plugins.module_utils._run.breakpoint import wait_at_breakpoint
from ansible_collections.localdev.recovery.plugins.module_utils._run.record import EntryState, SetAsideEntry
from ansible_collections.localdev.recovery.plugins.module_utils._set_aside.keepers.base import Keeper
from ansible_collections.localdev.recovery.plugins.module_utils._stack.description import ServiceDescription


class ImageKeeper(Keeper):
    """A keeper that tags an image. replacement: name of the next image. bytes: of the layers that are not shared."""

    copies = True

    @staticmethod
    def must_stop(service: ServiceDescription, entry: SetAsideEntry) -> bool:
        # Its containers are recreated, which is faster if they are stopped before.
        return parse_image_reference(service["image"]) == parse_image_reference(entry["name"])

    def exists(self, entry: SetAsideEntry) -> bool:
        return find_image_id(self.docker, entry["name"]) is not None

    def kept_copy_exists(self, entry: SetAsideEntry) -> bool:
        return find_image_id(self.docker, entry["aside"]) is not None

    def measure(self, entry: SetAsideEntry) -> tuple[int, int | None, int | None]:
        [image] = self.docker.inspect("image", [entry["name"]])
        return int(image["Size"]), 0, None

    def keep(self, entry: SetAsideEntry) -> None:
        self.docker.run("tag", entry["name"], entry["aside"])
        own, _whole = measure_own_layers(
            self.docker, entry["name"], [entry["replacement"]] if entry.get("replacement") else []
        )
        # Services built from one source share layers: each layer counts once.
        counted = {layer for mine in self.run.record["asides"] for layer in mine.get("layers", ())}
        entry["layers"] = sorted(set(own) - counted)
        entry["bytes"] = sum(own[layer] for layer in entry["layers"])
        entry["state"] = self.state_when_kept(entry)
        self.run.save()
        wait_at_breakpoint(self.run, "kept:image")
        self.place_replacement(entry)

    def place_replacement(self, entry: SetAsideEntry) -> None:
        if entry.get("replacement") and find_image_id(self.docker, entry["replacement"]):
            self.docker.run("tag", entry["replacement"], entry["name"])
            remove_image_name(self.docker, entry["replacement"])

    def state_when_kept(self, entry: SetAsideEntry) -> EntryState:
        # A replacement is in its place at once.
        return "live" if entry.get("replacement") else "kept"

    def put_back(self, entry: SetAsideEntry, displaced: SetAsideEntry | None) -> None:
        if displaced is not None and displaced["state"] == "planned":
            self.keep(displaced)
        self.docker.run("tag", entry["aside"], entry["name"])

    def delete(self, entry: SetAsideEntry) -> None:
        remove_image_name(self.docker, entry["aside"])
