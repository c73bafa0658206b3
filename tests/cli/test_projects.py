# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Projects of an unknown shape: the command gets their folder and nothing else."""

from __future__ import annotations

import json
import re
import secrets
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.cli.commands import LOOKUP, run_as_json, run_localdev
from tests.harness.engine import DockerMissing, docker, require_docker_engine
from tests.harness.images import build_image, provide_base_images
from tests.harness.project import ComposeProject, remove_objects

pytestmark = pytest.mark.docker

PROJECTS = Path(__file__).resolve().parent.parent / "projects"


@dataclass(frozen=True)
class Shape:
    """A project and what a test expects of it.

    rows: a query. planted, rebuilt: its results with planted data, and after a rebuild. images: variable of the
    project's env file -> variable of what prepare provides. older: SQL that reverts the last migration. lost: SQL that
    deletes the data. move: the verb that moves the data to the other kind of mount, which is then moved.
    """

    name: str
    variant: str
    database: str
    user: str
    base: str
    images: dict[str, str]
    plant: str
    rows: str
    planted: str
    rebuilt: str
    older: str
    lost: str
    move: str
    moved: str


SHAPES = (
    Shape(
        name="clinic",
        variant="pg17",
        database="store",
        user="keeper",
        base="visits",
        images={"STORE_IMAGE": "POSTGRES_IMAGE", "RUNTIME_IMAGE": "PYTHON_IMAGE"},
        plant="INSERT INTO visit (patient) SELECT 'p' || n FROM generate_series(1, 500) n",
        rows="SELECT (SELECT count(*) FROM visit), (SELECT count(*) FROM room)",
        planted="500|1",
        rebuilt="0|1",
        older="DROP TABLE room; UPDATE alembic_version SET version_num = 'visits'",
        lost="DELETE FROM visit",
        move="volume to-bind",
        moved="folder",
    ),
    Shape(
        name="ledger",
        variant="pg15-uid70",
        database="pg",
        user="postgres",
        base="books",
        images={"PG_IMAGE": "POSTGRES_IMAGE", "BASE": "PYTHON_IMAGE"},
        plant="INSERT INTO entry (cents) SELECT n FROM generate_series(1, 500) n",
        rows="SELECT count(*), sum(cents) FROM entry",
        planted="501|125350",
        rebuilt="1|100",
        older="DELETE FROM entry WHERE id = 1; UPDATE alembic_version SET version_num = 'b1'",
        lost="DELETE FROM entry",
        move="volume to-named",
        moved="volume",
    ),
    Shape(
        name="kiosk",
        variant="pg17",
        database="data",
        user="postgres",
        base="postgres",
        images={"DATA": "POSTGRES_IMAGE", "PYTHON": "PYTHON_IMAGE"},
        plant="INSERT INTO ticket (holder) SELECT 'p' || n FROM generate_series(1, 500) n",
        rows="SELECT (SELECT count(*) FROM ticket), (SELECT count(*) FROM gate)",
        planted="500|1",
        rebuilt="0|1",
        older="DROP TABLE gate; UPDATE alembic_version SET version_num = 'tickets'",
        lost="DELETE FROM ticket",
        move="volume to-named",
        moved="volume",
    ),
    Shape(
        name="library",
        variant="pg17",
        database="shelf",
        user="librarian",
        base="library",
        images={"SERVER": "POSTGRES_IMAGE"},
        plant="INSERT INTO catalog.book (title) SELECT 'b' || n FROM generate_series(1, 500) n",
        rows="SELECT (SELECT count(*) FROM catalog.book), (SELECT count(*) FROM loans.loan)",
        planted="500|0",
        rebuilt="0|0",
        older="DROP TABLE loans.loan; UPDATE loans.alembic_version SET version_num = 'readers'",
        lost="DELETE FROM catalog.book",
        move="volume to-bind",
        moved="folder",
    ),
)


class ShapedProject(ComposeProject):
    """A running copy of a project, in a folder whose name is the project's name."""

    def __init__(self, shape: Shape, parent: Path) -> None:
        self.shape = shape
        super().__init__(parent / f"ldt-{shape.name}-{secrets.token_hex(3)}")
        images = provide_base_images(shape.variant)
        source = PROJECTS / shape.name
        self.made: list[str] = []
        if (source / "image").exists():
            # The project's folder has only the names of its image and of its volume.
            self.made = [f"image {self.name}-{shape.name}", f"volume {self.name}-books"]
            build_image(source / "image", f"{self.name}-{shape.name}")
            docker("volume", "create", f"{self.name}-books")
            source = source / "project"
        shutil.copytree(source, self.dir)
        lines = [f"{mine}={images[theirs]}" for mine, theirs in shape.images.items()]
        (self.dir / ".env").write_text("\n".join([*lines, "KEEPER_SECRET=keeper-s3cret", ""]))
        (self.dir / "pg_password.txt").write_text("pg-s3cret\n")

    def remove(self) -> None:
        super().remove()
        remove_objects(self.made)

    def sql(self, statement: str) -> str:
        names = ("-U", self.shape.user, "-d", self.shape.base)
        client = ("psql", "-XAtq", "-v", "ON_ERROR_STOP=1", *names, "-c", statement)
        return self.compose("exec", "-T", self.shape.database, *client)

    def localdev(self, *arguments: str) -> dict[str, Any]:
        """Run a verb that has to succeed and return the one host's result."""
        result = run_as_json(*arguments, "-C", str(self.dir), cwd=Path("/"))
        assert result.code == 0, result
        assert "s3cret" not in json.dumps(result.document) + result.shown
        return result.host


CLINIC, LEDGER, KIOSK, LIBRARY = SHAPES
LEDGER_IN_SOAK = pytest.param(
    LEDGER,
    marks=pytest.mark.soak(
        reason="clinic here; the target alembic_shapes; test_rebuild[bind-pg15-uid70]; test_volumes"
    ),
)


KIOSK_IN_SOAK = pytest.param(KIOSK, marks=pytest.mark.soak(reason="clinic here; flask in tests/strangers"))
LIBRARY_IN_SOAK = pytest.param(LIBRARY, marks=pytest.mark.soak(reason="clinic here; sections in tests/strangers"))


@pytest.fixture(
    scope="module", params=[CLINIC, LEDGER_IN_SOAK, KIOSK_IN_SOAK, LIBRARY_IN_SOAK], ids=lambda shape: shape.name
)
def project(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ShapedProject]:
    try:
        require_docker_engine()
    except DockerMissing as exc:
        pytest.fail(str(exc), pytrace=False)
    made = ShapedProject(request.param, tmp_path_factory.mktemp("projects"))
    try:
        made.compose("up", "--build", "--detach", "--wait", "--quiet-pull")
        yield made
    finally:
        made.remove()


def test_the_folder_is_enough(project: ShapedProject) -> None:
    shape = project.shape
    if not project.sql("SELECT to_regclass('alembic_version')"):
        # Its containers do not migrate when they start.
        project.localdev("schema")
    project.sql(shape.plant)
    assert project.sql(shape.rows) == shape.planted

    found = project.localdev("status")["data"]
    assert found["stack"]["database"]["service"] == shape.database
    assert found["stack"]["alembic"] is not None
    assert all(service["ok"] for service in found["stack"]["services"].values())

    backup = project.localdev("backup")
    assert any(re.search(r"\b50\d\b", line) for line in backup["report"]), "no line has the number of rows"
    project.sql(shape.lost)
    restored = project.localdev("restore")
    assert project.sql(shape.rows) == shape.planted
    assert restored["set_aside"][0]["kind"] == "database"

    project.sql(shape.older)
    upgraded = project.localdev("schema")
    assert project.sql(shape.rows) == shape.planted
    assert upgraded["set_aside"][0]["kind"] == "database"

    project.localdev(*shape.move.split())
    assert project.sql(shape.rows) == shape.planted

    rebuilt = project.localdev("rebuild")
    assert project.sql(shape.rows) == shape.rebuilt
    assert rebuilt["set_aside"][0]["kind"] == shape.moved


@pytest.mark.parametrize("project", [CLINIC], ids=lambda shape: shape.name, indirect=True)
def test_init_writes_once_and_is_found_from_then_on(project: ShapedProject) -> None:
    written = project.dir / "localdev.yml"
    made = project.localdev("init", "-e", '{"stack_excluded_services": ["reminders"]}')
    assert made["changed"]
    assert any({"visits", "keeper", "store"} <= set(re.findall(r"\w+", line)) for line in made["report"])
    text = written.read_text()
    assert not project.localdev("init")["changed"]
    assert written.read_text() == text
    assert project.localdev("status")["data"]["stack"]["services"]["reminders"]["excluded"]


QUEUE = """\
services:
  queue:
    image: {REDIS_IMAGE}
    user: "0:0"
    command: [redis-server, --appendonly, "yes", --dir, /data]
    volumes: ["./kept:/data"]
  worker:
    image: {PYTHON_IMAGE}
    command: [python3, -c, "import threading; threading.Event().wait()"]
    init: true
"""


def test_a_project_without_a_database(tmp_path: Path) -> None:
    folder = tmp_path / f"ldt-queue-{secrets.token_hex(3)}"
    folder.mkdir()
    (folder / "compose.yaml").write_text(QUEUE.format(**provide_base_images()))
    project = ComposeProject(folder)

    def redis(*words: str) -> str:
        return project.compose("exec", "-T", "queue", "redis-cli", *words)

    def run_verb(*words: str) -> None:
        done = run_localdev(*words, "-C", str(folder))
        assert done.returncode == 0, done.stderr + done.stdout

    try:
        project.compose("up", "--detach", "--wait")
        redis("set", "job", "first")
        run_verb("volume", "to-named")
        assert "kept:/data" not in project.compose("config")
        assert redis("get", "job") == "first"
        run_verb("volume", "backup")
        redis("set", "job", "second")
        run_verb("volume", "restore")
        assert redis("get", "job") == "first"
        run_verb("undo")
        assert redis("get", "job") == "second"
        run_verb("container", "restart", "queue")
        refused = run_as_json("rebuild", "-C", str(folder))
        assert (refused.code, refused.error["id"]) == (1, "database.not_found")
    finally:
        project.remove()


def test_no_name_of_a_project_is_a_template(tmp_path: Path) -> None:
    folder = tmp_path / LOOKUP
    folder.mkdir()
    compose = QUEUE.format(**provide_base_images())
    (folder / "compose.yaml").write_text(f'{compose}    labels: {{example: "{LOOKUP}"}}\n')
    project = ComposeProject(folder, f"ldt-template-{secrets.token_hex(3)}")
    (folder / ".env").write_text(f"COMPOSE_PROJECT_NAME={project.name}\n")
    planted = tmp_path / "planted"

    def run_verb(*words: str) -> dict[str, Any]:
        result = run_as_json(*words, "-C", str(folder), PLANTED=str(planted))
        assert not planted.exists()
        assert result.code == 0, result
        return result.host

    try:
        project.compose("up", "--detach", "--wait")
        assert run_verb("status")["data"]["stack"]["project"]["dir"] == str(folder)
        run_verb("container", "restart", "queue")
    finally:
        project.remove()
