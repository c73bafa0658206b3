#!/usr/bin/python
# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: stack_info
short_description: Describe a Docker Compose stack with PostgreSQL and Alembic
description:
  - Describes the services of a Compose project and their state, from C(docker compose config) and C(docker inspect).
  - Shows which service is the database, the cache, the application with Alembic and its workers, which services
    write to the database, where the data is, and whether each service is as it should be.
  - Returns no secrets and no values of environment variables. Passwords in commands, health checks, messages and logs are masked.
version_added: 0.1.0
author:
  - localdev.recovery contributors (@localdev-recovery)
extends_documentation_fragment:
  - localdev.recovery.attributes
  - localdev.recovery.attributes.info_module
  - localdev.recovery.stack
options:
  logs:
    description:
      - How many of the last log lines to return of each container of a service that is not as it should be.
    type: int
    default: 0
  log_kinds:
    description:
      - Kinds of services whose log lines are returned also when they are as they should be.
    type: list
    elements: str
    choices: [database, cache, application, worker, migration, other]
    default: []
  check_images:
    description:
      - Whether to compare the images with their build contexts. It reads the files of every context, and the copies of them in running
        containers.
    type: bool
    default: false
  incomplete: {description: "Whether to describe a project that Compose cannot read without its services, if runs on it are recorded.",
    type: bool, default: false}
seealso:
  - module: community.docker.docker_compose_v2
"""

EXAMPLES = r"""
- name: Describe the stack in a folder
  localdev.recovery.stack_info:
    project_src: ~/src/residency-scheduler
  register: found

- name: Show how each service is doing
  ansible.builtin.debug:
    var: found.summary

- name: Describe a stack with two PostgreSQL servers, with log lines of what is broken
  localdev.recovery.stack_info:
    project_src: ~/src/residency-scheduler
    files:
      - docker-compose.yml
      - docker-compose.local.yml
    database_service: db
    excluded_services:
      - n8n
    logs: 20
  register: found
"""

RETURN = r"""
summary:
  description: One line per service, for people.
  returned: success
  type: list
  elements: str
  sample:
    - "ok  backend  application  running, healthy  :8000"
    - "!!  db       database     exited 1"
questions:
  description: Questions that discovery could not decide, with the choices. Empty when everything is known.
  returned: success
  type: list
  elements: str
  sample: []
next:
  description: The command that answers RV(questions) with their first choices, as C(playbook) and C(vars); V(null) without questions.
  returned: success
  type: dict
logs:
  description: The last log lines, by service, of each that is not as it should be or of the kinds in O(log_kinds).
  returned: when O(logs) is positive
  type: dict
  sample: {"db": ["FATAL:  could not write lock file \"postmaster.pid\": No space left on device"]}
injections:
  description:
    - Files that were injected into containers and that the image has not taken over. C(state) is V(injected), V(changed)
      (overwritten since) or V(lost) (the container was recreated without them).
  returned: success
  type: list
  elements: dict
  sample:
    - service: backend
      container: residency-backend-1
      container_id: 4756879edbfda16940cf80d8a87ce5ed2d3895d72d9029241015caf812aeb8d8
      image_id: sha256:18250a61f62d9c6ac3b16ac8f92cbab2d3e5d615bcbf513d4a2923a2f44ccd2d
      path: /app/app/main.py
      sha256: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
      run_id: 20260131T100000Z-1f2e
      time: "2026-01-31T10:00:00Z"
      state: injected
stack:
  description: The description of the stack.
  returned: success
  type: dict
  contains:
    project:
      description: Name, folder, Compose files, env files and active profiles; paths are absolute.
      returned: success
      type: dict
      sample:
        name: residency
        dir: /home/me/src/residency
        files: [/home/me/src/residency/docker-compose.yml]
        env_files: [/home/me/src/residency/.env]
        profiles: []
    engine: {description: Versions of Docker Engine and Compose.,
      returned: success, type: dict, sample: {"version": "20.10.24", "compose_version": "2.26.1"}}
    state: {description: "Where runs are recorded: C(folder) of this stack, C(root) of all, and the C(group) that shares it, or V(null).",
      returned: success, type: dict, sample: {"root": /var/lib/localdev, "folder": /var/lib/localdev/residency, "group": 998}}
    unreadable: {description: "Why Compose cannot read the project, as a failure.", returned: "with O(incomplete), if it cannot", type: dict}
    services:
      description: The services by name, those of inactive profiles included.
      returned: success
      type: dict
      contains:
        kind:
          description: V(database), V(cache), V(application), V(worker), V(migration) or V(other).
          returned: success
          type: str
          sample: application
        image:
          description: The image's name; the one that Compose gives where the service is only built.
          returned: success
          type: str
          sample: residency-backend
        image_id:
          description: The id that this name has now, V(null) when there is no such image.
          returned: success
          type: str
          sample: sha256:18250a61f62d9c6ac3b16ac8f92cbab2d3e5d615bcbf513d4a2923a2f44ccd2d
        build:
          description: C(context), C(dockerfile) and C(target), or V(null).
          returned: success
          type: dict
          sample: {"context": "/home/me/src/residency/backend", "dockerfile": "Dockerfile", "target": null}
        command:
          description: The command that replaces the image's, or V(null).
          returned: success
          type: list
          elements: str
          sample: [celery, -A, app, worker]
        one_shot: {description: "Whether it is a job that ends, such as a migration.", returned: success, type: bool, sample: false}
        profiles: {description: Its profiles., returned: success, type: list, elements: str, sample: []}
        enabled: {description: Whether the active profiles include it., returned: success, type: bool, sample: true}
        excluded: {description: Whether O(excluded_services) names it., returned: success, type: bool, sample: false}
        depends_on:
          description: The services that it waits for, and the condition.
          returned: success
          type: dict
          sample: {"db": "service_healthy"}
        restarts_with:
          description: Dependencies with which Compose restarts it (C(restart) in its C(depends_on)).
          returned: success
          type: list
          elements: str
          sample: []
        stop_grace_period_s: {description: Seconds that its containers have to stop., returned: success, type: float, sample: 10.0}
        stateful: {description: Whether it has a mount with data of its own., returned: success, type: bool, sample: false}
        writes_to_database: {description: Whether it may hold sessions on the database., returned: success, type: bool, sample: true}
        database_url_variables:
          description: Its variables that hold a URL of the database.
          returned: success
          type: list
          elements: str
          sample: [DATABASE_URL]
        ports:
          description:
            - Published ports. C(published) is the real port while a container runs, else the configured one, or
              V(null) where Docker picks it.
          returned: success
          type: list
          elements: dict
          sample: [{"target": 8000, "published": 8000, "host_ip": "127.0.0.1", "protocol": "tcp"}]
        mounts:
          description:
            - Volumes, bind mounts and tmpfs. C(source) is the volume's real name or an absolute path, C(key) its name
              in the Compose file, C(data) whether it holds data that cannot be created again.
          returned: success
          type: list
          elements: dict
          sample:
            - type: volume
              source: residency_postgres_data
              key: postgres_data
              target: /var/lib/postgresql/data
              read_only: false
              external: false
              anonymous: false
              data: true
        health_check:
          description:
            - The health check in force, or V(null). C(inherited) says that it comes with the image while the service
              runs another command, so that its result is meaningless.
          returned: success
          type: dict
          sample:
            test: [CMD-SHELL, "curl -f http://localhost:8000/health"]
            source: image
            inherited: false
            url: http://localhost:8000/health
        containers:
          description:
            - Its containers. C(stale_image) means that the image's name stands for another image now, C(stale_config)
              that the configuration has changed since.
          returned: success
          type: list
          elements: dict
          sample:
            - id: 4756879edbfda16940cf80d8a87ce5ed2d3895d72d9029241015caf812aeb8d8
              name: residency-backend-1
              state: running
              health: healthy
              exit_code: 0
              started_at: "2026-01-31T10:00:00.444182446Z"
              restart_count: 0
              image_id: sha256:18250a61f62d9c6ac3b16ac8f92cbab2d3e5d615bcbf513d4a2923a2f44ccd2d
              stale_image: false
              stale_config: false
        drift:
          description:
            - Outdated parts. C(config) names the differences between the configuration and the container.
            - C(image) lists files of the build context that the image has in another version, C(kind) being V(dockerfile), V(dependencies)
              or V(source). C(proved) is V(true) when contents were compared; otherwise only the file's time is newer.
            - C(edited) lists files that were changed inside the container. C(complete) is V(true) when all files of the context were
              compared; it is V(false) without O(check_images). Files of bind mounts are left out.
          returned: success
          type: dict
          sample:
            config: [environment GREETING]
            image: [{"path": "app/main.py", "kind": "source", "proved": true}]
            edited: [/app/app/config.py]
            complete: true
        ok:
          description: Whether it is as it should be. A one-shot service is when it has exited with 0.
          returned: success
          type: bool
          sample: true
        condition: {description: The same in words., returned: success, type: str, sample: "running, healthy"}
    volumes:
      description: The declared volumes by their name in the Compose file.
      returned: success
      type: dict
      sample:
        postgres_data: {"name": "residency_postgres_data", "external": false, "exists": true, "driver": "local"}
    database:
      description:
        - The database, or V(null) when none or several were found. C(endpoint) is where the stack's host reaches the
          server (C(via) is V(published) or V(container)), or V(null) when it does not.
      returned: success
      type: dict
      sample:
        service: db
        image: postgres:15
        user: scheduler
        name: residency_scheduler
        port: 5432
        data_mounts: []
        container: residency-db-1
        endpoint: {"host": "127.0.0.1", "port": 5432, "via": "published"}
    alembic:
      description: The service where Alembic runs, or V(null). C(config) is its configuration file relative to C(source), a
        folder of the stack's host; both are V(null) when it is only inside the image.
      returned: success
      type: dict
      sample:
        service: backend
        source: /home/me/src/residency/backend
        config: alembic.ini
        why: backend is built from /home/me/src/residency/backend, which has alembic.ini
    start_order: {description: Enabled and not excluded services in waves; each wave depends on earlier ones alone.,
      returned: success, type: list, elements: list, sample: [["db", "redis"], ["backend"]]}
    managed_services:
      description: The services that procedures act on. The active profiles include them, and O(excluded_services) does not.
      returned: success
      type: list
      elements: str
      sample: [backend, db, redis, worker]
    services_by_kind:
      description: The same services by kind. Every kind is there.
      returned: success
      type: dict
      sample: {"database": [db], "cache": [redis], "application": [backend], "worker": [worker], "migration": [], "other": []}
    services_without_containers: {description: Services that have no container., returned: success, type: list, elements: str, sample: []}
    services_to_recreate: {description: "Services that have no container, or one of an older image than the current one.",
      returned: success, type: list, elements: str, sample: []}
    database_writers: {description: "Managed services that may hold sessions on the database, without the database itself.",
      returned: success, type: list, elements: str, sample: [backend, worker]}
    data_objects: {description: "The data of the database, as objects for M(localdev.recovery.set_aside).",
      returned: success, type: list, elements: dict, sample: [{"kind": volume, "name": residency_postgres_data}]}
    cache_objects: {description: "The data of the caches and queues, as objects for M(localdev.recovery.set_aside).",
      returned: success, type: list, elements: dict, sample: [{"kind": volume, "name": residency_redis_data}]}
    database_object:
      description: The database as an object for M(localdev.recovery.set_aside), or V(null) without a database.
      returned: success
      type: dict
      sample: {"kind": database, "name": residency_scheduler, "container": residency-db-1, "user": scheduler}
    database_missing: {description: "The failure of a stack without a database, as RV(localdev.recovery.recovery_fail#module:failure)
      and the other keys. Empty when there is one.", returned: success, type: dict, sample: {}}
    database_down: {description: "Likewise, why the database cannot be asked. Empty when its container runs.",
      returned: success, type: dict, sample: {}}
    migrations_missing: {description: "Likewise, why no service has migrations.", returned: success, type: dict, sample: {}}
    api_url: {description: "Base URL of the application on the stack's host. Empty when it publishes no port.",
      returned: success, type: str, sample: "http://localhost:8000"}
    warnings: {description: "What could not be determined, and what looks like a mistake.",
      returned: success, type: list, elements: str, sample: []}
"""

import dataclasses
import typing as t

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.localdev.recovery.plugins.module_utils._container.injections import find_injections
from ansible_collections.localdev.recovery.plugins.module_utils._core.argspec import stack_argument_spec
from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils._core.module import fail_on_recovery_error
from ansible_collections.localdev.recovery.plugins.module_utils._docker.cli import Docker, Project
from ansible_collections.localdev.recovery.plugins.module_utils._report.init import (
    format_open_questions,
    suggest_answers,
)
from ansible_collections.localdev.recovery.plugins.module_utils._report.services import format_service_summary
from ansible_collections.localdev.recovery.plugins.module_utils._run.recorded_stack import describe_recorded_stack
from ansible_collections.localdev.recovery.plugins.module_utils._stack.build_context import read_build_contexts
from ansible_collections.localdev.recovery.plugins.module_utils._stack.credentials import build_stack_masker
from ansible_collections.localdev.recovery.plugins.module_utils._stack.describe import describe_stack
from ansible_collections.localdev.recovery.plugins.module_utils._stack.facts import Choices
from ansible_collections.localdev.recovery.plugins.module_utils._stack.gather import read_last_logs, read_stack_facts


def act(module: AnsibleModule) -> dict[str, t.Any]:
    project = Project.from_params(module.params)
    docker = Docker(project)
    try:
        facts = read_stack_facts(docker)
    except RecoveryError as exc:
        if not module.params["incomplete"]:
            raise
        stack = describe_recorded_stack(docker, project, exc)
        return {"changed": False, "stack": stack, "summary": [], "questions": [], "next": None, "injections": []}
    if module.params["check_images"]:
        facts = dataclasses.replace(facts, contexts=read_build_contexts(docker, facts))
    described = describe_stack(facts, Choices.from_params(module.params))
    result = {
        "changed": False,
        "stack": described,
        "summary": format_service_summary(described),
        "questions": format_open_questions(described),
        "next": suggest_answers(described),
        "injections": find_injections(docker, described),
    }
    if module.params["logs"] > 0:
        masker = build_stack_masker(facts)
        result["logs"] = read_last_logs(docker, described, masker, module.params["logs"], module.params["log_kinds"])
    return result


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **stack_argument_spec(),
            "logs": {"type": "int", "default": 0},
            "log_kinds": {
                "type": "list",
                "elements": "str",
                "choices": ["database", "cache", "application", "worker", "migration", "other"],
                "default": [],
            },
            "check_images": {"type": "bool", "default": False},
            "incomplete": {"type": "bool", "default": False},
        },
        supports_check_mode=True,
    )
    with fail_on_recovery_error(module.fail_json):
        module.exit_json(**act(module))


if __name__ == "__main__":
    main()
