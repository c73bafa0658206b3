#!/usr/bin/python
# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: database_endpoint
short_description: Address and credentials of a stack's database, for the community.postgresql modules
description:
  - Reads the credentials from the Compose configuration (C(POSTGRES_*), their C(_FILE) forms, or the application's database URL), so that
    they need not be configured a second time.
  - The result holds the password. Set C(no_log=true) on the task.
version_added: 0.1.0
author:
  - localdev.recovery contributors (@localdev-recovery)
extends_documentation_fragment:
  - localdev.recovery.attributes
  - localdev.recovery.attributes.info_module
options:
  stack:
    description:
      - The stack, as RV(localdev.recovery.stack_info#module:stack) describes it.
    type: dict
    required: true
  tables:
    description:
      - Tables whose rows are to be counted, with their schema where the search path does not find them.
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: Find the way to the database
  localdev.recovery.database_endpoint:
    stack: "{{ found.stack }}"
    tables: [people]
  register: endpoint
  no_log: true

- name: Count the people
  community.postgresql.postgresql_query:
    login_host: "{{ endpoint.login.login_host }}"
    login_port: "{{ endpoint.login.login_port }}"
    login_user: "{{ endpoint.login.login_user }}"
    login_password: "{{ endpoint.login.login_password }}"
    login_db: "{{ endpoint.login.login_db }}"
    query: "{{ endpoint.row_query }}"
"""

RETURN = r"""
login:
  description: C(login_host), C(login_port), C(login_user), C(login_password) and C(login_db).
  returned: success
  type: dict
row_query:
  description: A query whose rows have the C(name) and the C(rows) of each of O(tables).
  returned: success
  type: str
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._core.module import fail_on_recovery_error
from ansible_collections.localdev.recovery.plugins.module_utils._docker.cli import Docker, Project
from ansible_collections.localdev.recovery.plugins.module_utils._postgresql.row_counts import build_verify_rows_sql
from ansible_collections.localdev.recovery.plugins.module_utils._postgresql.server import find_database_container
from ansible_collections.localdev.recovery.plugins.module_utils._stack.describe import find_container_address
from ansible_collections.localdev.recovery.plugins.module_utils._stack.description import require_database
from ansible_collections.localdev.recovery.plugins.module_utils._stack.gather import (
    gather_stack,
    read_database_credentials,
)


def act(module: AnsibleModule) -> dict[str, t.Any]:
    stack = module.params["stack"]
    docker = Docker(Project.from_stack(stack))
    database = require_database(stack)
    endpoint = database["endpoint"]
    if endpoint is not None and endpoint["via"] == "container":
        # A container's address changes with every start.
        address = find_container_address(find_database_container(stack, docker))
        endpoint = {**endpoint, "host": address} if address else None
    elif endpoint is None:
        # It was not running when the stack was described.
        now = gather_stack(docker, database_service=database["service"])["database"]
        endpoint = now["endpoint"] if now else None
    if endpoint is None:
        raise RecoveryError(
            FailureId.DATABASE_UNREACHABLE,
            f"The database service {database['service']} cannot be reached over TCP: it is not running, or it "
            "publishes no port and its container address cannot be reached from this host",
            next_command=Project.from_stack(stack).compose_command("up", "--detach", database["service"]),
        )
    credentials = read_database_credentials(docker, stack)
    return {
        "changed": False,
        "login": {
            "login_host": endpoint["host"],
            "login_port": endpoint["port"],
            "login_user": credentials["user"],
            "login_password": credentials["password"],
            "login_db": credentials["name"],
        },
        "row_query": build_verify_rows_sql(module.params["tables"]),
    }


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "stack": {"type": "dict", "required": True},
            "tables": {"type": "list", "elements": "str", "default": []},
        },
        supports_check_mode=True,
    )
    with fail_on_recovery_error(module.fail_json):
        module.exit_json(**act(module))


if __name__ == "__main__":
    main()
