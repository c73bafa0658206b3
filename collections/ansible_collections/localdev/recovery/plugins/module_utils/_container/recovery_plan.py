# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Decide which containers to restart or recreate, and which services get a new image. Pure."""

from __future__ import annotations

import typing as t

from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._core.next_command import playbook_command
from ansible_collections.localdev.recovery.plugins.module_utils._docker.image_name import build_candidate_name
from ansible_collections.localdev.recovery.plugins.module_utils._stack.description import (
    ServiceDescription,
    StackDescription,
)
from ansible_collections.localdev.recovery.plugins.module_utils._stack.services import resolve_service_names

# Causes of an action, for programs, and their descriptions for people.
REQUESTED = "requested"
_CAUSES = {
    REQUESTED: "asked for",
    "reset": "everything is recreated",
    "no_container": "it has no container",
    "new_image": "its image was rebuilt",
    "older_image": "its container is of an older image",
    "changed_configuration": "its configuration has changed",
}


class PlannedAction(t.TypedDict):
    """A planned action on a service.

    action: ``restart``, ``start``, ``create`` or ``recreate``. cause: an id; also ``not_running``, ``needed`` (another
    service needs it) and ``dependency`` (it depends on a recreated service). why: the cause for people.
    """

    action: str
    cause: str
    why: str


def is_in_scope(stack: StackDescription, name: str, named: t.Collection[str]) -> bool:
    """Return whether a procedure may touch a service: an excluded one only if it is named."""
    service = stack["services"][name]
    return name in named or (service["enabled"] and not service["excluded"])


def list_services_to_build(stack: StackDescription, named: t.Sequence[str]) -> list[str]:
    """Return the named services that are built (default: all), and every other one of the same source or image.

    Compose builds only the named services: a worker from the same folder would run the old code.
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
            FailureId.IMAGE_NOT_BUILT,
            f"Nothing builds the image of {', '.join(alone) or 'any service'} in project {stack['project']['name']}: "
            "no such service has build in the Compose file",
            hint="Recreate the containers from the images that are there.",
            next_command=playbook_command(
                "container_recovery",
                container_recovery_action="restart",
                **({"container_recovery_services": alone} if alone else {}),
                container_recovery_recreate=True,
            ),
        )
    return sorted(built)


def _get_build_source(service: ServiceDescription) -> tuple[str, str] | None:
    build = service["build"]
    return (build["context"], build["dockerfile"]) if build else None


class RecoveryPlanner:
    """The actions that a procedure needs in a stack. built: images that image_build has built or would build."""

    def __init__(
        self, stack: StackDescription, named: t.Sequence[str], built: t.Sequence[t.Mapping[str, t.Any]]
    ) -> None:
        self.stack = stack
        self.services: t.Mapping[str, ServiceDescription] = stack["services"]
        self.named = named
        self.images = {item["image"] for item in built}
        # In check mode nothing was built, so the image may change.
        self.new_images = {
            item["image"] for item in built if item["new_id"] is None or item["new_id"] != item["old_id"]
        }
        self.actions: dict[str, PlannedAction] = {}

    def plan(self, action: str, *, recreate: bool) -> dict[str, t.Any]:
        """Return the plan: services (name -> PlannedAction), stop, start, forced, create and images.

        stop, start: names. forced: recreated even if Compose would keep them. create: whether Compose has to create
        containers. images: objects for set_aside.
        """
        for name in self._list_targets(action):
            cause = "reset" if action == "reset" else REQUESTED if recreate else self._find_outdated(name)
            if cause:
                self._add_action(name, "recreate", cause)
            elif action == "restart":
                self._add_action(name, "restart", REQUESTED)
            elif not self._is_running_or_done(name):
                self._add_action(name, "start", "not_running", self.services[name]["condition"])
        self._add_dependencies()
        self._add_dependents()
        creates = [name for name, item in self.actions.items() if item["action"] in ("create", "recreate")]
        forced = sorted(n for n in creates if action == "reset" or (recreate and self.actions[n]["cause"] == REQUESTED))
        database = self.stack["database"]["service"] if self.stack["database"] else None
        return {
            "services": {name: self.actions[name] for name in sorted(self.actions)},
            # A database that is recreated runs until then: the data to keep is read from it.
            "stop": sorted(name for name in self.actions if name != database or name not in creates),
            "start": sorted(self.actions),
            "forced": forced,
            "create": bool(set(creates) - set(forced)),
            "images": [
                {"kind": "image", "name": image, "replacement": build_candidate_name(image)}
                for image in sorted(self.new_images)
            ],
        }

    def _add_action(self, name: str, action: str, cause: str, why: str = "") -> None:
        """Plan the action, unless the service has one. why: for a cause without a description of its own."""
        if action == "recreate" and not self.services[name]["containers"]:
            action = "create"
        self.actions.setdefault(name, {"action": action, "cause": cause, "why": why or _CAUSES[cause]})

    def _list_targets(self, action: str) -> list[str]:
        if action == "rebuild":
            return [
                name
                for name, service in sorted(self.services.items())
                if service["image"] in self.images
                and is_in_scope(self.stack, name, self.named)
                # A service that only shares the source stays as it is: running or stopped.
                and (not self.named or name in self.named or self._is_running(name))
            ]
        # A job that has done its work is not repeated by a restart of everything.
        return [
            name
            for name in resolve_service_names(self.stack, self.named)
            if action == "reset" or name in self.named or not self._is_done(name)
        ]

    def _is_running(self, name: str) -> bool:
        return any(c["state"] in ("running", "restarting") for c in self.services[name]["containers"])

    def _is_done(self, name: str) -> bool:
        service = self.services[name]
        return bool(service["one_shot"] and service["ok"] and service["containers"]) and not self._find_outdated(name)

    def _is_running_or_done(self, name: str) -> bool:
        """Return whether the service runs, healthy or not, or is a finished job."""
        containers = self.services[name]["containers"]
        return self._is_done(name) or (bool(containers) and all(c["state"] == "running" for c in containers))

    def _find_outdated(self, name: str) -> str:
        """Return the cause for which Compose would recreate the containers of a service; empty if it would not."""
        service = self.services[name]
        if not service["containers"]:
            return "no_container"
        if service["image"] in self.new_images:
            return "new_image"
        if any(c["stale_image"] for c in service["containers"]):
            return "older_image"
        if any(c["stale_config"] for c in service["containers"]):
            return "changed_configuration"
        return ""

    def _add_dependencies(self) -> None:
        """Add dependencies that do not run; where Compose creates containers, also outdated dependencies."""
        queue = list(self.actions)
        while queue:
            current = queue.pop()
            creating = any(item["action"] in ("create", "recreate") for item in self.actions.values())
            for other in self.services[current]["depends_on"]:
                if other in self.actions or other not in self.services or not is_in_scope(self.stack, other, ()):
                    continue
                outdated = self._find_outdated(other)
                if outdated and (creating or not self.services[other]["containers"]):
                    self._add_action(other, "recreate", outdated)
                elif not self._is_running_or_done(other):
                    self._add_action(other, "start", "needed", f"{current} needs it")
                else:
                    continue
                queue.append(other)

    def _add_dependents(self) -> None:
        """Add running services that depend on a recreated container, or that Compose restarts together with it."""
        queue = list(self.actions)
        while queue:
            current = queue.pop()
            recreated = self.actions[current]["action"] == "recreate"
            for name, service in sorted(self.services.items()):
                follows = current in service["restarts_with"] or (recreated and current in service["depends_on"])
                if not follows or name in self.actions or not is_in_scope(self.stack, name, ()):
                    continue
                if service["one_shot"] or not any(c["state"] == "running" for c in service["containers"]):
                    continue
                self._add_action(name, "restart", "dependency", f"depends on {current}")
                queue.append(name)
