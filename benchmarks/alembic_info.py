# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How long alembic_info takes on many revisions, against ``alembic heads`` in the same container.

Both are what a person waits for on the stack's host: the command line, and the module's own process. hand answers the
one question of the heads; ours answers where the database is as well. The parts of ours are shown.
"""

from __future__ import annotations

import json
import secrets
import statistics
import sys
import tempfile
import time
import typing as t
from pathlib import Path

from tests.harness.engine import docker, run_command
from tests.harness.images import build_stack_images, provide_base_images

REVISIONS = 2000
# A branch of this many revisions leaves the trunk and is merged again, one after the other.
BRANCH = 10
BEHIND = 50
RUNS = 9
GOAL = 1.3

COMPOSE = """
name: {name}
services:
  db:
    image: {postgres}
    environment: {{POSTGRES_PASSWORD: {password}, POSTGRES_DB: many}}
    healthcheck: {{test: ["CMD", "pg_isready", "-h", "127.0.0.1"], interval: 1s, retries: 60}}
  app:
    image: {app}
    init: true
    entrypoint: ["sleep", "infinity"]
    healthcheck: {{test: ["CMD", "true"], interval: 1s}}
    working_dir: /many
    environment: {{DATABASE_URL: "postgresql+psycopg://postgres:{password}@db/many"}}
    volumes: ["./many:/many:ro"]
    depends_on: {{db: {{condition: service_healthy}}}}
"""
ENV = """
import os
from alembic import context
from sqlalchemy import create_engine
with create_engine(os.environ["DATABASE_URL"]).connect() as connection:
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()
"""
MIGRATION = '''"""step {revision}

Revision ID: {revision}
Revises: {down}
"""
from alembic import op
import sqlalchemy as sa

revision = {revision!r}
down_revision = {down!r}
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("people", sa.Column("c{revision}", sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column("people", "c{revision}")
'''


def make_history() -> dict[str, tuple[str, ...]]:
    """Return revision -> its down revisions, in order: a trunk with a branch and a merge in every stretch."""
    found: dict[str, tuple[str, ...]] = {}
    last: tuple[str, ...] = ()
    while len(found) < REVISIONS:
        tips = []
        for _side in range(2):
            down = last
            for _step in range(BRANCH):
                name = f"{len(found):012x}"
                found[name] = down
                down = (name,)
                if not last:
                    last = down
            tips += down
        last = (f"{len(found):012x}",)
        found[last[0]] = tuple(tips)
    return found


def write_project(folder: Path, name: str) -> dict[str, tuple[str, ...]]:
    versions = folder / "many" / "migrations" / "versions"
    versions.mkdir(parents=True)
    revisions = make_history()
    for revision, down in revisions.items():
        given = down if len(down) > 1 else (down[0] if down else None)
        (versions / f"{revision}_step.py").write_text(MIGRATION.format(revision=revision, down=given))
    (versions.parent / "env.py").write_text(ENV)
    (folder / "many" / "alembic.ini").write_text("[alembic]\nscript_location = %(here)s/migrations\n")
    values = {"postgres": provide_base_images()["POSTGRES_IMAGE"], "app": build_stack_images()["backend"]}
    (folder / "docker-compose.yml").write_text(COMPOSE.format(name=name, password=secrets.token_hex(8), **values))
    return revisions


def run_alembic_info(folder: Path, name: str) -> dict[str, t.Any]:
    """Run the module as Ansible does on a stack's host and return its result."""
    project = {"name": name, "dir": str(folder), "files": [], "env_files": [], "profiles": []}
    arguments = {"stack": {"project": project, "alembic": {"service": "app"}}}
    module = "ansible_collections.localdev.recovery.plugins.modules.alembic_info"
    program = (
        "import sys, runpy\nfrom ansible.module_utils.testing import patch_module_args\n"
        f"with patch_module_args({arguments!r}):\n    runpy.run_module({module!r}, run_name='__main__')\n"
    )
    return t.cast("dict[str, t.Any]", json.loads(run_command(sys.executable, "-c", program, cwd=folder).stdout))


def timed(action: t.Callable[[], t.Any]) -> float:
    began = time.monotonic()
    action()
    return time.monotonic() - began


def measure() -> dict[str, t.Any]:
    """Return a row of results.json, without the commit. limit is the bare docker exec of alembic heads."""
    name = f"ldt-bench-{secrets.token_hex(3)}"
    with tempfile.TemporaryDirectory(prefix=f"{name}-") as parent:
        folder = Path(parent)
        folder.chmod(0o755)
        revisions = write_project(folder, name)
        compose = ("docker", "compose", "--project-directory", str(folder))
        try:
            run_command(*compose, "up", "--detach", "--wait", "--quiet-pull")
            at = list(revisions)[-1 - BEHIND]
            while len(revisions[at]) < 2:
                at = list(revisions)[list(revisions).index(at) - 1]
            run_command(*compose, "exec", "-T", "app", "alembic", "stamp", at)
            container = run_command(*compose, "ps", "--quiet", "app").stdout.strip()
            found = run_alembic_info(folder, name)
            waiting = list(revisions)[list(revisions).index(at) + 1 :]
            if sorted(found["pending"]) != sorted(waiting) or found["heads"] != [list(revisions)[-1]]:
                raise RuntimeError(f"alembic_info answered {len(found['pending'])} pending of {len(waiting)}")
            ours, hand, limit = [], [], []
            for _ in range(RUNS):
                hand.append(timed(lambda: run_command(*compose, "exec", "-T", "app", "alembic", "heads")))
                ours.append(timed(lambda: run_alembic_info(folder, name)))
                limit.append(timed(lambda: docker("exec", container, "alembic", "heads")))
        finally:
            run_command(*compose, "down", "--volumes", "--timeout", "1", check=False)
    ours_s, hand_s, limit_s = (round(statistics.median(values), 2) for values in (ours, hand, limit))
    ratio = round(ours_s / hand_s, 2)
    return {
        "id": "alembic_info",
        "ours_s": ours_s,
        "hand_s": hand_s,
        "limit_s": limit_s,
        "ratio": ratio,
        "goal": f"ours at most {GOAL:g} of alembic heads in the same container",
        "reached": ratio <= GOAL,
        "data": f"{len(revisions)} revisions, {sum(len(down) > 1 for down in revisions.values())} merges, "
        f"database {len(waiting)} revisions behind",
    }


if __name__ == "__main__":
    print(json.dumps(measure(), indent=2))
