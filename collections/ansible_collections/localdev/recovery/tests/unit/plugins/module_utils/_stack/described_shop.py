# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A described stack that leaves open what tests of init ask for."""

from __future__ import annotations

import typing as t

from ansible_collections.localdev.recovery.plugins.module_utils._stack.description import build_alembic_settings


def stack(**changes: t.Any) -> dict[str, t.Any]:
    """Return the description of the project shop, with these parts replaced."""
    kinds = {"one": "database", "two": "database", "web": "other", "queue": "cache"}
    services = {name: {"kind": kind, "writes_to_database": name == "web"} for name, kind in kinds.items()}
    project = {"name": "shop", "dir": "/srv/shop", "files": ["/srv/shop/compose.yaml"]}
    mount = {"type": "volume", "source": "shop_data"}
    database = {"name": "shop", "user": "anna", "service": "one", "data_mounts": [mount]}
    settings = build_alembic_settings({"alembic_section": ["orders", "stock"]})
    alembic = {"why": "web is built from /srv/shop/web", "settings": settings}
    described = {"project": project, "services": services, "database": database, "alembic": alembic, "warnings": []}
    return {**described, **changes}
