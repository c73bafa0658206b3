# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Hold what was read of a Compose project, and answer questions about one service. Pure."""

from __future__ import annotations

import datetime
import typing as t
from dataclasses import dataclass, field

from ansible_collections.localdev.recovery.plugins.module_utils._docker.image_name import is_same_image
from ansible_collections.localdev.recovery.plugins.module_utils._docker.inspect import (
    get_compose_label,
    parse_environment_list,
)
from ansible_collections.localdev.recovery.plugins.module_utils._stack.description import (
    AlembicSettings,
    build_alembic_settings,
)
from ansible_collections.localdev.recovery.plugins.module_utils._stack.state_place import SYSTEM_PLACE, StatePlace

Json = dict[str, t.Any]
# Reads a file as a service's container sees it; None when it cannot.
ReadFile = t.Callable[[str], "str | None"]
DATABASE_DIRECTORIES = ("/var/lib/postgresql", "/bitnami/postgresql", "/home/postgres/pgdata", "/var/lib/pgsql")


@dataclass(frozen=True)
class SourcePath:
    """A host path that services build from or mount.

    alembic: Alembic configuration files in it, relative, the most likely one first.
    """

    folder: bool = True
    exists: bool = True
    code: bool = False
    alembic: tuple[str, ...] = ()


@dataclass(frozen=True)
class Engine:
    """A Docker engine. host: the machine with its published ports, as seen from the stack's host."""

    version: str = ""
    compose_version: str = ""
    host: str = "127.0.0.1"
    reaches_containers: bool = True
    state_place: StatePlace = SYSTEM_PLACE


@dataclass(frozen=True)
class ProjectFiles:
    """The folder and files of a project. enabled: services of the active profiles; None means all."""

    directory: str
    files: tuple[str, ...] = ()
    env_files: tuple[str, ...] = ()
    profiles: tuple[str, ...] = ()
    enabled: frozenset[str] | None = None


@dataclass(frozen=True)
class Choices:
    """A user's answers to what the configuration leaves open: services, and how the project runs Alembic."""

    database_service: str = ""
    application_service: str = ""
    excluded_services: tuple[str, ...] = ()
    alembic: AlembicSettings | None = None

    @classmethod
    def from_params(cls, params: t.Mapping[str, t.Any]) -> Choices:
        return cls(
            database_service=params.get("database_service") or "",
            application_service=params.get("application_service") or "",
            excluded_services=tuple(params.get("excluded_services") or ()),
            alembic=build_alembic_settings(params),
        )


@dataclass(frozen=True)
class StackFacts:
    """A collection of all that was read of a project. config: ``docker compose config``, ``$$`` unescaped.

    Containers, images and volumes are docker inspect's. live: whether the engine was read. hashes: service ->
    configuration hash as Compose would label it now. read_file: (service, path in its container) -> text. secrets:
    contents of secret files, to be masked. now: when the containers were inspected. contexts: service -> its build
    context, where it was read.
    """

    config: Json
    project: ProjectFiles
    engine: Engine = Engine()
    containers: t.Sequence[Json] = ()
    images: t.Sequence[Json] = ()
    volumes: t.Sequence[Json] = ()
    sources: t.Mapping[str, SourcePath] = field(default_factory=dict)
    hashes: t.Mapping[str, str] = field(default_factory=dict)
    read_file: t.Callable[[str, str], str | None] = lambda service, path: None
    secrets: tuple[str, ...] = ()
    live: bool = True
    now: datetime.datetime | None = None
    contexts: t.Mapping[str, BuildContext] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()


class Service:
    """A service of the project. Each fact is computed when it is read."""

    def __init__(self, name: str, facts: StackFacts) -> None:
        self.name = name
        self.config: Json = facts.config["services"][name]
        self.enabled = facts.project.enabled is None or name in facts.project.enabled
        self.image = self.config.get("image") or f"{facts.config['name']}-{name}"
        self.image_facts: Json | None = next((item for item in facts.images if is_same_image(self.image, item)), None)
        self.containers = sorted(
            (item for item in facts.containers if get_compose_label(item, "service") == name),
            key=lambda item: str(item["Name"]),
        )
        self.build: Json | None = self.config.get("build")
        # Without the image at hand, a container still knows what the image set.
        inherited = self.image_config if self.image_facts or not self.containers else self.containers[0]["Config"]
        self.environment = {
            **parse_environment_list(inherited.get("Env")),
            **{key: str(value) for key, value in (self.config.get("environment") or {}).items() if value is not None},
        }
        self.depends_on: dict[str, str] = {
            other: rule.get("condition", "service_started")
            for other, rule in sorted((self.config.get("depends_on") or {}).items())
        }
        self.restarts_with = sorted(
            other for other, rule in (self.config.get("depends_on") or {}).items() if rule.get("restart")
        )
        self.image_name = self.image.partition("@")[0].rpartition("/")[2].partition(":")[0]

    @property
    def running(self) -> Json | None:
        """Return its first running container. A restarting one does not count, although Docker calls it running."""
        return next((item for item in self.containers if item["State"].get("Status") == "running"), None)

    @property
    def image_environment(self) -> dict[str, str]:
        return parse_environment_list(self.image_config.get("Env"))

    @property
    def image_config(self) -> Json:
        return ((self.image_facts or {}).get("Config")) or {}

    @property
    def names(self) -> set[str]:
        """Return the host names under which other services reach it, in lower case."""
        names = {self.name, self.config.get("container_name"), self.config.get("hostname")}
        for network in (self.config.get("networks") or {}).values():
            names |= set((network or {}).get("aliases") or ())
        return {str(name).lower() for name in names if name}

    @property
    def replaced_command(self) -> list[str] | None:
        """Return the command or entry point that Compose puts in place of the image's, or None."""
        entrypoint = self.config.get("entrypoint")
        command = self.config.get("command")
        if entrypoint and entrypoint != self.image_config.get("Entrypoint"):
            return [*entrypoint, *(command or ())]
        if command and command != self.image_config.get("Cmd"):
            return list(command)
        return None

    @property
    def command_words(self) -> list[str]:
        """Return entry point and command of the service, as far as the configuration and the image say."""
        entrypoint = self.config.get("entrypoint")
        command = self.config.get("command")
        if entrypoint is None:
            entrypoint = self.image_config.get("Entrypoint")
            # Like Docker: a new entry point drops the image's command.
            command = self.image_config.get("Cmd") if command is None else command
        return [*(entrypoint or ()), *(command or ())]

    @property
    def entrypoint_words(self) -> list[str]:
        """Return the entry point of the service, of the configuration or else of the image."""
        entrypoint = self.config.get("entrypoint")
        return list(self.image_config.get("Entrypoint") or () if entrypoint is None else entrypoint)

    @property
    def command_text(self) -> str:
        return " ".join(self.command_words)

    @property
    def mount_targets(self) -> list[str]:
        return [str(mount["target"]) for mount in self.config.get("volumes") or () if mount.get("target")]

    @property
    def source_folders(self) -> list[str]:
        """Return host folders that its code may come from: bind mounts first, for the build context may be older."""
        mounted = [str(mount["source"]) for mount in self.config.get("volumes") or () if mount.get("type") == "bind"]
        return list(dict.fromkeys([*mounted, *self.build_folders]))

    @property
    def build_folders(self) -> list[str]:
        """Return its build context, if it has one."""
        return [str(self.build["context"])] if self.build and self.build.get("context") else []

    @property
    def publishes(self) -> bool:
        return bool(self.config.get("ports"))


@dataclass(frozen=True)
class ContextFile:
    """A file of a build context. path: relative to it. modified, status_changed: seconds since the epoch.

    status_changed: the POSIX ctime, which also counts changes of times, owner and name, and cannot be set back.
    image_path: where the image has the file, or ''.
    """

    path: str
    modified: float
    status_changed: float
    image_path: str = ""
    digest: str = ""


@dataclass(frozen=True)
class BuildContext:
    """A build context as a service's image would hold it.

    created: when the image was made, seconds since the epoch. dockerfile: its path in the context. only_plain_copies:
    whether a file without an image path is certainly not in the image. digests: image path -> digest in a running
    container of that image; None where no container could be read. edited: image paths that the container has changed
    since it was created. history_matches: whether the image was built by these instructions; None: not known.
    complete: whether files lists all files of the context.
    """

    created: float
    dockerfile: str
    files: tuple[ContextFile, ...]
    only_plain_copies: bool
    digests: t.Mapping[str, str] | None = None
    edited: frozenset[str] = frozenset()
    history_matches: bool | None = None
    complete: bool = True
