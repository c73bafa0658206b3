# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Find the credentials of the database, and build maskers that hide the secrets of a stack. Pure."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.localdev.recovery.plugins.module_utils._core.masking import Masker
from ansible_collections.localdev.recovery.plugins.module_utils._stack.classify import find_pooler_hosts
from ansible_collections.localdev.recovery.plugins.module_utils._stack.connection import read_image_account
from ansible_collections.localdev.recovery.plugins.module_utils._stack.database_url import (
    DatabaseUrl,
    parse_database_url,
    split_host_and_port,
)
from ansible_collections.localdev.recovery.plugins.module_utils._stack.facts import ReadFile, Service, StackFacts

_TEST_VARIABLE = re.compile(r"(?:^|_)TEST(?:ING)?(?:_|$)", re.I)
_HOST_SUFFIX = re.compile(r"_?(?:HOST|HOSTNAME|SERVER|ADDR|ADDRESS)$", re.I)


def build_stack_masker(facts: StackFacts) -> Masker:
    """Return a masker of every secret that the configuration, the images and the secret files hold."""
    services = [Service(name, facts) for name in facts.config.get("services") or {}]
    return Masker.of_environments(
        (service.environment for service in services),
        secrets=facts.secrets,
        harmless=(name for service in services for name in service.names),
    )


def extract_database_credentials(
    config_service: t.Mapping[str, t.Any],
    read_file: ReadFile = lambda path: None,
    *,
    image_environment: t.Mapping[str, str] | None = None,
    application: DatabaseUrl | None = None,
) -> dict[str, str]:
    """Return ``user``, ``password`` and ``name`` of the database.

    config_service: the service in ``docker compose config``, ``$$`` unescaped. read_file: a file as its container
    sees it, for the ``*_FILE`` variables. application: how the application connects; its database counts, and it
    supplies the values that the service does not set. Defaults are the image's: user ``postgres``, database named as
    the user, no password.
    """
    environment = dict(image_environment or {})
    environment.update(
        {key: str(value) for key, value in (config_service.get("environment") or {}).items() if value is not None}
    )

    user, password, name = read_image_account(environment, read_file)
    if application and not password and application.user in (user, user or application.user):
        user, password = application.user, application.password
    user = user or "postgres"
    return {"user": user, "password": password, "name": (application.name if application else "") or name or user}


def resolve_database_credentials(facts: StackFacts, database: str, application: str | None) -> dict[str, str]:
    """Return the credentials of a database service, completed by the connection of the application if it uses it."""
    service = Service(database, facts)
    services = {name: Service(name, facts) for name in facts.config["services"]}
    client = Service(application, facts).environment if application else {}
    return extract_database_credentials(
        service.config,
        lambda path: facts.read_file(database, path),
        image_environment=service.image_environment,
        application=find_application_connection(client, {*service.names, *find_pooler_hosts(services, database)}),
    )


def find_application_connection(environment: t.Mapping[str, str], hosts: t.Collection[str]) -> DatabaseUrl | None:
    """Return how an application connects to one of these host names, in lower case; None when it does not say.

    Reads variables with a URL, or variables such as DB_HOST, DB_NAME, DB_USER and DB_PASSWORD. Variables for tests come
    last.
    """
    found = []
    for variable, value in environment.items():
        url = parse_database_url(value) or _connection_by_parts(environment, variable, value)
        if url and url.host.lower() in hosts:
            rank = (bool(_TEST_VARIABLE.search(variable)), "://" not in value, "DATABASE" not in variable.upper())
            found.append((*rank, variable, url))
    return min(found, key=lambda item: item[:4])[4] if found else None


def _connection_by_parts(environment: t.Mapping[str, str], variable: str, value: str) -> DatabaseUrl | None:
    suffix = _HOST_SUFFIX.search(variable)
    host, port = split_host_and_port(value)
    if not suffix or not host:
        return None

    prefix = variable[: suffix.start()]

    def part(*names: str) -> str:
        variables = (prefix + joint + name for name in names for joint in ("_", ""))
        return next((environment[item] for item in variables if environment.get(item)), "")

    name, user = part("DATABASE", "NAME", "DB", "DBNAME", "DB_NAME"), part("USER", "USERNAME")
    return DatabaseUrl(host, port, user, part("PASSWORD", "PASS", "PWD"), name) if name or user else None


def build_container_masker(containers: t.Iterable[t.Mapping[str, t.Any]], secrets: t.Iterable[str] = ()) -> Masker:
    """Return a masker of the secrets in the environments of containers, and of further secrets."""
    environments = [dict(v.partition("=")[::2] for v in c["Config"]["Env"] or []) for c in containers]
    return Masker.of_environments(environments, secrets)
