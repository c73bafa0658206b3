# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""Ask Compose and Docker everything about one project, in few calls, and describe it."""

from __future__ import annotations

import collections
import contextlib
import datetime
import itertools
import json
import os
import re
import shlex
import typing as t
import urllib.parse

from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError
from ansible_collections.localdev.recovery.plugins.module_utils._core.masking import Masker
from ansible_collections.localdev.recovery.plugins.module_utils._docker.cli import (
    Completed,
    Docker,
    Project,
    in_parallel,
)
from ansible_collections.localdev.recovery.plugins.module_utils._docker.compose_values import unescaped
from ansible_collections.localdev.recovery.plugins.module_utils._stack import describe as discovery
from ansible_collections.localdev.recovery.plugins.module_utils._stack.facts import (
    Choices,
    Engine,
    Facts,
    Json,
    Source,
    label,
)
from ansible_collections.localdev.recovery.plugins.module_utils._stack.facts import Project as ProjectFiles
from ansible_collections.localdev.recovery.plugins.module_utils._stack.state import health_words

COMPOSE_FILES = ("compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml")
OVERRIDE_FILES = (
    "compose.override.yml",
    "compose.override.yaml",
    "docker-compose.override.yml",
    "docker-compose.override.yaml",
)
SOURCE_DEPTH = 3
# A folder with more entries than this is data, not source.
MAX_ENTRIES = 2000
# Nor does a source need more than this to be recognised.
MAX_FILES = 20000
SKIPPED_FOLDERS = frozenset(
    ("node_modules", "venv", "__pycache__", "site-packages", "dist", "build", "data", "backups")
)
CODE_FILES = frozenset(
    {"pyproject.toml", "setup.py", "requirements.txt", "Pipfile", "manage.py", "alembic.ini", "package.json"}
    | {"index.html", "go.mod", "Cargo.toml", "Gemfile", "pom.xml", "composer.json", "Dockerfile", "Makefile"}
)
CODE_SUFFIXES = (".py", ".js", ".ts", ".tsx", ".jsx", ".go", ".rb", ".rs", ".java", ".php", ".vue", ".svelte")
# A longer secret is a key or a certificate, which no command line shows.
MAX_SECRET_BYTES = 1024


def gather(
    docker: Docker,
    *,
    database_service: str = "",
    application_service: str = "",
    excluded_services: t.Iterable[str] = (),
    live: bool = True,
) -> Json:
    """The description of the project of docker; see discovery.describe. live=False asks no daemon."""
    facts = read_facts(docker, live=live)
    choices = Choices(database_service, application_service, tuple(excluded_services))
    return discovery.describe(facts, choices)


def compose_config(docker: Docker) -> Json:
    """The project as ``docker compose config`` resolves it, ``$$`` unescaped, services of all profiles included.

    It holds secrets. Needs no daemon.
    """
    return t.cast("Json", unescaped(compose_document(docker)))


def compose_document(docker: Docker) -> Json:
    """The same with Compose's own escapes, so that Compose can read it again."""
    return _config(docker)[0]


def build_masker(config: Json) -> Masker:
    """Knows the secrets that the output of a build may hold. config: of compose_config or compose_document."""
    services = config["services"].values()
    environments = [dict(service.get("environment") or {}) for service in services]
    for service in services:
        arguments = (service.get("build") or {}).get("args") or {}
        environments.append({name: str(value) for name, value in arguments.items() if value is not None})
    return Masker.of_environments(environments, _secret_values(config))


def read_facts(docker: Docker, *, live: bool = True) -> Facts:
    """Everything that discovery.describe needs, read in two rounds of parallel calls."""
    project = _project(docker)
    calls: list[t.Callable[[], t.Any]] = [
        lambda: _config(docker),
        lambda: _plain_version(docker.run("compose", "version", "--short").stdout),
    ]
    if live:
        calls += [lambda: _engine(docker), lambda: _container_ids(docker)]
    (document, warnings), compose_version, *answers = in_parallel(_call, calls)
    config = unescaped(document)
    enabled = _enabled(docker, document)
    directory, files, env_files, profiles = _files(project)
    facts: dict[str, t.Any] = {
        "config": config,
        "project": ProjectFiles(directory, files, env_files, profiles, enabled),
        "engine": Engine(compose_version=compose_version),
        "live": live,
        "warnings": warnings,
    }
    if live:
        engine, ids = answers
        containers, images, volumes, hashes = in_parallel(
            _call,
            [
                lambda: _containers(docker, ids.get(config["name"], [])),
                lambda: docker.inspect("image", _images(config)),
                lambda: docker.inspect("volume", _volumes(config)),
                lambda: _hashes(docker, document, enabled),
            ],
        )
        facts["engine"] = Engine(
            _plain_version(str((engine.get("Server") or {}).get("Version", ""))),
            compose_version,
            _engine_host(docker, engine),
            _reaches_containers(engine),
        )
        facts.update(
            containers=containers,
            images=images,
            volumes=volumes,
            hashes=hashes,
            now=datetime.datetime.now(datetime.UTC),
        )
    else:
        containers = []
    facts["sources"] = {path: read_source(path) for path in source_paths(config)}
    facts["secrets"] = tuple(_secret_values(config))
    facts["read_file"] = file_reader(config, docker, containers)
    return Facts(**facts)


def database_secrets(docker: Docker, stack: t.Mapping[str, t.Any]) -> dict[str, str]:
    """``user``, ``password`` and ``name`` of the stack's database; see discovery.database_secrets."""
    if not stack["database"]:
        raise RecoveryError(
            "The stack has no database service that could be determined",
            next_command="set stack_database_service",
            details="\n".join(stack["warnings"]),
        )
    names = stack["database"]["service"], discovery.application_of(stack)
    # Compose's configuration alone mostly says it all; only a secret that lies inside the container needs a look there.
    found = discovery.secrets_of(_configured(docker), *names)
    return found if found["password"] else discovery.secrets_of(read_facts(docker), *names)


def last_logs(
    docker: Docker, stack: t.Mapping[str, t.Any], masker: Masker, lines: int, kinds: t.Collection[str] = ()
) -> dict[str, list[str]]:
    """The last log lines, secrets masked, of every service that is not as it should be and has a container.

    A health check that fails has the last word. kinds: services of these kinds count however they are.
    """
    wanted = [
        (name, container)
        for name, service in stack["services"].items()
        if (not service["ok"] or service["kind"] in kinds) and not service["excluded"]
        for container in service["containers"]
    ]

    def read(item: tuple[str, Json]) -> str:
        text = docker.logs(item[1]["id"], lines)
        if item[1]["health"] != "unhealthy":
            return text
        return "\n".join([text, *map(health_words, docker.inspect("container", [item[1]["id"]]))])

    found: dict[str, list[str]] = {}
    for (name, _container), text in zip(wanted, in_parallel(read, wanted), strict=True):
        found.setdefault(name, []).extend(line for line in masker.text(text).splitlines() if line)
    return found


def file_reader(config: Json, docker: Docker, containers: t.Sequence[Json]) -> t.Callable[[str, str], str | None]:
    """A function that reads a file as a service sees it: Compose secret, bind mount, or in its running container."""

    def read(service: str, path: str) -> str | None:
        host_path = container_file(config, service, path)
        if host_path:
            with contextlib.suppress(OSError), open(host_path, encoding="utf-8") as file:
                return file.read()
        for item in containers:
            if label(item, "service") == service and item["State"]["Status"] == "running":
                done = docker.run("exec", item["Id"], "cat", path, check=False)
                return done.stdout if done.returncode == 0 else None
        return None

    return read


def container_file(config: Json, service: str, path: str) -> str | None:
    """The file on this host that a service sees at path, if the configuration says."""
    described = config["services"][service]
    for kind, folder in (("secrets", "/run/secrets"), ("configs", "/")):
        for entry in described.get(kind) or ():
            target = entry.get("target") or entry["source"]
            if os.path.join(folder, target) == path:
                return t.cast("str | None", (config.get(kind) or {}).get(entry["source"], {}).get("file"))
    for mount in described.get("volumes") or ():
        target = str(mount.get("target", "")).rstrip("/")
        if mount.get("type") == "bind" and (path == target or path.startswith(target + "/")):
            return str(mount["source"]) + path[len(target) :]
    return None


def _secret_values(config: Json) -> t.Iterator[str]:
    """Contents of the short secret files of the configuration."""
    secrets = config.get("secrets") or {}
    for name in sorted(secrets):
        try:
            with open(secrets[name].get("file") or "", encoding="utf-8") as file:
                value = file.read(MAX_SECRET_BYTES + 1).strip()
        except (OSError, UnicodeDecodeError):
            continue
        if value and len(value) <= MAX_SECRET_BYTES:
            yield value


def _call(function: t.Callable[[], t.Any]) -> t.Any:
    return function()


def _configured(docker: Docker) -> Facts:
    """What one call of ``docker compose config`` tells."""
    document, warnings = _config(docker)
    config = unescaped(document)
    project = ProjectFiles(*_files(_project(docker)))
    reader = file_reader(config, docker, [])
    return Facts(config=config, project=project, read_file=reader, live=False, warnings=warnings)


def _project(docker: Docker) -> Project:
    if docker.project is None:
        raise ValueError("no project")
    return docker.project


# --- docker compose config ---


def _config(docker: Docker) -> tuple[Json, tuple[str, ...]]:
    """(configuration with the services of every profile, warnings); Compose's own escapes are kept."""
    everything = docker.compose("--profile", "*", "config", "--format", "json", check=False)
    extra: tuple[str, ...] = ()
    if everything.returncode != 0:
        # A mistake in a service that is not enabled must not stop the others.
        enabled = docker.compose("config", "--format", "json", check=False)
        if enabled.returncode != 0:
            raise _config_error(docker, enabled)
        complaint = _last_line(everything.stderr)
        extra = (f"Services of inactive profiles are left out, for Compose cannot read them: {complaint}",)
        everything = enabled
    document = json.loads(everything.stdout)
    document.setdefault("services", {})
    return document, (*extra, *compose_warnings(everything.stderr))


def _enabled(docker: Docker, document: Json) -> frozenset[str]:
    """Services of the active profiles; Compose is asked where there are profiles at all."""
    if not any(service.get("profiles") for service in document["services"].values()):
        return frozenset(document["services"])
    done = docker.compose("config", "--services", check=False)
    if done.returncode != 0:
        raise _config_error(docker, done)
    return frozenset(done.stdout.split())


def _config_error(docker: Docker, done: Completed) -> RecoveryError:
    """What is wrong with a Compose file, in words."""
    project = _project(docker)
    known = docker.error(done)
    if known.next_command:
        return known
    compose = shlex.join(["docker", "compose", *project.arguments(), "config", "--quiet"])
    command = f"cd {shlex.quote(project.src)} && {compose}"
    missing = re.search(
        r"open (\S+): no such file or directory|env file (\S+) not found|stat (\S+): no such file", done.stderr
    )
    if missing:
        path = next(group for group in missing.groups() if group)
        return RecoveryError(
            f"The Compose project in {project.src} needs the file {path}, which does not exist", next_command=command
        )
    return RecoveryError(
        f"Compose cannot read the project in {project.src}: {_last_line(done.stderr)}", next_command=command
    )


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip() and "level=warning" not in line]
    return lines[-1] if lines else text.strip()


def compose_warnings(stderr: str) -> tuple[str, ...]:
    """Warnings that Compose printed, without the one about the obsolete version attribute."""
    found = []
    for line in stderr.splitlines():
        match = re.search(r'level=warning msg="((?:[^"\\]|\\.)*)"', line)
        text = match.group(1).replace('\\"', '"') if match else ""
        if text and "is obsolete" not in text:
            found.append(f"Compose: {text}")
    return tuple(dict.fromkeys(found))


def _hashes(docker: Docker, document: Json, enabled: frozenset[str]) -> dict[str, str]:
    """Service -> hash that Compose would label a new container with.

    Compose 2.22 and newer leave env_file out of ``config --hash``, though not out of the label; hashing the resolved
    configuration puts it back. So does leaving out optional dependencies on services that are not enabled.
    """
    services = {}
    for name, service in document["services"].items():
        depends_on = {
            other: rule
            for other, rule in (service.get("depends_on") or {}).items()
            if name not in enabled or other in enabled or rule.get("required", True)
        }
        services[name] = (
            {**service, "depends_on": depends_on}
            if depends_on
            else {key: value for key, value in service.items() if key != "depends_on"}
        )
    done = docker.run(
        *("compose", "--file", "-", "--profile", "*", "config", "--hash", "*"),
        stdin=json.dumps({**document, "services": services}),
        check=False,
    )
    # A Compose that cannot do this says nothing about staleness; nothing else depends on it.
    return dict(line.split() for line in done.stdout.splitlines() if len(line.split()) == 2)


# --- files ---


def _files(project: Project) -> tuple[str, tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    """(project folder, Compose files, env files, active profiles) by Compose's own rules, all absolute."""
    settings: dict[str, str] = {}
    for env_file in project.env_files or (".env",):
        settings.update(_dotenv(os.path.join(project.src, env_file)))
    settings.update(os.environ)
    separator = settings.get("COMPOSE_PATH_SEPARATOR") or os.pathsep
    files = list(project.files) or [item for item in settings.get("COMPOSE_FILE", "").split(separator) if item]
    paths = [os.path.normpath(os.path.join(project.src, item)) for item in files] or _default_files(project.src)
    directory = project.src if project.files or not paths else os.path.dirname(paths[0])
    env_files = [os.path.normpath(os.path.join(project.src, item)) for item in project.env_files]
    if not env_files:
        env_files = [path for path in [os.path.join(directory, ".env")] if os.path.isfile(path)]
    profiles = set(project.profiles) or {
        item.strip() for item in settings.get("COMPOSE_PROFILES", "").split(",") if item.strip()
    }
    return directory, tuple(paths), tuple(env_files), tuple(sorted(profiles))


def compose_files(project: Project) -> tuple[str, ...]:
    """The Compose files of a project, absolute, without what they extend or include. Asks nobody."""
    return _files(project)[1]


def _default_files(folder: str) -> list[str]:
    """Compose looks in the folder, then in its parents, for a file and the override beside it."""

    def present(names: t.Iterable[str]) -> list[str]:
        return [path for path in (os.path.join(folder, name) for name in names) if os.path.isfile(path)]

    while not (found := present(COMPOSE_FILES)):
        parent = os.path.dirname(folder)
        if parent == folder:
            return []
        folder = parent
    return [found[0], *present(OVERRIDE_FILES)[:1]]


def _dotenv(path: str) -> dict[str, str]:
    """The COMPOSE_* settings of an env file; values that need interpolation are beyond it."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            lines = file.read().splitlines()
    except OSError:
        return {}
    found = (re.match(r"\s*(?:export\s+)?(COMPOSE_\w+)\s*=\s*(.*?)\s*$", line) for line in lines)
    return {match.group(1): match.group(2).strip("'\"") for match in found if match}


def source_paths(config: Json) -> list[str]:
    """Host paths that services are built from or mount."""
    paths = set()
    for service in config["services"].values():
        context = str((service.get("build") or {}).get("context") or "")
        paths.add(context)
        paths |= {str(mount.get("source", "")) for mount in service.get("volumes") or () if mount.get("type") == "bind"}
    return sorted(path for path in paths if path.startswith("/"))


def read_source(path: str) -> Source:
    """Look at a host path for code and Alembic configurations."""
    if not os.path.exists(path):
        return Source(exists=False)
    if not os.path.isdir(path):
        return Source(folder=False)
    found: list[tuple[int, str]] = []
    code = False
    seen = 0
    # Breadth first, so that a limit cuts off the deep ends.
    ahead = collections.deque([(path, 0)])
    while ahead:
        folder, depth = ahead.popleft()
        entries = _entries(folder)
        seen += len(entries)
        if seen > MAX_FILES:
            break
        for entry in entries:
            if entry.is_file():
                code = code or (depth <= 1 and (entry.name in CODE_FILES or entry.name.endswith(CODE_SUFFIXES)))
                if _configures_alembic(entry.name, entry.path):
                    found.append((depth, os.path.relpath(entry.path, path)))
            elif depth < SOURCE_DEPTH and _may_hold_source(entry):
                ahead.append((entry.path, depth + 1))
    return Source(code=code, alembic=tuple(name for _rest, name in sorted(found)))


def _entries(folder: str) -> list[os.DirEntry[str]]:
    """What is in a folder; nothing when it cannot be read or is too full to be source."""
    try:
        with os.scandir(folder) as entries:
            listed = list(itertools.islice(entries, MAX_ENTRIES + 1))
    except OSError:
        return []
    return sorted(listed, key=lambda entry: entry.name) if len(listed) <= MAX_ENTRIES else []


def _may_hold_source(entry: os.DirEntry[str]) -> bool:
    return entry.name not in SKIPPED_FOLDERS and not entry.name.startswith(".") and entry.is_dir(follow_symlinks=False)


def _configures_alembic(name: str, path: str) -> bool:
    if name == "alembic.ini":
        return True
    if name != "pyproject.toml":
        return False
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return bool(re.search(r"^\s*\[tool\.alembic\]", file.read(), re.M))
    except OSError:
        return False


# --- the engine ---


def _engine(docker: Docker) -> Json:
    return t.cast("Json", docker.json("version", "--format", "{{json .}}"))


def _plain_version(version: str) -> str:
    """A version without what distributions put around it: ``20.10.24+dfsg1`` and ``v2.26.1-4`` become numbers."""
    match = re.search(r"\d+(\.\d+)*", version)
    return match.group(0) if match else version.strip()


def _engine_host(docker: Docker, engine: Json) -> str:
    """The host name of a remote engine, else this machine."""
    address = os.environ.get("DOCKER_HOST", "")
    context = (engine.get("Client") or {}).get("Context") or "default"
    if not address and context != "default":
        found = docker.json("context", "inspect", context)
        address = ((found[0].get("Endpoints") or {}).get("docker") or {}).get("Host", "") if found else ""
    if not address.startswith(("tcp://", "ssh://", "http://", "https://")):
        return "127.0.0.1"
    return urllib.parse.urlsplit(address).hostname or "127.0.0.1"


def _reaches_containers(engine: Json) -> bool:
    """Whether this host can reach container addresses: not where the engine is in a virtual machine or rootless."""
    server = engine.get("Server") or {}
    rootless = any(item.get("Name") == "rootlesskit" for item in server.get("Components") or ())
    return "Docker Desktop" not in str((server.get("Platform") or {}).get("Name")) and not rootless


def _container_ids(docker: Docker) -> dict[str, list[str]]:
    """Project name -> ids of its containers, one-off ones left out. One call, before the project's name is known."""
    text = docker.run(
        *("ps", "--all", "--no-trunc", "--filter", "label=com.docker.compose.project", "--format"),
        '{{.ID}} {{.Label "com.docker.compose.project"}} {{.Label "com.docker.compose.oneoff"}}',
    ).stdout
    found: dict[str, list[str]] = {}
    for line in text.splitlines():
        identity, project, one_off = [*line.split(), "", ""][:3]
        if one_off.lower() != "true":
            found.setdefault(project, []).append(identity)
    return found


def _containers(docker: Docker, ids: t.Sequence[str]) -> list[Json]:
    return docker.inspect("container", ids)


def _images(config: Json) -> list[str]:
    return sorted(
        {str(service.get("image") or f"{config['name']}-{name}") for name, service in config["services"].items()}
    )


def _volumes(config: Json) -> list[str]:
    return sorted({str((item or {}).get("name") or key) for key, item in (config.get("volumes") or {}).items()})
