# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest
import sqlalchemy

from ansible_collections.localdev.recovery.plugins.module_utils import alembic_bridge, alembic_runtime
from ansible_collections.localdev.recovery.plugins.module_utils.docker_cli import Completed, Docker
from ansible_collections.localdev.recovery.plugins.module_utils.errors import RecoveryError

ENV = """
from alembic import context
from sqlalchemy import create_engine
{first}
engine = create_engine("sqlite:///{database}")
with engine.connect() as connection:
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()
"""
# A branch and its merge, as in many real histories.
MERGED = {"a1b2": [], "b1b2": ["a1b2"], "c1b2": ["a1b2"], "d1b2": ["b1b2", "c1b2"], "20251225_last": ["d1b2"]}
OPEN = {name: parents for name, parents in MERGED.items() if name[0] in "abc"}


class Source:
    """An application's source tree with migrations, and its database."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.database = root / "app.db"

    def make(self, revisions: dict[str, list[str]], folder: str = ".", *, toml: bool = False, first: str = "") -> None:
        home = self.root / folder
        (home / "migrations" / "versions").mkdir(parents=True)
        settings = 'script_location = "migrations"\n' if toml else "script_location = migrations\n"
        name, section = ("pyproject.toml", "[tool.alembic]") if toml else ("alembic.ini", "[alembic]")
        (home / name).write_text(f"{section}\n{settings}")
        (home / "migrations" / "env.py").write_text(ENV.format(database=self.database, first=first))
        for revision, parents in revisions.items():
            down = tuple(parents) if len(parents) > 1 else (parents[0] if parents else None)
            (home / "migrations" / "versions" / f"{revision}.py").write_text(
                f"revision = {revision!r}\ndown_revision = {down!r}\nbranch_labels = depends_on = None\n"
                "def upgrade(): pass\n"
            )

    def stamp(self, *revisions: str) -> None:
        with sqlalchemy.create_engine(f"sqlite:///{self.database}").begin() as connection:
            connection.execute(sqlalchemy.text("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)"))
            for revision in revisions:
                connection.execute(sqlalchemy.text("INSERT INTO alembic_version VALUES (:r)"), {"r": revision})


Ask = t.Callable[..., dict[str, t.Any]]


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Source:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ALEMBIC_CONFIG", raising=False)
    monkeypatch.setattr(sys, "path", [*sys.path])
    return Source(tmp_path)


@pytest.fixture
def ask(source: Source, capsys: pytest.CaptureFixture[str]) -> Ask:
    def ask(do: str = "info", **request: t.Any) -> dict[str, t.Any]:
        alembic_bridge.main({"do": do, "config": None, **request})
        done = Completed((), 0, capsys.readouterr().out, "")
        return alembic_runtime.parse_answer(done, "backend")

    return ask


@pytest.mark.parametrize(
    ("revisions", "stamped", "expected"),
    [
        pytest.param(
            MERGED,
            ["20251225_last"],
            {"heads": ["20251225_last"], "current": ["20251225_last"], "pending": []},
            id="at the head",
        ),
        pytest.param(MERGED, ["d1b2"], {"current": ["d1b2"], "pending": ["20251225_last"]}, id="behind"),
        pytest.param(
            MERGED,
            ["b1b2"],
            {"current": ["b1b2"], "pending": ["c1b2", "d1b2", "20251225_last"]},
            id="behind, on one branch before the merge",
        ),
        pytest.param(
            MERGED,
            ["c1b2", "b1b2"],
            {"current": ["b1b2", "c1b2"], "pending": ["d1b2", "20251225_last"]},
            id="on both branches",
        ),
        pytest.param(OPEN, ["b1b2", "c1b2"], {"heads": ["b1b2", "c1b2"], "pending": []}, id="at several heads"),
        pytest.param(OPEN, ["b1b2"], {"heads": ["b1b2", "c1b2"], "pending": ["c1b2"]}, id="at one head of several"),
        pytest.param(MERGED, ["feedbeef"], {"unknown": ["feedbeef"], "pending": None}, id="unknown"),
        pytest.param(MERGED, ["20251225"], {"unknown": ["20251225"], "pending": None}, id="truncated"),
        pytest.param(
            MERGED,
            ["d1b2", "feedbeef"],
            {"current": ["d1b2", "feedbeef"], "unknown": ["feedbeef"], "pending": None},
            id="one unknown of two",
        ),
        pytest.param({}, [], {"heads": [], "current": [], "pending": []}, id="no migrations"),
    ],
)
def test_where_a_database_is(
    source: Source, ask: Ask, revisions: dict[str, list[str]], stamped: list[str], expected: dict[str, t.Any]
) -> None:
    source.make(revisions)
    source.stamp(*stamped)
    answer = ask()
    assert {key: answer.get(key) for key in expected} == expected


def test_pending_revisions_stand_after_their_parents(source: Source, ask: Ask) -> None:
    source.make(MERGED)
    pending = ask()["pending"]
    assert sorted(pending) == sorted(MERGED)
    for revision, parents in MERGED.items():
        assert all(pending.index(parent) < pending.index(revision) for parent in parents)


def test_looking_changes_nothing(source: Source, ask: Ask) -> None:
    source.make(MERGED)
    assert ask()["current"] == []
    with sqlalchemy.create_engine(f"sqlite:///{source.database}").connect() as connection:
        assert connection.execute(sqlalchemy.text("SELECT count(*) FROM sqlite_master")).scalar() == 0


def test_planning_from_nothing_does_not_ask_the_database(source: Source, ask: Ask) -> None:
    source.make(MERGED, first="raise RuntimeError('asked')")
    answer = ask(from_base=True)
    assert len(answer["pending"]) == len(MERGED)
    assert "RuntimeError: asked" in ask()["error"]


@pytest.mark.parametrize("toml", [False, True], ids=["alembic.ini", "pyproject.toml"])
@pytest.mark.parametrize("folder", [".", "backend", "services/api"])
def test_the_configuration_is_found(source: Source, ask: Ask, folder: str, toml: bool) -> None:
    (source.root / "node_modules" / "x").mkdir(parents=True)
    (source.root / "node_modules" / "alembic.ini").write_text("[alembic]\n")
    (source.root / "pyproject.toml").write_text("[tool.ruff]\n")
    source.make(MERGED, folder, toml=toml)
    answer = ask()
    assert answer["heads"] == ["20251225_last"]
    assert Path(answer["config"]) == (source.root / folder / ("pyproject.toml" if toml else "alembic.ini")).resolve()


def test_the_nearest_configuration_is_taken(source: Source, ask: Ask) -> None:
    source.make({"feed": []}, "a/deeper")
    source.make(MERGED, "zz")
    assert ask()["heads"] == ["20251225_last"]


def test_a_configuration_can_be_named(source: Source, ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    source.make(MERGED)
    source.make({"feed": []}, "other")
    assert ask(config="other/alembic.ini")["heads"] == ["feed"]
    monkeypatch.chdir(source.root)
    monkeypatch.setenv("ALEMBIC_CONFIG", "other/alembic.ini")
    assert ask()["heads"] == ["feed"]


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        ({}, "no alembic.ini and no [tool.alembic] below"),
        ({"config": "nowhere/alembic.ini"}, "nowhere/alembic.ini does not exist"),
    ],
    ids=["none", "a wrong one"],
)
def test_no_configuration_is_an_error(ask: Ask, request_: dict[str, str], words: str) -> None:
    assert words in ask(**request_)["error"]


@pytest.mark.parametrize(
    "first", ["print('noise', end='')", "print('@other@ {}')", "import sys; sys.stdout.write('a\\n' * 3)"]
)
def test_noise_of_env_py_does_not_matter(source: Source, ask: Ask, first: str) -> None:
    source.make(MERGED, first=first)
    assert ask()["heads"] == ["20251225_last"]


def test_a_missing_package_is_named(source: Source, ask: Ask) -> None:
    source.make(MERGED, first="import no_such_package")
    assert ask()["error"] == "No module named 'no_such_package' (imported by Alembic or by env.py)"


def test_only_postgresql_is_migrated(source: Source, ask: Ask) -> None:
    source.make(MERGED)
    source.stamp("d1b2")
    assert ask("upgrade")["error"] == "the database is sqlite, not PostgreSQL"
    assert ask("info")["current"] == ["d1b2"]


def test_the_key_of_the_advisory_lock_is_derived_as_it_says() -> None:
    digest = hashlib.sha256(b"localdev.recovery").digest()
    assert int.from_bytes(digest[:8], "big", signed=True) == alembic_bridge.LOCK_KEY


# --- on its way ------------------------------------------------------------------------------------------------


def test_the_program_runs_by_itself_in_another_python(source: Source) -> None:
    source.make(MERGED, "ünïcode 'quoted'")
    request = {"do": "info", "config": "ünïcode 'quoted'/alembic.ini"}
    program = alembic_runtime.program(request)
    done = subprocess.run([sys.executable, "-"], input=program, capture_output=True, text=True, check=False)
    answer = alembic_runtime.parse_answer(Completed((), done.returncode, done.stdout, done.stderr), "backend")
    assert answer["heads"] == ["20251225_last"]


def test_no_answer_is_an_error_with_what_was_printed_instead() -> None:
    with pytest.raises(RecoveryError, match=r"in service backend \(exit code 126\)") as caught:
        alembic_runtime.parse_answer(Completed((), 126, "exec: sh: not found", "more"), "backend")
    assert caught.value.details == "exec: sh: not found\nmore"


class Answering(Docker):
    def __init__(self, running: bool, answer: dict[str, t.Any]) -> None:
        super().__init__()
        self.running = running
        self.answer = answer
        self.calls: list[tuple[str, ...]] = []

    def run(self, *args: str, **kwargs: t.Any) -> Completed:
        self.calls.append(args)
        return Completed(args, 0, f"noise\n{alembic_bridge.MARK}{json.dumps(self.answer)}\nmore noise", "")

    def compose(self, *args: str, **kwargs: t.Any) -> Completed:
        if args[0] == "ps":
            return Completed(args, 0, "abc\n" if self.running else "", "")
        return self.run("compose", *args, **kwargs)


STACK = {"alembic": {"service": "backend"}}


@pytest.mark.parametrize(
    ("running", "fresh", "begins"),
    [
        (True, False, ("exec", "--interactive", "abc")),
        (False, False, ("compose", "run")),
        (True, True, ("compose", "run")),
    ],
    ids=["in the running service", "in a one-off container", "in a one-off container although it runs"],
)
def test_where_alembic_is_asked(running: bool, fresh: bool, begins: tuple[str, ...]) -> None:
    docker = Answering(running, {"heads": ["a"]})
    assert alembic_runtime.ask(docker, STACK, {"do": "info"}, fresh=fresh) == {"heads": ["a"]}
    assert docker.calls[-1][: len(begins)] == begins


def test_errors_from_alembic_name_the_service() -> None:
    with pytest.raises(RecoveryError, match="Alembic in service backend: migration x failed") as caught:
        alembic_runtime.ask(
            Answering(True, {"error": "migration x failed", "trace": "1\n" * 20}), STACK, {"do": "info"}
        )
    assert len(caught.value.details.splitlines()) == 6
    with pytest.raises(RecoveryError, match="No service of this stack was found to have Alembic"):
        alembic_runtime.ask(Answering(True, {}), {"alembic": None}, {"do": "info"})
