# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A database server whose connection is known, for tests of what is done with one."""

from __future__ import annotations

from ansible_collections.localdev.recovery.plugins.module_utils._docker.cli import Docker
from ansible_collections.localdev.recovery.plugins.module_utils._postgresql.server import DatabaseServer
from ansible_collections.localdev.recovery.plugins.module_utils._stack.connection import Connection


def make_known_server(
    docker: Docker | None = None,
    container: str = "db",
    user: str = "keeper",
    *,
    port: int = 5432,
    password: str = "",
    image: str = "sha256:abc",
    environment: tuple[str, ...] = (),
) -> DatabaseServer:
    """Return a server that does not look for its connection."""
    inspected = {"Image": image, "Config": {"Env": list(environment)}}
    server = DatabaseServer(docker or Docker(), container, user, inspected=inspected)
    server._works = Connection(user, port, "", password)
    return server
