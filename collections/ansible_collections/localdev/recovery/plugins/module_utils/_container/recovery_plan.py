# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Which containers have to be restarted or made anew, and which services get a new image. Pure."""

from __future__ import annotations

import typing as t

from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils._docker.image_name import build_candidate_name
from ansible_collections.localdev.recovery.plugins.module_utils._stack.description import StackDescription
from ansible_collections.localdev.recovery.plugins.module_utils._stack.services import resolve_service_names

ServiceDescription = t.Mapping[str, t.Any]


def is_in_scope(stack: StackDescription, name: str, named: t.Collection[str]) -> bool:
    """Whether a procedure may touch a service: excluded ones only when somebody names them."""
    service = stack["services"][name]
    return name in named or (service["enabled"] and not service["excluded"])


def list_services_to_build(stack: StackDescription, named: t.Sequence[str]) -> list[str]:
    """The named services that are built (all, when none is named), and every other one of the same source or image.

    Compose builds only what it is told to: a worker from the same folder would go on with the old code.
    """
    services = stack["services"]
    chosen = resolve_service_names(stack, named)
    sources = {_get_build_source(services[name]) for name in chosen} - {None}
    images = {services[name]["image"] for name in chosen}
    built = [
        name
        for name, service in services.items()
        if service["build"]
        and is_in_scope(stack, name, named)
        and (_get_build_source(service) in sources or service["image"] in images)
    ]
    images = {services[name]["image"] for name in built}
    alone = [name for name in named if services[name]["image"] not in images]
    if alone or not built:
        raise RecoveryError(
            f"Nothing builds the image of {', '.join(alone) or 'any service'} in project {stack['project']['name']}: "
            "no such service has build in the Compose file",
            next_command="ansible-playbook localdev.recovery.container_recovery -e container_recovery_action=restart "
            "-e container_recovery_recreate=true",
        )
    return sorted(built)


def _get_build_source(service: ServiceDescription) -> tuple[str, str] | None:
    build = service["build"]
    return (build["context"], build["dockerfile"]) if build else None


class RecoveryPlanner:
    """What has to be done to a stack. built: of image_build, what was or would be built."""

    def __init__(
        self, stack: StackDescription, named: t.Sequence[str], built: t.Sequence[t.Mapping[str, t.Any]]
    ) -> None:
        self.stack = stack
        self.services: t.Mapping[str, ServiceDescription] = stack["services"]
        self.named = named
        self.images = {item["image"] for item in built}
        # What check mode has not built may be another one.
        self.new_images = {
            item["image"] for item in built if item["new_id"] is None or item["new_id"] != item["old_id"]
        }
        self.actions: dict[str, dict[str, str]] = {}

    def plan(self, action: str, *, recreate: bool) -> dict[str, t.Any]:
        """services: name -> action and why. stop, start: names. forced: to be made anew whatever Compose thinks.

        create: whether Compose has to make containers. images: objects for set_aside.
        """
        for name in self._targets(action):
            anew = "everything is made anew" if action == "reset" else "asked for" if recreate else self._outdated(name)
            if anew:
                self._note(name, "recreate", anew)
            elif action == "restart":
                self._note(name, "restart", "asked for")
            elif not self._works(name):
                self._note(name, "start", self.services[name]["condition"])
        self._add_needed()
        self._add_dependents()
        creates = [name for name, item in self.actions.items() if item["action"] in ("create", "recreate")]
        forced = sorted(n for n in creates if action == "reset" or (recreate and self.actions[n]["why"] == "asked for"))
        database = (self.stack["database"] or {}).get("service")
        return {
            "services": {name: self.actions[name] for name in sorted(self.actions)},
            # A database that is made anew stops when it is: what has to be kept of it is asked of it until then.
            "stop": sorted(name for name in self.actions if name != database or name not in creates),
            "start": sorted(self.actions),
            "forced": forced,
            "create": bool(set(creates) - set(forced)),
            "images": [
                {"kind": "image", "name": image, "replacement": build_candidate_name(image)}
                for image in sorted(self.new_images)
            ],
        }

    def _note(self, name: str, action: str, why: str) -> None:
        if action == "recreate" and not self.services[name]["containers"]:
            action = "create"
        self.actions.setdefault(name, {"action": action, "why": why})

    def _targets(self, action: str) -> list[str]:
        if action == "rebuild":
            return [
                name
                for name, service in sorted(self.services.items())
                if service["image"] in self.images
                and is_in_scope(self.stack, name, self.named)
                # What only shares the source goes on as it was: running, or not.
                and (not self.named or name in self.named or self._runs(name))
            ]
        # A job that has done its work is not repeated by a restart of everything.
        return [
            name
            for name in resolve_service_names(self.stack, self.named)
            if action == "reset" or name in self.named or not self._is_done(name)
        ]

    def _runs(self, name: str) -> bool:
        return any(c["state"] in ("running", "restarting") for c in self.services[name]["containers"])

    def _is_done(self, name: str) -> bool:
        service = self.services[name]
        return bool(service["one_shot"] and service["ok"] and service["containers"]) and not self._outdated(name)

    def _works(self, name: str) -> bool:
        """Running, however healthy, or a job that is done."""
        containers = self.services[name]["containers"]
        return self._is_done(name) or (bool(containers) and all(c["state"] == "running" for c in containers))

    def _outdated(self, name: str) -> str:
        """Why Compose would make the containers of a service anew; empty when it would not."""
        service = self.services[name]
        if not service["containers"]:
            return "it has no container"
        if service["image"] in self.new_images:
            return "its image was built anew"
        if any(c["stale_image"] for c in service["containers"]):
            return "its container is of an older image"
        if any(c["stale_config"] for c in service["containers"]):
            return "its configuration has changed"
        return ""

    def _add_needed(self) -> None:
        """What these need and does not run; where Compose makes containers, also what is out of date of these."""
        ahead = list(self.actions)
        while ahead:
            current = ahead.pop()
            creating = any(item["action"] in ("create", "recreate") for item in self.actions.values())
            for other in self.services[current]["depends_on"]:
                if other in self.actions or other not in self.services or not is_in_scope(self.stack, other, ()):
                    continue
                outdated = self._outdated(other)
                if outdated and (creating or not self.services[other]["containers"]):
                    self._note(other, "recreate", outdated)
                elif not self._works(other):
                    self._note(other, "start", f"{current} needs it")
                else:
                    continue
                ahead.append(other)

    def _add_dependents(self) -> None:
        """Running services that depend on a container made anew, or with whose restart Compose restarts them."""
        ahead = list(self.actions)
        while ahead:
            current = ahead.pop()
            anew = self.actions[current]["action"] == "recreate"
            for name, service in sorted(self.services.items()):
                follows = current in service["restarts_with"] or (anew and current in service["depends_on"])
                if not follows or name in self.actions or not is_in_scope(self.stack, name, ()):
                    continue
                if service["one_shot"] or not any(c["state"] == "running" for c in service["containers"]):
                    continue
                self._note(name, "restart", f"depends on {current}")
                ahead.append(name)
