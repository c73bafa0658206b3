#!/usr/bin/python
# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: stack_services
short_description: Stop, create or start services of a Compose stack, and wait until they are ready
description:
  - Stops containers all at once, each with its own grace period. Services that hold no data get a shorter one.
  - Starts services in dependency order and waits by asking the services themselves, by the test of their health check or PostgreSQL
    over TCP, instead of waiting for Docker's health status.
  - When a service does not come up, the error shows its state and its last log lines.
  - Use M(community.docker.docker_compose_v2) for everything else that Compose does.
version_added: 0.1.0
author:
  - localdev.recovery contributors (@localdev-recovery)
extends_documentation_fragment:
  - localdev.recovery.attributes
  - localdev.recovery.run
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
  idempotent:
    support: partial
    details:
      - O(recreate=true) always changes.
      - O(state=started) runs a one-shot service again, as C(docker compose up) does.
options:
  state:
    description:
      - V(stopped) stops running containers and keeps them.
      - V(created) creates the containers without starting them.
      - V(started) creates and starts them, and waits until they are ready.
      - V(ready) starts nothing and waits until they are ready.
    type: str
    choices: [stopped, created, started, ready]
    required: true
  services:
    description:
      - Services to act on. Without it all that are enabled and not excluded.
    type: list
    elements: str
    default: []
  recreate:
    description:
      - Replace the containers even when their configuration and image have not changed.
    type: bool
    default: false
  create:
    description:
      - With O(state=started), whether to create what is missing or out of date first. Without it only containers that exist are started.
    type: bool
    default: true
  wait:
    description:
      - Whether to wait at the end of O(state=started).
    type: bool
    default: true
  regardless:
    description:
      - With O(state=started), whether to start also what depends on a service that does not become ready within O(timeout). That brings a
        state back in which something was unhealthy.
    type: bool
    default: false
  until_ready:
    description:
      - Services to wait for at the end of O(state=started). Without it all that were started.
    type: list
    elements: str
    default: []
  then_create:
    description:
      - With O(state=started), services whose containers are created while the started ones come up.
    type: list
    elements: str
    default: []
  timeout:
    description:
      - Seconds to wait for readiness.
    type: float
    default: 120
  settle:
    description:
      - With O(state=started), seconds for which a service without a health check must have been up. This
        finds services that crash while they start.
    type: float
    default: 0
  asides_of:
    description:
      - Runs. With O(state=stopped), stop the services that must not run while the kept copies of these runs are put back, instead of
        O(services).
    type: list
    elements: str
  stateless_timeout:
    description:
      - Longest grace period in seconds, on stopping, for a service that holds no data.
    type: float
    default: 1
"""

EXAMPLES = r"""
- name: Look at the stack
  localdev.recovery.stack_info:
    project_src: /srv/shop
  register: found

- name: Stop all services
  localdev.recovery.stack_services:
    stack: "{{ found.stack }}"
    state: stopped

- name: Start the database and wait for it
  localdev.recovery.stack_services:
    stack: "{{ found.stack }}"
    state: started
    services:
      - db
"""

RETURN = r"""
services:
  description: Actions and findings, one entry per service, with the seconds that it took.
  returned: success
  type: list
  elements: dict
  sample:
    - service: db
      condition: ready
      seconds: 1.9
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.localdev.recovery.plugins.module_utils._core.argspec import run_argument_spec
from ansible_collections.localdev.recovery.plugins.module_utils._core.module import fail_on_recovery_error
from ansible_collections.localdev.recovery.plugins.module_utils._docker.cli import Docker, Project
from ansible_collections.localdev.recovery.plugins.module_utils._run.active import join_run
from ansible_collections.localdev.recovery.plugins.module_utils._stack.description import (
    ServiceDescription,
    StackDescription,
)
from ansible_collections.localdev.recovery.plugins.module_utils._stack.readiness import wait_for_services
from ansible_collections.localdev.recovery.plugins.module_utils._stack.services import (
    create_containers,
    list_stopped_containers,
    resolve_service_names,
    start_services,
    stop_services,
)


def list_dependencies(services: t.Mapping[str, ServiceDescription], wanted: t.Collection[str]) -> list[str]:
    """Return direct and indirect dependencies of the wanted services, which Compose creates too."""
    found: set[str] = set()
    unvisited = list(wanted)
    while unvisited:
        new = set(services[unvisited.pop()]["depends_on"]) & set(services) - found
        found |= new
        unvisited += new
    return sorted(found - set(wanted))


def predict_actions(
    params: dict[str, t.Any], wanted: list[str], services: t.Mapping[str, ServiceDescription]
) -> list[dict[str, t.Any]]:
    """Return what the module would do, by service. services: from a fresh description of the stack."""
    actions = []
    others = [] if params["state"] in ("stopped", "ready") else list_dependencies(services, wanted)
    for name in [*wanted, *others]:
        containers = services[name]["containers"]
        state = containers[0]["state"] if containers else "missing"
        action = ""
        if params["state"] == "stopped" and any(c["state"] in ("running", "restarting") for c in containers):
            action = "stop"
        elif params["state"] in ("created", "started"):
            forced = params["recreate"] and name in wanted
            if not containers:
                action = "create"
            elif forced or any(c["stale_config"] or c["stale_image"] for c in containers):
                action = "recreate"
            elif params["state"] == "started" and name in wanted and any(c["state"] != "running" for c in containers):
                action = "start"
        if action:
            actions.append({"service": name, "condition": state, "action": action})
    return actions


def list_services_to_stop_for_runs(docker: Docker, stack: StackDescription, run_ids: t.Iterable[str]) -> list[str]:
    """Return services to stop before the kept copies of these runs, or of runs that they undo, are put back."""
    # Import lazily: each imported module is compiled again on the host for every task.
    from ansible_collections.localdev.recovery.plugins.module_utils._run.store import RunStore
    from ansible_collections.localdev.recovery.plugins.module_utils._set_aside.manager import list_services_to_stop
    from ansible_collections.localdev.recovery.plugins.module_utils._set_aside.unrecorded import load_run

    runs = RunStore.from_stack(stack)
    records = [load_run(docker, stack, runs, run_id) for run_id in run_ids]
    records += [runs.load(record["undoes"]) for record in records if record.get("undoes")]
    return list_services_to_stop(stack, [entry for record in records for entry in record["asides"]])


def act(module: AnsibleModule) -> dict[str, t.Any]:
    params = module.params
    stack = params["stack"]
    docker = Docker(Project.from_stack(stack))
    wanted = resolve_service_names(stack, params["services"])
    if params["asides_of"] is not None:
        wanted = list_services_to_stop_for_runs(docker, stack, params["asides_of"])
    if module.check_mode:
        from ansible_collections.localdev.recovery.plugins.module_utils._stack.gather import gather_stack

        # The containers in the stack description may be older than the last start.
        now = gather_stack(docker)["services"]
        actions = predict_actions(params, wanted, now)
        if params["then_create"]:
            known = {action["service"] for action in actions}
            created = predict_actions({**params, "state": "created"}, params["then_create"], now)
            actions += [action for action in created if action["service"] not in known]
        return {"changed": bool(actions), "services": actions}
    with join_run(params) as run:
        if params["state"] == "stopped":
            stopped = stop_services(docker, stack, wanted, params["stateless_timeout"])
            return {"changed": bool(stopped), "services": stopped}
        if params["state"] == "ready":
            return {"changed": False, "services": wait_for_services(docker, stack, wanted, params["timeout"])}
        if run is not None:
            run.mark_kept_as_live()
        return create_and_start(docker, stack, wanted, params)


def create_and_start(
    docker: Docker, stack: StackDescription, wanted: list[str], params: dict[str, t.Any]
) -> dict[str, t.Any]:
    """Create and start services. List the containers only where they may have changed, because that takes time."""

    def list_containers() -> list[dict[str, t.Any]]:
        return docker.containers(stack["project"]["name"])

    def get_ids(containers: list[dict[str, t.Any]]) -> set[str]:
        return {container["Id"] for container in containers}

    before = now = list_containers()
    if params["create"] or params["state"] == "created":
        create_containers(docker, wanted, recreate=params["recreate"])
        now = list_containers()
    if params["state"] == "created":
        return {"changed": get_ids(now) != get_ids(before), "services": []}
    done = start_services(docker, stack, wanted, params["timeout"], regardless=params["regardless"], containers=now)
    changed = get_ids(now) != get_ids(before) or bool(list_stopped_containers(now, wanted))
    if params["then_create"]:
        create_containers(docker, params["then_create"], recreate=params["recreate"])
        changed = changed or get_ids(list_containers()) != get_ids(before)
    if params["wait"]:
        pending = set(params["until_ready"] or wanted) - {service["service"] for service in done}
        done += wait_for_services(docker, stack, sorted(pending), params["timeout"], params["settle"])
    return {"changed": changed, "services": done}


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **run_argument_spec(),
            "state": {"type": "str", "required": True, "choices": ["stopped", "created", "started", "ready"]},
            "services": {"type": "list", "elements": "str", "default": []},
            "recreate": {"type": "bool", "default": False},
            "create": {"type": "bool", "default": True},
            "wait": {"type": "bool", "default": True},
            "regardless": {"type": "bool", "default": False},
            "asides_of": {"type": "list", "elements": "str"},
            "until_ready": {"type": "list", "elements": "str", "default": []},
            "then_create": {"type": "list", "elements": "str", "default": []},
            "timeout": {"type": "float", "default": 120},
            "settle": {"type": "float", "default": 0},
            "stateless_timeout": {"type": "float", "default": 1},
        },
        supports_check_mode=True,
    )
    with fail_on_recovery_error(module.fail_json):
        module.exit_json(**act(module))


if __name__ == "__main__":
    main()
