# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Throw-away copies of the reference stack, and what tests do to them.

A copy has its own folder, project, container names, ports, volumes and secrets, so that it runs beside any stack that
somebody is using, and leaves nothing behind.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import os
import re
import secrets
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
import typing as t
from dataclasses import dataclass
from pathlib import Path

import psycopg

ROOT = Path(__file__).resolve().parent.parent
EXAMPLE = ROOT / "examples" / "residency-scheduler"
# Images are built once under this project name and tagged for every copy.
IMAGES_PROJECT = "localdev-test-images"
BUILT = ("backend", "celery-worker", "celery-beat", "frontend", "n8n")
# The smallest part of the stack that a rebuild can be proved on; tests of what concerns one service take it.
LEAN = ("db", "redis", "backend")
WORKERS = ("celery-beat", "celery-worker", "frontend", "n8n")
VARIANTS = {"pg15": "999", "pg15-uid70": "70", "pg17": "999"}
# How the reference stack's application checks passwords, for the procedure that mends the administrator's account.
ACCOUNT = {
    "stack_account_path": "/api/v1/auth/me",
    "stack_password_hash": "app.core.security:get_password_hash",
    "stack_password_verify": "app.core.security:verify_password",
}
RUN_LABEL = "localdev.recovery.run"
# Ends what hangs, and measures nothing: machines differ, and share themselves among tests.
HANGS_S = 1200.0
# Processes of a run are found by this variable in their environment: Ansible's workers leave the process group.
TOKEN = "LOCALDEV_TEST_RUN"

# Of each table: name, number of rows, digest of the rows in their own order; the same for sequences; the databases.
FINGERPRINT = r"""
SELECT format('SELECT %L, count(*), md5(coalesce(string_agg(t::text, E''\n'' ORDER BY t::text), '''')) FROM %I.%I t',
              schemaname || '.' || tablename, schemaname, tablename)
FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')
UNION ALL
SELECT format('SELECT %L, 1, last_value::text FROM %I.%I', schemaname || '.' || sequencename, schemaname, sequencename)
FROM pg_sequences
ORDER BY 1 \gexec
SELECT 'databases', string_agg(datname, ' ' ORDER BY datname) FROM pg_database;
"""

# What no migration and no seed would ever make: rows in the application's tables, odd values, a table of its own, a
# second database, deletions.
PLANTED = """
CREATE TABLE planted (id serial PRIMARY KEY, words text, number numeric, moment timestamptz, bytes bytea, list int[]);
INSERT INTO planted (words, number, moment, bytes, list)
SELECT md5(random()::text) || E'\\n\\t\\\\\u00e9', random() * 1e12, now() - random() * interval '900 days',
       decode(md5(random()::text), 'hex'), ARRAY[n, NULL, -n]
FROM generate_series(1, 2000) n;
INSERT INTO planted (words) VALUES (NULL), (''), ('\\N');
DELETE FROM planted WHERE id % 7 = 0;
CREATE TABLE "Odd ""na me" AS SELECT 1 AS "select";
CREATE DATABASE planted_beside;
"""
PLANTED_IN_APPLICATION = (
    "INSERT INTO audit_log (actor, action) SELECT 'planted', 'row ' || n FROM generate_series(1, 50) n;"
)


class NoDocker(Exception):
    """There is no engine to test with."""


def run(*command: str, check: bool = True, **options: t.Any) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(command, capture_output=True, text=True, timeout=HANGS_S, check=False, **options)
    if check and done.returncode != 0:
        raise AssertionError(f"{' '.join(command)[:400]}: exit code {done.returncode}\n{done.stdout}\n{done.stderr}")
    return done


def docker(*arguments: str, check: bool = True, **options: t.Any) -> str:
    return run("docker", *arguments, check=check, **options).stdout.strip()


def need_docker() -> None:
    """Tests that need an engine fail without one: a skipped proof proves nothing."""
    try:
        done = run("docker", "version", "--format", "{{.Server.Version}}", check=False)
    except FileNotFoundError:
        raise NoDocker("these tests need Docker, and there is no docker command here") from None
    if done.returncode != 0:
        raise NoDocker(f"these tests need a Docker engine: {done.stderr.strip()}")


def until(condition: t.Callable[[], t.Any], what: str) -> t.Any:
    """Poll a condition until it is true; its value."""
    deadline = time.monotonic() + HANGS_S
    while not (value := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(f"{what}: not within {HANGS_S:g} s")
        time.sleep(0.1)
    return value


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on, below the range from which the kernel takes ports for outgoing connections."""
    found: list[int] = []
    while len(found) < count:
        port = 20000 + secrets.randbelow(12000)
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
            if port not in found:
                found.append(port)
    return found


def processes_with(token: str) -> list[int]:
    """Ids of the processes that inherited a token, newest first."""
    marker = f"{TOKEN}={token}".encode()
    found = []
    for entry in os.listdir("/proc"):
        if entry.isdigit() and int(entry) != os.getpid():
            with contextlib.suppress(OSError), open(f"/proc/{entry}/environ", "rb") as handle:
                if marker in handle.read().split(b"\0"):
                    found.append(int(entry))
    return sorted(found, reverse=True)


def base_images(variant: str = "pg15") -> dict[str, str]:
    """Variable of an env file, such as POSTGRES_IMAGE -> image; what is missing is built."""
    answer = run(str(EXAMPLE / "prepare"), "--variant", variant, "--images-only")
    return dict(line.split("=", 1) for line in answer.stdout.splitlines() if "_IMAGE=" in line)


@functools.cache
def build_images() -> dict[str, str]:
    """Build the stack's own images once: service -> image id."""
    with tempfile.TemporaryDirectory(prefix="localdev-images-") as folder:
        copy = copy_example(Path(folder))
        run(str(copy / "prepare"), cwd=copy)
        docker(
            "compose", "--project-name", IMAGES_PROJECT, "--project-directory", str(copy), "build", "--quiet",
        )  # fmt: skip
    return {name: docker("image", "inspect", "--format", "{{.Id}}", f"{IMAGES_PROJECT}-{name}") for name in BUILT}


def copy_example(parent: Path) -> Path:
    leave = shutil.ignore_patterns(".env", ".localdev", "data", "backups", "__pycache__", ".pytest_cache", ".git")
    return Path(shutil.copytree(EXAMPLE, parent / "stack", ignore=leave, symlinks=True))


@dataclass(frozen=True)
class Result:
    """What a playbook run answered."""

    rc: int
    output: str
    seconds: float

    @property
    def text(self) -> str:
        """The output as one line of words: Ansible wraps and escapes messages as it likes."""
        return re.sub(r"\s+", " ", self.output.replace("\\n", " "))


class Running:
    """A playbook that is running, or that stands still at a point that a test has named."""

    def __init__(self, process: subprocess.Popen[bytes], token: str, log: Path, stack: Stack) -> None:
        self.process = process
        self.token = token
        self.log = log
        self.stack = stack
        self.began = time.monotonic()

    def output(self) -> str:
        return self.log.read_text(errors="replace")

    def wait(self) -> Result:
        try:
            rc = self.process.wait(HANGS_S)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"the playbook did not end within {HANGS_S:g} s:\n{self.output()}") from None
        return Result(rc, self.output(), time.monotonic() - self.began)

    @property
    def held(self) -> Path:
        return self.stack.dir / ".localdev" / "held"

    def wait_held(self, point: str) -> None:
        """Wait until the run stands still at the point."""

        def reached() -> bool:
            if self.process.poll() is not None:
                raise AssertionError(f"the run ended before it reached {point}:\n{self.output()}")
            return self.held.is_file() and self.held.read_text().strip() == point

        until(reached, f"reaching {point}")

    def go_on(self) -> None:
        """Let a run that stands still continue."""
        self.held.unlink()

    def kill(self) -> None:
        """SIGKILL to the controller and to everything that it has started on this machine."""
        deadline = time.monotonic() + HANGS_S
        while left := processes_with(self.token):
            assert time.monotonic() < deadline, f"processes {left} do not die"
            for pid in left:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            self.process.poll()
        self.process.wait()

    def kill_controller_alone(self) -> None:
        """SIGKILL to ansible-playbook itself; its worker and module live on."""
        self.process.kill()
        self.process.wait()


class Shim:
    """A docker command that does something else first, once, when it is called in a certain way.

    pattern: of the shell, held against all arguments. action: arguments of docker.
    """

    def __init__(self, folder: Path, pattern: str, action: str) -> None:
        self.folder = folder / f"shim-{secrets.token_hex(4)}"
        self.folder.mkdir()
        docker_itself = shutil.which("docker")
        script = self.folder / "docker"
        script.write_text(
            f'#!/bin/sh\ncase "$*" in {pattern.replace(" ", "?")})\n'
            f"    [ -e {self.folder}/fired ] || {{\n"
            f"        : > {self.folder}/fired\n"
            f"        {docker_itself} {action} >/dev/null 2>&1\n"
            f'    }} ;;\nesac\nexec {docker_itself} "$@"\n'
        )
        script.chmod(0o755)
        self.environment = {"PATH": f"{self.folder}:{os.environ['PATH']}"}

    def fired(self) -> bool:
        return (self.folder / "fired").exists()


class Stack:
    """One copy of the reference stack."""

    def __init__(
        self,
        mounts: str = "named",
        variant: str = "pg15",
        services: t.Sequence[str] = LEAN,
        started: t.Sequence[str] = (),
    ) -> None:
        """mounts: ``named`` or ``bind``. services: those that procedures act on; the others are excluded.

        started: the services that run in the beginning, when not all of them.
        """
        self.mounts = mounts
        self.variant = variant
        self.services = tuple(services)
        self.started = sorted(started or services)
        self.old: dict[str, str] = {}
        self.name = f"ldt-{secrets.token_hex(4)}"
        self.parent = Path(tempfile.mkdtemp(prefix=f"{self.name}-"))
        self.dir = copy_example(self.parent)
        self.inventory = self.parent / "inventory.yml"
        self._tokens: list[str] = []
        run(str(self.dir / "prepare"), "--variant", variant, cwd=self.dir)
        self.ports = dict(
            zip(("BACKEND_PORT", "FRONTEND_PORT", "POSTGRES_PORT", "REDIS_PORT"), map(str, free_ports(4)), strict=True)
        )
        self.set_env(
            COMPOSE_PROJECT_NAME=self.name,
            CONTAINER_PREFIX=self.name,
            ADMIN_PASSWORD=f"Aa1!{secrets.token_hex(12)}",
            **self.ports,
        )
        self.tag_images()
        self.write_inventory()

    # configuration

    @property
    def files(self) -> list[str]:
        return ["docker-compose.local.yml"] if self.mounts == "bind" else []

    @property
    def data(self) -> str:
        """Name of the volume, or path of the folder, that holds the cluster."""
        return f"{self.dir}/data/postgres" if self.mounts == "bind" else f"{self.name}_postgres_data"

    def env(self) -> dict[str, str]:
        lines = (self.dir / ".env").read_text().splitlines()
        return dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))

    def set_env(self, **values: str) -> None:
        path = self.dir / ".env"
        kept = [line for line in path.read_text().splitlines() if line.partition("=")[0] not in values]
        path.write_text("\n".join([*kept, *(f"{name}={value}" for name, value in values.items())]) + "\n")

    def secrets(self) -> list[str]:
        env = self.env()
        return [env[name] for name in ("DB_PASSWORD", "SECRET_KEY", "ADMIN_PASSWORD")]

    def tag_images(self) -> None:
        for service, image in build_images().items():
            docker("tag", image, f"{self.name}-{service}")

    def write_inventory(self, **variables: t.Any) -> None:
        """The smallest inventory for this stack; JSON is YAML."""
        password = "{{ lookup('ansible.builtin.ini', 'ADMIN_PASSWORD', type='properties', file=stack_dir ~ '/.env') }}"
        tables = {"people": ("people", 28), "blocks": ("blocks", 730), "templates": ("rotation_templates", 32)}
        described = {
            "stack_dir": str(self.dir),
            "stack_compose_files": self.files,
            "stack_excluded_services": sorted({*LEAN, *WORKERS} - set(self.services)),
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
            # Nobody waits for the whole two minutes of a service that will never come.
            "stack_ready_timeout": 60,
            **variables,
        }
        host = {"ansible_connection": "local", "ansible_python_interpreter": "{{ ansible_playbook_python }}"}
        inventory = {"stacks": {"hosts": {"localhost": host}, "vars": described}}
        self.inventory.write_text(json.dumps(inventory, indent=2))

    # running

    def compose(self, *arguments: str, check: bool = True, **options: t.Any) -> str:
        files = [part for name in self.files for part in ("--file", name)]
        return docker("compose", *files, *arguments, check=check, cwd=self.dir, **options)

    def start_playbook(
        self,
        name: str,
        *options: str,
        hold: str = "",
        environment: t.Mapping[str, str] | None = None,
        **variables: t.Any,
    ) -> Running:
        """Start a playbook from the checkout. hold: the point at which the run shall stand still for ever."""
        token = secrets.token_hex(8)
        self._tokens.append(token)
        log = self.parent / f"{name}-{token}.log"
        settings = {**os.environ, TOKEN: token, "ANSIBLE_COLLECTIONS_PATH": str(ROOT / "collections"), "COLUMNS": "200"}
        settings |= {"LOCALDEV_RECOVERY_HOLD": hold} if hold else {}
        command = [str(Path(sys.executable).parent / "ansible-playbook"), "--inventory", str(self.inventory)]
        command += [*options, str(ROOT / "playbooks" / f"{name}.yml")]
        if variables:
            command += ["--extra-vars", json.dumps(variables)]
        with log.open("wb") as stream:
            process = subprocess.Popen(
                command,
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=subprocess.STDOUT,
                env={**settings, **(environment or {})},
                start_new_session=True,
            )
        return Running(process, token, log, self)

    def playbook(self, name: str, *options: str, **keywords: t.Any) -> Result:
        return self.start_playbook(name, *options, **keywords).wait()

    def must(self, name: str, *options: str, **keywords: t.Any) -> Result:
        """Run a playbook that has to succeed."""
        result = self.playbook(name, *options, **keywords)
        assert result.rc == 0, f"{name} failed with exit code {result.rc}:\n{result.output}"
        return result

    def kill_at(self, point: str, name: str = "full_rebuild", **keywords: t.Any) -> None:
        """Let a playbook run as far as the point and kill it there."""
        running = self.start_playbook(name, hold=point, **keywords)
        try:
            running.wait_held(point)
        finally:
            running.kill()
            running.held.unlink(missing_ok=True)

    def docker_shim(self, pattern: str, action: str) -> Shim:
        return Shim(self.parent, pattern, action)

    # data

    def up(self) -> None:
        """Start the services, and wait until the application has migrated and answers.

        Not by ``compose up``, which waits for the health checks of dependencies: half of the time of all fault tests.
        """
        self.compose("create", "--no-build", *self.started)
        self.start()

    def start(self) -> None:
        """Start the created containers, those that depend on the database after it."""
        first = [name for name in self.started if name in ("db", "redis")]
        docker("start", *(f"{self.name}-{name}" for name in first))
        self.wait_for_database()
        if others := [name for name in self.started if name not in first]:
            docker("start", *(f"{self.name}-{name}" for name in others))
        self.wait_until_up()

    def wait_until_up(self) -> None:
        self.wait_for_database()
        if "backend" in self.started:
            until(self.answers, "the backend of the copy")

    def answers(self) -> bool:
        with (
            contextlib.suppress(OSError),
            socket.create_connection(("127.0.0.1", int(self.ports["BACKEND_PORT"])), 2) as s,
        ):
            s.sendall(b"GET /health HTTP/1.0\r\nHost: localhost\r\n\r\n")
            return b"200" in s.recv(64)
        return False

    def wait_for_database(self, container: str = "") -> None:
        """Until the server answers over TCP: over its socket the temporary one of its first start would answer.

        container: one that publishes no port.
        """
        ask = ("docker", "exec", container, "pg_isready", "-qh", "127.0.0.1")
        ready = (lambda: run(*ask, check=False).returncode == 0) if container else self.database_answers
        until(ready, f"PostgreSQL in {container or self.name}")

    def database_answers(self) -> bool:
        # Not by docker exec: a process for each question takes the time that the server needs to come up.
        env = self.env()
        login = {"user": env["DB_USER"], "password": env["DB_PASSWORD"], "dbname": env["DB_NAME"]}
        try:
            psycopg.connect(host="127.0.0.1", port=int(self.ports["POSTGRES_PORT"]), connect_timeout=5, **login).close()
        except psycopg.OperationalError as exc:
            return "authentication failed" in str(exc)
        return True

    def in_container(self, *command: str, **places: str) -> str:
        """Run a command as root in a container of the database's image that sees these places below /."""
        volumes = [part for name, place in places.items() for part in ("--volume", f"{place}:/{name}")]
        options = ["--rm", "--network", "none", "--user", "0:0", *volumes, "--entrypoint", command[0]]
        return docker("run", *options, self.env()["POSTGRES_IMAGE"], *command[1:])

    def psql(self, sql: str, *, container: str = "", database: str = "") -> str:
        env = self.env()
        return docker(
            "exec", "--interactive", container or f"{self.name}-db", "psql", "-XqtA", "--set", "ON_ERROR_STOP=1",
            "--username", env["DB_USER"], "--dbname", database or env["DB_NAME"], input=sql,
        )  # fmt: skip

    def plant(self) -> None:
        """Data that no rebuild makes, also in a table of the application when it has migrated."""
        self.psql(PLANTED)
        if "backend" in self.started:
            self.psql(PLANTED_IN_APPLICATION)

    def fingerprint(self, container: str = "") -> dict[str, str]:
        """Table -> number of rows and digest over them, and the databases of the cluster."""
        return dict(line.split("|", 1) for line in self.psql(FINGERPRINT, container=container).splitlines())

    def rows(self, *tables: str) -> tuple[int, ...]:
        found = self.fingerprint()
        return tuple(int(found[f"public.{table}"].split("|")[0]) for table in tables)

    def fingerprint_of_copy(self, place: str) -> dict[str, str]:
        """The fingerprint of a cluster in a volume or folder, taken on a copy, so that the original stays untouched."""
        probe = f"{self.name}-probe"
        try:
            self.in_container("cp", "-a", "/old/.", "/new/", old=place, new=probe)
            volume = f"{probe}:/var/lib/postgresql/data"
            image = self.env()["POSTGRES_IMAGE"]
            docker("run", "--detach", "--name", probe, "--network", "none", "--volume", volume, image)
            self.wait_for_database(probe)
            return self.fingerprint(probe)
        finally:
            docker("rm", "--force", "--volumes", probe, check=False)
            docker("volume", "rm", "--force", probe, check=False)

    def owner_of(self, place: str) -> str:
        """Number of the user to whom the files of a cluster belong."""
        return self.in_container("stat", "--format", "%u", "/data/PG_VERSION", data=place)

    # state of the engine and the folder

    def containers(self) -> dict[str, dict[str, t.Any]]:
        """Name -> inspection of the containers of the project, and of helpers that work on it."""
        ids = docker("ps", "--all", "--quiet", "--filter", f"label=com.docker.compose.project={self.name}")
        return self._inspect("container", ids.split()) | self.helpers()

    def one_offs(self) -> list[str]:
        """Containers of ``docker compose run``."""
        label = "com.docker.compose.oneoff"
        return [name for name, item in self.containers().items() if item["Config"]["Labels"].get(label) == "True"]

    def helpers(self) -> dict[str, dict[str, t.Any]]:
        """Helper containers of runs on this stack, running or not."""
        ids = docker("ps", "--all", "--quiet", "--filter", f"label={RUN_LABEL}").split()
        own = set(self.run_ids())
        found = self._inspect("container", ids)
        return {name: item for name, item in found.items() if item["Config"]["Labels"][RUN_LABEL] in own}

    @staticmethod
    def _inspect(kind: str, names: t.Sequence[str]) -> dict[str, dict[str, t.Any]]:
        if not names:
            return {}
        return {
            item["Name"].lstrip("/"): item for item in json.loads(docker(kind, "inspect", *names, check=False) or "[]")
        }

    def running(self) -> list[str]:
        """Services that run."""
        return sorted(
            item["Config"]["Labels"]["com.docker.compose.service"]
            for item in self.containers().values()
            if item["State"]["Running"] and "com.docker.compose.service" in item["Config"]["Labels"]
        )

    def volumes(self) -> list[str]:
        return sorted(docker("volume", "ls", "--quiet", "--filter", f"name={self.name}").split())

    def asides(self) -> list[str]:
        """Volumes and folders that runs have left beside the data."""
        folders = [str(path) for path in (self.dir / "data").glob("postgres.*")] if self.mounts == "bind" else []
        return sorted(folders + [name for name in self.volumes() if ".aside-" in name or ".discarded-" in name])

    def records(self) -> list[dict[str, t.Any]]:
        return [json.loads(path.read_text()) for path in sorted((self.dir / ".localdev" / "runs").glob("*.json"))]

    def run_ids(self) -> list[str]:
        return [record["run_id"] for record in self.records()]

    def last_run(self, procedure: str = "full_rebuild") -> dict[str, t.Any]:
        return [record for record in self.records() if record["procedure"] == procedure][-1]

    def engine_state(self) -> dict[str, t.Any]:
        """All that Docker knows of the project and that a change would show in."""
        containers = {
            name: (item["Id"], item["Image"], item["State"]["Status"], item["State"]["StartedAt"], item["RestartCount"])
            for name, item in self.containers().items()
        }
        networks = docker(
            "network", "ls", "--no-trunc", "--filter", f"name={self.name}", "--format", "{{.ID}} {{.Name}}"
        )
        images = docker(
            "image", "ls", "--no-trunc", "--filter", f"reference={self.name}-*", "--format", "{{.ID}} {{.Repository}}"
        )
        return {
            "containers": containers,
            "volumes": {name: item["CreatedAt"] for name, item in self._inspect("volume", self.volumes()).items()},
            "networks": sorted(networks.splitlines()),
            "images": sorted(images.splitlines()),
        }

    def tree(self, leave_out: t.Container[str] = ()) -> dict[str, tuple[t.Any, ...]]:
        """Every file of the stack folder: type, mode, owner, time and content. A running server writes into data/."""
        found: dict[str, tuple[t.Any, ...]] = {}
        for folder, folders, files in os.walk(self.dir):
            here = os.path.relpath(folder, self.dir)
            folders[:] = [name for name in folders if os.path.normpath(os.path.join(here, name)) not in leave_out]
            for name in [".", *files]:
                path = os.path.join(folder, name)
                status = os.lstat(path)
                digest = ""
                if stat.S_ISREG(status.st_mode):
                    digest = hashlib.sha256(Path(path).read_bytes()).hexdigest()
                relative = os.path.normpath(os.path.join(here, name))
                found[relative] = (oct(status.st_mode), status.st_uid, status.st_gid, status.st_mtime_ns, digest)
        return found

    # a disk of its own

    @contextlib.contextmanager
    def small_disk(self, megabytes: int) -> t.Iterator[None]:
        """Lay data/ on a file system of this size. Needs root and loop devices, as the machines of CI have."""
        image, data = self.parent / "disk.img", self.dir / "data"
        with image.open("wb") as handle:
            handle.truncate(megabytes * 1024 * 1024)
        run("mkfs.ext4", "-q", "-m", "0", "-O", "^has_journal", str(image))
        data.mkdir(exist_ok=True)
        run("mount", "-o", "loop", str(image), str(data))
        try:
            yield
        finally:
            docker("rm", "--force", "--volumes", *self.containers(), check=False)
            run("umount", str(data))

    def fill_disk(self, leave_mb: int) -> None:
        free = shutil.disk_usage(self.dir / "data").free - leave_mb * 1024 * 1024
        (self.dir / "data" / "ballast").write_bytes(bytes(max(0, free)))

    # resetting

    def keep_golden(self) -> None:
        """Remember the data as it is now: reset brings it back, and old is its fingerprint."""
        self.old = self.fingerprint()
        self.stop()
        self._copy_cluster(self.data, f"{self.name}-golden")
        self.start()

    def stop(self) -> None:
        """Stop everything; only the database needs to come to its end."""
        if others := [name for name in self.containers() if name != f"{self.name}-db"]:
            docker("kill", *others, check=False)
        docker("stop", "--time", "30", f"{self.name}-db", check=False)

    def reset(self) -> None:
        """The remembered data, no run records, nothing set aside, services as in the beginning."""
        self.end_runs()
        if self.running() != self.started or self.fingerprint() != self.old:
            docker("rm", "--force", "--volumes", *self.containers(), check=False)
            if self.mounts == "bind":
                (self.dir / "data" / "postgres").mkdir(parents=True, exist_ok=True)
            self._copy_cluster(f"{self.name}-golden", self.data)
            self.up()
        for place in self.asides():
            self.remove_place(place)
        shutil.rmtree(self.dir / ".localdev", ignore_errors=True)

    def _copy_cluster(self, source: str, target: str) -> None:
        script = "find /new -mindepth 1 -delete; cp -a /old/. /new/"
        self.in_container("sh", "-c", script, old=source, new=target)

    def remove_place(self, place: str) -> None:
        if place.startswith("/"):
            shutil.rmtree(place, ignore_errors=True)
        else:
            docker("volume", "rm", "--force", place, check=False)

    def end_runs(self) -> None:
        for token in self._tokens:
            for pid in processes_with(token):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        self._tokens = []

    def remove(self) -> None:
        """Everything that the copy has made, on the engine and on the disk."""
        self.end_runs()
        if names := list(self.containers()):
            docker("rm", "--force", "--volumes", *names, check=False)
        for network in docker(
            "network", "ls", "--quiet", "--filter", f"label=com.docker.compose.project={self.name}"
        ).split():
            docker("network", "rm", network, check=False)
        for volume in self.volumes():
            docker("volume", "rm", "--force", volume, check=False)
        for service in BUILT:
            docker("image", "rm", "--no-prune", f"{self.name}-{service}", check=False)
        shutil.rmtree(self.parent, ignore_errors=True)


@contextlib.contextmanager
def stack_with_old_data(*arguments: t.Any, **keywords: t.Any) -> t.Iterator[Stack]:
    """A running copy that holds planted data, whose fingerprint is its ``old``."""
    need_docker()
    stack = Stack(*arguments, **keywords)
    try:
        stack.up()
        stack.plant()
        stack.keep_golden()
        yield stack
    finally:
        stack.remove()
