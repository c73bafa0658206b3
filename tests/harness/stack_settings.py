# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Settings of a copy of the reference stack: env file, images and inventory."""

from __future__ import annotations

import json
import secrets
import tempfile
import typing as t
from pathlib import Path

from tests.harness.engine import docker, find_free_ports, run_command
from tests.harness.images import build_stack_images, copy_reference_stack
from tests.harness.project import ComposeProject

# The smallest part of the stack on which a rebuild can be verified. Tests of one service take it.
LEAN_SERVICES = ("db", "redis", "backend")
WORKER_SERVICES = ("celery-beat", "celery-worker", "frontend", "n8n")
PORT_VARIABLES = ("BACKEND_PORT", "FRONTEND_PORT", "POSTGRES_PORT", "REDIS_PORT")
# How the reference stack's application checks passwords, for the procedure that repairs the administrator's account.
ACCOUNT_VARIABLES = {
    "stack_account_path": "/api/v1/auth/me",
    "stack_password_hash": "app.core.security:get_password_hash",
    "stack_password_verify": "app.core.security:verify_password",
}


class StackSettings(ComposeProject):
    """A copy of the reference stack, with its env file, images and inventory."""

    def __init__(
        self,
        mounts: str = "named",
        variant: str = "pg15",
        services: t.Sequence[str] = LEAN_SERVICES,
        started: t.Sequence[str] = (),
        *,
        name: str = "",
        parent: Path | None = None,
        first_port: int = 0,
    ) -> None:
        """Make a copy in the folder stack below ``parent``, without starting it.

        mounts: ``named`` or ``bind``. services: those that procedures act on; the others are excluded.
        started: the services that run in the beginning, when not all of them.

        By default the name is random, the parent a new temporary folder, and the ports are free ones.
        """
        self.mounts = mounts
        self.variant = variant
        self.services = tuple(services)
        self.started_services = sorted(started or services)
        name = name or f"ldt-{secrets.token_hex(4)}"
        self.parent = parent or Path(tempfile.mkdtemp(prefix=f"{name}-"))
        super().__init__(copy_reference_stack(self.parent), name)
        self.inventory = self.parent / "inventory.yml"
        run_command(str(self.dir / "prepare"), "--variant", variant, cwd=self.dir)
        count = len(PORT_VARIABLES)
        ports = range(first_port, first_port + count) if first_port else find_free_ports(count)
        self.ports = dict(zip(PORT_VARIABLES, map(str, ports), strict=True))
        self.set_env(
            COMPOSE_PROJECT_NAME=self.name,
            CONTAINER_PREFIX=self.name,
            ADMIN_PASSWORD=f"Aa1!{secrets.token_hex(12)}",
            **self.ports,
        )
        self.tag_images()
        self.write_inventory()

    @property
    def compose_files(self) -> list[str]:
        return ["docker-compose.local.yml"] if self.mounts == "bind" else []

    def compose_options(self) -> list[str]:
        """Return the options that select the Compose file. The env file names the project."""
        return [part for name in self.compose_files for part in ("--file", name)]

    @property
    def cluster_place(self) -> str:
        """Name of the volume, or path of the folder, that holds the cluster."""
        return f"{self.dir}/data/postgres" if self.mounts == "bind" else f"{self.name}_postgres_data"

    def read_env(self) -> dict[str, str]:
        """Return the values of the env file."""
        lines = (self.dir / ".env").read_text().splitlines()
        return dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))

    def set_env(self, **values: str) -> None:
        """Set values in the env file."""
        path = self.dir / ".env"
        kept = [line for line in path.read_text().splitlines() if line.partition("=")[0] not in values]
        path.write_text("\n".join([*kept, *(f"{name}={value}" for name, value in values.items())]) + "\n")

    def read_secrets(self) -> list[str]:
        """Return the values that no output may show."""
        env = self.read_env()
        return [env[name] for name in ("DB_PASSWORD", "SECRET_KEY", "ADMIN_PASSWORD")]

    def tag_images(self) -> None:
        """Tag the images that are built once with the names of this copy."""
        for service, image in build_stack_images().items():
            docker("tag", image, f"{self.name}-{service}")

    def write_inventory(self, **variables: t.Any) -> None:
        """Write the smallest inventory for this stack. JSON is YAML."""
        password = "{{ lookup('ansible.builtin.ini', 'ADMIN_PASSWORD', type='properties', file=stack_dir ~ '/.env') }}"
        tables = {"people": ("people", 28), "blocks": ("blocks", 730), "templates": ("rotation_templates", 32)}
        described = {
            "stack_dir": str(self.dir),
            "stack_compose_files": self.compose_files,
            "stack_excluded_services": sorted({*LEAN_SERVICES, *WORKER_SERVICES} - set(self.services)),
            "stack_login_path": "/api/v1/auth/login/json",
            "stack_register_path": "/api/v1/auth/register",
            "stack_admin_password": password,
            "stack_seed_environment": {
                "ADMIN_PASSWORD": "{{ stack_admin_password }}",
                "SEED_ADMIN_PASSWORD": "{{ stack_admin_password }}",
            },
            "stack_seed_commands": [
                {"name": name, "command": ["python", f"/scripts/seed_{name}.py"], "rows": {table: rows}}
                for name, (table, rows) in tables.items()
            ],
            "stack_expected_rows": dict(tables.values()),
            # Two minutes, the default, are long for a service that never becomes ready.
            "stack_ready_timeout": 60,
            **variables,
        }
        host = {"ansible_connection": "local", "ansible_python_interpreter": "{{ ansible_playbook_python }}"}
        inventory = {"stacks": {"hosts": {"localhost": host}, "vars": described}}
        self.inventory.write_text(json.dumps(inventory, indent=2))
