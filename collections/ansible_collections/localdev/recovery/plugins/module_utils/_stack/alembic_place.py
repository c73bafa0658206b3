# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Find where and how a project runs Alembic, by its sources and by the commands of its services. Pure."""

from __future__ import annotations

import os
import re
import shlex
import typing as t

from ansible_collections.localdev.recovery.plugins.module_utils._core.masking import Masker
from ansible_collections.localdev.recovery.plugins.module_utils._docker.shell_command import list_programs, split_script
from ansible_collections.localdev.recovery.plugins.module_utils._stack.application_service import (
    build_code_key,
    find_alembic_sources,
    find_builder,
)
from ansible_collections.localdev.recovery.plugins.module_utils._stack.classify import MIGRATION_PATTERN, ServiceRoles
from ansible_collections.localdev.recovery.plugins.module_utils._stack.description import (
    AlembicDescription,
    AlembicSettings,
    build_alembic_settings,
)
from ansible_collections.localdev.recovery.plugins.module_utils._stack.facts import Choices, Service, StackFacts

# Alembic's commands of tools that only developers start.
_OTHER_COMMANDS = re.compile(r"\b(alembic|db)\b.*\b(revision|downgrade|merge|check|history|current|migrate)\b")
# Programs of a migration service that change nothing.
_WAITING_PROGRAMS = frozenset(
    {"sleep", "until", "while", "done", "pg_isready", "wait-for-it.sh", "wait-for", "wait-for-it", "dockerize", "nc"}
    | {"echo", "set", "cd", "exit", "true"}
)


class _HowAlembicRuns(t.TypedDict):
    settings: AlembicSettings
    entrypoint: list[str]
    command: list[str]
    migration_service: str | None


def _list_simple_commands(command: t.Sequence[str]) -> list[list[str]]:
    """Return the words of each simple command, also of a script that a shell gets as one word."""
    return split_script(command[-1] if len(command) > 1 and " " in command[-1] else shlex.join(command))


def list_upgraded_sections(command: t.Sequence[str]) -> list[str]:
    """Return the sections that a command upgrades by ``alembic -n``, in its order."""
    found = []
    for words in _list_simple_commands(command):
        start = next((index for index, word in enumerate(words) if os.path.basename(word) == "alembic"), None)
        if start is None or "upgrade" not in words[start:]:
            continue
        options = words[start + 1 : words.index("upgrade", start)]
        for index, word in enumerate(options):
            name = (
                options[index + 1 : index + 2] if word in ("-n", "--name") else [word[7:]] * word.startswith("--name=")
            )
            found += [item for item in name if item not in found]
    return found


def _choose_sections(service: Service, services: t.Mapping[str, Service]) -> list[str]:
    """Return the sections that the services with this service's code upgrade, empty if they name none."""
    key = build_code_key(service, services)
    found: list[str] = []
    for _name, other in sorted(services.items()):
        if other.enabled and build_code_key(other, services) == key:
            found += [section for section in list_upgraded_sections(other.command_words) if section not in found]
    return found


def _only_upgrades(command: t.Sequence[str]) -> bool:
    """Return whether a command does no more than ``alembic upgrade``, after waiting for the server."""
    for words in _list_simple_commands(command):
        if re.search(r"\b(alembic|flask\s+db)\b.*\bupgrade\b", " ".join(words)):
            # The rest runs when the service itself starts.
            return True
        if not set(list_programs(words)) <= _WAITING_PROGRAMS:
            return False
    return True


def _find_migration_service(services: t.Mapping[str, Service], roles: ServiceRoles, choices: Choices) -> str | None:
    """Return the only one-shot service that migrates by a program of the project; None if Alembic's command is all."""
    found = [
        name
        for name, kind in sorted(roles.kinds.items())
        if kind == "migration"
        and roles.application
        and services[name].enabled
        and name not in choices.excluded_services
        and MIGRATION_PATTERN.search(services[name].command_text)
        and not _OTHER_COMMANDS.search(services[name].command_text)
        and build_code_key(services[name], services) == build_code_key(services[roles.application], services)
        and not _only_upgrades(services[name].command_words)
    ]
    return found[0] if len(found) == 1 else None


def locate_alembic(
    facts: StackFacts, services: t.Mapping[str, Service], roles: ServiceRoles, choices: Choices, masker: Masker
) -> AlembicDescription | None:
    """Return where and how to run Alembic; None where no service has it."""
    if not roles.alembic:
        return None
    service = services[roles.alembic]
    entrypoint = service.entrypoint_words
    settings = choices.alembic or build_alembic_settings({})
    how: _HowAlembicRuns = {
        "settings": {**settings, "section": settings["section"] or _choose_sections(service, services)},
        "entrypoint": entrypoint if masker.mask_command(entrypoint) == entrypoint else [],
        "command": service.command_words if masker.mask_command(service.command_words) == service.command_words else [],
        "migration_service": _find_migration_service(services, roles, choices),
    }
    found = find_alembic_sources(service, services, facts)
    if found:
        folder, config = found[0]
        origin = "is built from" if folder in find_builder(service, services).build_folders else "mounts"
        return {
            "service": service.name,
            "config": config,
            "source": folder,
            "why": f"{service.name} {origin} {folder}, which has {config}",
            **how,
        }
    if re.search(r"\balembic\b", service.command_text):
        why = f"the command of {service.name} runs Alembic"
    else:
        why = f"stack_application_service names {service.name}"
    return {"service": service.name, "config": None, "source": None, "why": why, **how}
