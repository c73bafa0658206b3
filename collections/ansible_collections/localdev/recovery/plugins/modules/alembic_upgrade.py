#!/usr/bin/python
# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: alembic_upgrade
short_description: Upgrade the database of a stack with Alembic, under an advisory lock
description:
  - Runs Alembic's own API in a one-off container of the application's image, so that the application itself need not be up, or with a
    Python on the stack's host.
  - Two upgrades of one database exclude each other by a PostgreSQL advisory lock on the migration's own connection.
version_added: 0.1.0
author:
  - localdev.recovery contributors (@localdev-recovery)
extends_documentation_fragment:
  - localdev.recovery.attributes
  - localdev.recovery.alembic
  - localdev.recovery.run
attributes:
  check_mode:
    support: full
    details:
      - In check mode the revisions that would be applied are listed.
  diff_mode:
    support: full
  idempotent:
    support: full
options:
  target:
    description:
      - Revision to upgrade to.
    type: str
    default: heads
  from_base:
    description:
      - In check mode, plan as for an empty database instead of asking the one that is there.
    type: bool
    default: false
  connect_timeout:
    description:
      - Seconds to wait for the server to accept connections.
    type: float
    default: 60
  until_ready:
    description:
      - Services to wait for, for as long as O(connect_timeout), while Alembic starts, such as a database that has just been started.
      - One that does not come up is shown with its last log lines, instead of the error that Alembic sees.
    type: list
    elements: str
    default: []
  lock_timeout:
    description:
      - Seconds to wait for another migration to end.
    type: float
    default: 60
"""

EXAMPLES = r"""
- name: Upgrade to the heads
  localdev.recovery.alembic_upgrade:
    stack: "{{ found.stack }}"
    run_id: "{{ run.run_id }}"

- name: Upgrade a restored copy before it takes the database's place
  localdev.recovery.alembic_upgrade:
    stack: "{{ found.stack }}"
    database: shop_restored

- name: Upgrade with the project's virtual environment
  localdev.recovery.alembic_upgrade:
    stack: "{{ found.stack }}"
    python: "{{ stack_dir }}/.venv/bin/python"
    environment:
      DATABASE_URL: "{{ database_url }}"
"""

RETURN = r"""
applied:
  description: Revisions that were (in check mode would be) applied, in order.
  returned: success
  type: list
  elements: str
heads:
  description: Head revisions of the migrations.
  returned: success
  type: list
  elements: str
current:
  description: Revisions that the database is at now.
  returned: success
  type: list
  elements: str
unknown:
  description: Always empty; for conditions that treat this result like that of M(localdev.recovery.alembic_info).
  returned: success
  type: list
  elements: str
"""

import threading
import typing as t

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.localdev.recovery.plugins.module_utils._alembic.own_command import (
    choose_own_command,
    migrate_by_own_command,
    read_state_request,
)
from ansible_collections.localdev.recovery.plugins.module_utils._alembic.runner import HostPython, run_alembic_request
from ansible_collections.localdev.recovery.plugins.module_utils._core.argspec import (
    alembic_argument_spec,
    run_argument_spec,
)
from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._core.module import (
    fail_on_recovery_error,
    hide_only_secrets,
)
from ansible_collections.localdev.recovery.plugins.module_utils._core.parallel import map_in_parallel
from ansible_collections.localdev.recovery.plugins.module_utils._docker.cli import Docker, Project
from ansible_collections.localdev.recovery.plugins.module_utils._docker.helper_container import remove_helper_containers
from ansible_collections.localdev.recovery.plugins.module_utils._postgresql.facts import read_database_revisions
from ansible_collections.localdev.recovery.plugins.module_utils._postgresql.psql import PsqlSession
from ansible_collections.localdev.recovery.plugins.module_utils._postgresql.server import find_database_server
from ansible_collections.localdev.recovery.plugins.module_utils._run.active import join_run
from ansible_collections.localdev.recovery.plugins.module_utils._stack.readiness import wait_for_services


def upgrade_database(
    docker: Docker,
    params: t.Mapping[str, t.Any],
    request: t.Mapping[str, t.Any],
    host: HostPython | None,
) -> dict[str, t.Any]:
    """Return Alembic's response. Its container starts while its services start, and connects until the server accepts."""
    stack, run_id = params["stack"], params["run_id"]
    ended = threading.Event()

    def migrate() -> dict[str, t.Any]:
        try:
            return run_alembic_request(docker, stack, request, fresh=True, run_id=run_id, host=host)
        finally:
            ended.set()

    def wait_until_ready() -> dict[str, t.Any]:
        try:
            wait_for_services(docker, stack, params["until_ready"], params["connect_timeout"])
        except RecoveryError:
            # Stop Alembic, whose container may not have started yet.
            while run_id and not ended.wait(0.2):
                remove_helper_containers(docker, run_id)
            raise
        return {}

    answers = map_in_parallel(lambda task: task(), [wait_until_ready, migrate] if params["until_ready"] else [migrate])
    return answers[-1]


def upgrade_by_own_command(docker: Docker, params: t.Mapping[str, t.Any]) -> dict[str, t.Any] | None:
    """Return what an upgrade by the command of the project did; None if the project needs none."""
    stack = params["stack"]
    alembic = stack.get("alembic")
    if params["python"] or not alembic or not (alembic["settings"]["command"] or alembic["migration_service"]):
        return None
    if params["until_ready"]:
        wait_for_services(docker, stack, params["until_ready"], params["connect_timeout"])
    server, database = find_database_server(stack, docker), params["database"] or stack["database"]["name"]
    with PsqlSession(server, database) as session:
        current = read_database_revisions(session, "")
    own = choose_own_command(stack, current)
    usual = params["target"] in ("heads", "head") and not params["database"] and not params["config"]
    if own is None or not (usual or own.words):
        # Only the application's own database is ever empty for the one-shot service.
        return None
    if params["target"] not in ("heads", "head"):
        raise RecoveryError(
            FailureId.MIGRATION_OWN_COMMAND,
            f"The project migrates by a command of its own, which goes to the heads, not to {params['target']}",
            hint="Leave the target empty.",
        )
    if params["database"]:
        raise RecoveryError(
            FailureId.MIGRATION_OWN_COMMAND,
            f"The project migrates by a command of its own, which cannot be led to the database {database}",
            hint="Check out the code that is at the revision of the backup, restore it, and then repair the schema.",
        )
    return migrate_by_own_command(server, stack, own, run_id=params["run_id"], lock_timeout=params["lock_timeout"])


def act(module: AnsibleModule) -> dict[str, t.Any]:
    params = module.params
    stack = params["stack"]
    docker = Docker(Project.from_stack(stack))
    host = HostPython.from_params(params)
    if host:
        hide_only_secrets(module, host.masker)
    request = {key: params[key] for key in ("target", "config", "database", "connect_timeout", "lock_timeout")}
    if module.check_mode:
        request |= {"do": "plan", "connect_timeout": 0, "from_base": params["from_base"]}
        if not host:
            request |= (
                {"graph_only": True} if params["from_base"] else read_state_request(docker, stack, params["database"])
            )
        answer = run_alembic_request(docker, stack, request, host=host)
    else:
        with join_run(params):
            request |= {"do": "upgrade"}
            answer = upgrade_by_own_command(docker, params) or upgrade_database(docker, params, request, host)
    before = answer["before"]
    after = [*before, *answer["applied"]]
    return {
        "changed": bool(answer["applied"]),
        "applied": answer["applied"],
        "heads": answer["heads"],
        "current": answer["current"],
        "unknown": [],
        "diff": {"before": "".join(f"{r}\n" for r in before), "after": "".join(f"{r}\n" for r in after)},
    }


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **run_argument_spec(),
            "target": {"type": "str", "default": "heads"},
            **alembic_argument_spec(),
            "from_base": {"type": "bool", "default": False},
            "connect_timeout": {"type": "float", "default": 60},
            "until_ready": {"type": "list", "elements": "str", "default": []},
            "lock_timeout": {"type": "float", "default": 60},
        },
        supports_check_mode=True,
    )
    with fail_on_recovery_error(module.fail_json):
        module.exit_json(**act(module))


if __name__ == "__main__":
    main()
