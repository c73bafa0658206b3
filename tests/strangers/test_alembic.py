# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Projects that run Alembic in ways of their own: each is upgraded, and read before and after.

All are services of one Compose project. They share a server, where each has a database, and one image.
"""

from __future__ import annotations

import json
import textwrap
import typing as t
from dataclasses import dataclass, field

import pytest

from tests.harness.images import build_application_image, provide_base_images
from tests.harness.module_run import run_module
from tests.strangers.stranger_project import SERVER_COMMAND, StrangerProject, run_project

pytestmark = pytest.mark.docker

ENV = """
import os
from alembic import context
from sqlalchemy import create_engine
{head}
with create_engine(url).connect() as connection:
    context.configure(connection=connection{options})
    with context.begin_transaction():
        context.run_migrations()
"""
URL = 'url = os.environ["DATABASE_URL"]'
FIRST = """
import sqlalchemy as sa
from alembic import op
revision, down_revision = "n1", None
def upgrade():
    op.create_table("notes", sa.Column("id", sa.Integer, primary_key=True), sa.Column("title", sa.Text))
"""
SECOND = """
import sqlalchemy as sa
from alembic import op
revision, down_revision = "n2", "n1"
def upgrade():
    op.add_column("notes", sa.Column("pinned", sa.Boolean))
"""
INI = "[alembic]\nscript_location = {location}\nprepend_sys_path = .\n"
FLASK = """
import os
from flask import Flask
from flask_migrate import Migrate
from flask_sqlalchemy import SQLAlchemy

db = SQLAlchemy()

def create_app():
    app = Flask(__name__)
    app.config["SQLALCHEMY_DATABASE_URI"] = os.environ["DATABASE_URL"]
    db.init_app(app)
    Migrate(app, db)
    return app
"""
FLASK_ENV = """
from alembic import context
from flask import current_app

with current_app.extensions["migrate"].db.engine.connect() as connection:
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()
"""
AUDIT = """
from alembic import op
import sqlalchemy as sa
revision, down_revision = "a1", None
def upgrade():
    op.create_table("audit", sa.Column("id", sa.Integer, primary_key=True))
"""
OWN_COMMAND = """
import os, sys
import sqlalchemy as sa
with sa.create_engine(os.environ["DATABASE_URL"]).begin() as connection:
    connection.execute(sa.text("CREATE TABLE IF NOT EXISTS notes (id serial PRIMARY KEY, title text, pinned bool)"))
    connection.execute(sa.text("CREATE TABLE IF NOT EXISTS alembic_version (version_num varchar(32) PRIMARY KEY)"))
    connection.execute(sa.text("DELETE FROM alembic_version"))
    connection.execute(sa.text("INSERT INTO alembic_version VALUES ('n2')"))
"""
NOT_AT_EMPTY = """
from alembic import op
revision, down_revision = "n1", None
def upgrade():
    op.alter_column("notes", "title", comment="x")
"""
SERVE = ["python", "-m", "http.server", "8000"]
# The packages of the image move into an environment that is not on PATH.
VENV = """
FROM {image}
USER root
RUN python -m venv --without-pip /srv/.venv \\
    && packages=$(python -c 'import site; print(site.getsitepackages()[0])') \\
    && mv "$packages"/* "$(/srv/.venv/bin/python -c 'import site; print(site.getsitepackages()[0])')" \\
    && rm -f "$(command -v alembic)" "$(command -v flask)"
WORKDIR /srv/code
USER app
ENTRYPOINT ["/srv/.venv/bin/python"]
CMD ["-m", "http.server", "8000"]
"""
NO_SHELL = """
FROM {image}
USER root
RUN ["python", "-c", "import os; [os.remove(p) for p in ('/bin/sh', '/bin/bash', '/bin/dash') if os.path.lexists(p)]"]
USER app
ENTRYPOINT ["python"]
CMD ["-m", "http.server", "8000"]
"""


@dataclass(frozen=True)
class Shape:
    """A way to run Alembic. files: in the folder that the service mounts. migrate: of a one-shot service."""

    situation: str
    files: dict[str, str]
    service: dict[str, t.Any] = field(default_factory=dict)
    options: dict[str, t.Any] = field(default_factory=dict)
    dockerfile: str = ""
    migrate: str = ""
    url: str = "DATABASE_URL"


def migrations(folder: str, head: str = URL, options: str = "", env: str = "") -> dict[str, str]:
    """Return the files of a folder with two migrations."""
    return {
        f"{folder}/env.py": env or ENV.format(head=head, options=options),
        f"{folder}/versions/n1_notes.py": FIRST,
        f"{folder}/versions/n2_pinned.py": SECOND,
    }


def usual(**more: t.Any) -> dict[str, str]:
    return {"alembic.ini": INI.format(location="migrations"), **migrations("migrations", **more)}


SHAPES = {
    "venv": Shape(
        "Alembic is only in a .venv that is not on PATH", usual(), {"working_dir": "/srv/code"}, dockerfile=VENV
    ),
    "from_root": Shape(
        "The paths in backend/alembic.ini are relative to the root",
        {"backend/alembic.ini": INI.format(location="backend/migrations"), **migrations("backend/migrations")},
    ),
    "entrypoint": Shape(
        "The entry point exports the URL from a secret file",
        usual() | {"entry.sh": '#!/bin/sh\nexport DATABASE_URL="$(cat /app/url.txt)"\nexec "$@"\n', "url.txt": "{url}"},
        {"entrypoint": ["sh", "/app/entry.sh"]},
        url="",
    ),
    "x_arguments": Shape(
        "env.py needs -x arguments",
        usual(head='url = {"dev": os.environ["DATABASE_URL"]}[context.get_x_argument(as_dictionary=True)["db"]]'),
        options={"alembic_x_arguments": ["db=dev"]},
    ),
    "section": Shape(
        "The configuration has a section of another name",
        {"alembic.ini": "[shop]\nscript_location = migrations\n", **migrations("migrations")},
    ),
    "sections": Shape(
        "Two sections, each with migrations and a version table of its own, in one database",
        {
            "alembic.ini": "[notes]\nscript_location = notes\n[audit]\nscript_location = audit\n",
            **migrations("notes"),
            "audit/env.py": ENV.format(head=URL, options=', version_table="audit_version"'),
            "audit/versions/a1.py": AUDIT,
        },
        options={"alembic_section": ["notes", "audit"]},
    ),
    "flask": Shape(
        "Flask-Migrate: env.py takes its configuration from the application",
        {
            "app.py": FLASK,
            "migrations/alembic.ini": "[alembic]\nfile_template = %%(rev)s\n",
            **migrations("migrations", env=FLASK_ENV),
        },
    ),
    "own_command": Shape(
        "The framework has its own migration command",
        usual(head="url = context.config.db_url") | {"migrate.py": OWN_COMMAND},
        options={"migrate_command": ["python", "migrate.py"]},
    ),
    "no_shell": Shape("The image has no shell", usual(), dockerfile=NO_SHELL),
    "pooler": Shape("The URL goes through a pooler that does not run", usual()),
    "version_table": Shape("env.py names its own version table", usual(options=', version_table="shop_version"')),
    "create_all": Shape(
        "The chain does not begin at an empty database: a one-shot service creates the tables and stamps them",
        usual() | {"make_all.py": OWN_COMMAND, "migrations/versions/n1_notes.py": NOT_AT_EMPTY},
        migrate="python make_all.py && alembic stamp head",
    ),
    "async": Shape(
        "env.py is asynchronous",
        usual(
            env=textwrap.dedent(
                """
                import asyncio, os
                from alembic import context
                from sqlalchemy.ext.asyncio import create_async_engine

                def migrate(connection):
                    context.configure(connection=connection)
                    with context.begin_transaction():
                        context.run_migrations()

                async def main():
                    async with create_async_engine(os.environ["DATABASE_URL"]).connect() as connection:
                        await connection.run_sync(migrate)

                asyncio.run(main())
                """
            )
        ),
    ),
}


VERSION_TABLES = {
    "version_table": {"shop_version": "n2"},
    "sections": {"alembic_version": "n2", "audit_version": "a1"},
}


class ShapeProject(StrangerProject):
    """A project in which each service is an application of another shape."""

    def start(self) -> None:
        application = build_application_image()
        services: dict[str, t.Any] = {
            "db": {
                "image": provide_base_images()["POSTGRES_IMAGE"],
                "command": [*SERVER_COMMAND],
                "environment": {"POSTGRES_USER": "app", "POSTGRES_PASSWORD": "pw", "POSTGRES_DB": "app"},
                "healthcheck": {
                    "test": ["CMD", "pg_isready", "-h", "127.0.0.1", "-U", "app"],
                    "interval": "1s",
                    "retries": 60,
                },
            },
            "pgbouncer": {
                "image": "example/pgbouncer",
                "environment": {"DB_HOST": "db", "DB_USER": "app", "DB_NAME": "pooler"},
                "profiles": ["never"],
            },
        }
        for name, shape in SHAPES.items():
            url = f"postgresql+psycopg://app:pw@{'pgbouncer' if name == 'pooler' else 'db'}:5432/{name}"
            for path, text in shape.files.items():
                file = self.dir / name / path
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(text.replace("{url}", url))
            build: dict[str, t.Any] = {"image": application}
            if shape.dockerfile:
                (self.dir / name / "Dockerfile").write_text(shape.dockerfile.format(image=application))
                build = {"build": {"context": name}}
            target = shape.service.get("working_dir", "/app")
            services[name] = {
                **build,
                "volumes": [f"./{name}:{target}:ro"],
                "environment": {shape.url: url} if shape.url else {"DB_NAME": name, "DB_HOST": "db", "DB_USER": "app"},
                "depends_on": ["db"],
                **({} if shape.dockerfile else {"command": SERVE}),
                **shape.service,
            }
            if shape.migrate:
                services[f"{name}-migrate"] = {**services[name], "command": ["sh", "-c", shape.migrate]}
        (self.dir / "compose.yaml").write_text(json.dumps({"services": services}))
        self.compose("build", "--quiet")
        self.compose("up", "--detach", "--wait", "db", *SHAPES)
        for name in SHAPES:
            self.psql("app", f"CREATE DATABASE {name}")

    def psql(self, database: str, sql: str) -> str:
        command = ["exec", "--no-TTY", "db", "psql", "-qAtU", "app", "-d", database, "-c", sql]
        return self.compose(*command).strip()


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[ShapeProject]:
    yield from run_project(ShapeProject(tmp_path_factory.mktemp("shapes"), "ldr-int-shapes"))


@pytest.mark.parametrize("name", SHAPES)
def test_a_project_is_upgraded_its_own_way(project: ShapeProject, name: str) -> None:
    shape = SHAPES[name]
    stack = project.describe(application_service=name, **shape.options)
    assert stack["database"]["name"] == name
    tables = VERSION_TABLES.get(name, {"alembic_version": "n2"})
    heads, revisions = sorted(tables.values()), ["n1", "n2", *(["a1"] if name == "sections" else [])]
    before = run_module("alembic_info", {"stack": stack})
    if name != "own_command":
        assert before.get("failed") is not True, before
        assert (before["heads"], before["current"], before["pending"]) == (heads, [], revisions)
        assert before["version_tables"] == sorted(tables)
    upgraded = run_module("alembic_upgrade", {"stack": stack})
    assert upgraded.get("failed") is not True, upgraded
    assert (upgraded["applied"], upgraded["current"]) == (revisions, heads)
    for table, head in tables.items():
        assert project.psql(name, f"SELECT version_num FROM {table}") == head
    assert project.psql(name, "SELECT count(*) FROM notes") == "0"
    if name not in ("own_command", "no_shell", "create_all"):
        project.psql("app", f"CREATE DATABASE {name}_copy")
        copy = run_module("alembic_upgrade", {"stack": stack, "database": f"{name}_copy"})
        assert copy.get("failed") is not True, copy
        assert project.psql(f"{name}_copy", "SELECT count(*) FROM notes") == "0"


@pytest.mark.parametrize(
    ("name", "failure", "variable"),
    [
        ("x_arguments", "alembic.env_py", "stack_alembic_x_arguments"),
        ("sections", "alembic.ambiguous", "stack_alembic_section"),
        ("own_command", "alembic.failed", "stack_migrate_command"),
    ],
)
def test_without_the_variable_the_error_names_it(project: ShapeProject, name: str, failure: str, variable: str) -> None:
    failed = run_module("alembic_info", {"stack": project.describe(application_service=name)})
    assert failed["failure"] == failure
    assert variable in failed["hint"]
