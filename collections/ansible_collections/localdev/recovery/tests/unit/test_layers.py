# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Check which package may import which, how large a file may be, and where its unit tests are."""

from __future__ import annotations

import ast
import collections
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest

UNIT = Path(__file__).resolve().parent
COLLECTION = UNIT.parents[1]
PLUGINS = COLLECTION / "plugins"
CHECKOUT = COLLECTION.parents[3]
PREFIX = "ansible_collections.localdev.recovery.plugins."
NOTICE = "# Private to this collection: it may change in every release. Do not import it from elsewhere."
MOST_LINES = 400

# Package of module_utils -> what it may import besides _core and _git. docs/architecture.md shows what it does import.
DIRECT = {
    "_core": (),
    "_git": (),
    "_docker": (),
    "_stack": ("_docker",),
    "_env_file": ("_stack",),
    "_postgresql": ("_stack",),
    "_alembic": ("_postgresql",),
    "_application": ("_postgresql",),
    "_run": ("_postgresql",),
    "_volume": ("_run",),
    "_container": ("_run",),
    "_backup": ("_run", "_alembic"),
    "_set_aside": ("_volume", "_container", "_backup"),
    "_status": ("_alembic", "_backup", "_container", "_run"),
    "_report": ("_run", "_stack"),
}


def allowed_imports(package: str) -> set[str]:
    """Return the package itself, what it may import, and what those may import."""
    return {package, "_core", "_git"}.union(*(allowed_imports(other) for other in DIRECT[package]))


def imported_modules(path: Path) -> list[str]:
    """Return the modules of this collection's plugins that a file imports anywhere: ``module_utils._core.text``."""
    nodes = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.ImportFrom)]
    return [str(node.module).removeprefix(PREFIX) for node in nodes if (node.module or "").startswith(PREFIX)]


def public_definitions(path: Path) -> list[str]:
    """Return the names of the functions and classes that other files may import."""
    body = ast.parse(path.read_text()).body
    names = [node.name for node in body if isinstance(node, ast.FunctionDef | ast.ClassDef)]
    return [name for name in names if not name.startswith("_")]


PACKAGES = sorted(
    path.name
    for path in (PLUGINS / "module_utils").iterdir()
    if path.is_dir() and path.name[0] == "_" and path.name[1] != "_"
)
FILES = sorted(PLUGINS.rglob("*.py"))
PRIVATE_FILES = [path for path in FILES if path.relative_to(PLUGINS).parts[0] in ("module_utils", "plugin_utils")]
TESTS = sorted(path for path in (UNIT / "plugins").rglob("test_*.py"))

each_file = pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PLUGINS)))
each_private_file = pytest.mark.parametrize("path", PRIVATE_FILES, ids=lambda path: str(path.relative_to(PLUGINS)))


def test_the_table_names_every_package() -> None:
    assert set(PACKAGES) == set(DIRECT)


def test_module_utils_holds_only_packages() -> None:
    assert [path.name for path in (PLUGINS / "module_utils").glob("*.py") if path.name != "__init__.py"] == []


@each_private_file
def test_a_package_imports_only_lower_packages(path: Path) -> None:
    kind, package, *_rest = path.relative_to(PLUGINS).parts
    imported = {tuple(name.split(".")[:2]) for name in imported_modules(path)}
    if kind == "plugin_utils":
        assert {first for first, _second in imported} <= {"module_utils", "plugin_utils"}
    else:
        assert imported <= {("module_utils", name) for name in allowed_imports(package)}


def test_only_modules_actions_and_filters_use_reports() -> None:
    others = [path for path in FILES if path.relative_to(PLUGINS).parts[0] not in ("modules", "action", "filter")]
    outside = [path for path in others if path.parent.name != "_report"]
    assert [path.name for path in outside for name in imported_modules(path) if "._report" in name] == []


@each_private_file
def test_each_helper_file_says_that_it_is_private(path: Path) -> None:
    assert NOTICE in path.read_text().splitlines()[:6]


@each_file
def test_no_file_is_too_long(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= MOST_LINES


@pytest.mark.parametrize("package", PACKAGES)
def test_no_two_definitions_of_a_package_share_a_name(package: str) -> None:
    places: dict[str, list[str]] = collections.defaultdict(list)
    for path in sorted((PLUGINS / "module_utils" / package).rglob("*.py")):
        for name in public_definitions(path):
            places[name].append(path.name)
    assert {name: files for name, files in places.items() if len(files) > 1} == {}


def has_subject(test: Path) -> bool:
    """Return whether the file that a unit test is named after exists: test_copy_kill.py belongs to copy.py."""
    folder = PLUGINS / test.parent.relative_to(UNIT / "plugins")
    words = test.stem.removeprefix("test_").split("_")
    stems = ["_".join(words[:count]) for count in range(1, len(words) + 1)]
    return any((folder / f"{prefix}{stem}.py").exists() for stem in stems for prefix in ("", "_"))


def test_unit_tests_lie_where_their_subject_lies() -> None:
    assert [str(path.relative_to(UNIT)) for path in TESTS if not has_subject(path)] == []


@pytest.mark.skipif(not (CHECKOUT / "pyproject.toml").exists(), reason="an installed collection")
def test_the_picture_of_the_packages_is_up_to_date() -> None:
    command: t.Final = [sys.executable, str(CHECKOUT / "tools/package_picture.py"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
