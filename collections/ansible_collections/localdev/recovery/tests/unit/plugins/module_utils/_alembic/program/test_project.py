# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._alembic.program.project import (
    choose_working_folder,
    find_config,
    find_flask_application,
    find_scripts,
    read_script_location,
    refuse_missing_location,
    uses_flask,
)
from ansible_collections.localdev.recovery.plugins.module_utils._alembic.program.protocol import RequestRefused


def write(root: Path, **files: str) -> None:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def test_the_nearest_configuration_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert find_config(str(tmp_path)) == ""
    write(tmp_path, **{"a/b/alembic.ini": "", "venv/alembic.ini": "", "z/pyproject.toml": "[tool.alembic]\n"})
    assert find_config(str(tmp_path)) == str(tmp_path / "z" / "pyproject.toml")
    monkeypatch.setenv("ALEMBIC_CONFIG", "elsewhere.ini")
    assert find_config(str(tmp_path)) == "elsewhere.ini"


def test_migrations_without_a_configuration(tmp_path: Path) -> None:
    write(
        tmp_path, **{"src/shop/env.py": "", "src/shop/migrations/env.py": "", "src/shop/migrations/versions/a.py": ""}
    )
    assert find_scripts(str(tmp_path)) == str(tmp_path / "src" / "shop" / "migrations")


@pytest.mark.parametrize(
    ("location", "folder"),
    [
        ("migrations", "backend"),
        ("backend/other", ""),
        ("%(here)s/migrations", "backend"),
        ("shop:migrations", "backend"),
        ("nowhere", "backend"),
    ],
)
def test_the_folder_in_which_people_run_alembic(tmp_path: Path, location: str, folder: str) -> None:
    write(
        tmp_path,
        **{
            "backend/alembic.ini": f"[alembic]\nscript_location = {location}\n",
            "backend/migrations/env.py": "",
            "backend/other/env.py": "",
        },
    )
    path = str(tmp_path / "backend" / "alembic.ini")
    assert choose_working_folder(path, str(tmp_path), {}) == str(tmp_path / folder).rstrip("/")


def test_sections_are_named_by_the_errors(tmp_path: Path) -> None:
    write(
        tmp_path, **{"alembic.ini": "[shop]\nscript_location = a\n[stock]\nscript_location = b\n[loggers]\nkeys = x\n"}
    )
    path = str(tmp_path / "alembic.ini")
    assert read_script_location(path, {"section": "stock"}) == "b"
    assert read_script_location(path, {}) == ""
    with pytest.raises(RequestRefused) as caught:
        read_script_location(path, {"section": "gone"})
    assert caught.value.data["kind"] == "no_section"
    assert "shop, stock" in caught.value.data["error"]
    with pytest.raises(RequestRefused) as caught:
        refuse_missing_location(path)
    assert caught.value.data["kind"] == "several_sections"


@pytest.mark.parametrize(
    ("arguments", "application"),
    [
        (["/usr/bin/python", "/usr/bin/flask", "--app", "shop.web", "run"], "shop.web"),
        (["flask", "--app=shop:create_app('x')", "run"], "shop:create_app('x')"),
        (["gunicorn", "-b", "0.0.0.0:8000", "shop.wsgi:app"], "shop.wsgi:app"),
        (["sh", "-c", "exec gunicorn 'shop:create_app()' -w 4"], "shop:create_app()"),
        (["python", "serve.py"], ""),
        ([], ""),
    ],
)
def test_the_flask_application_of_a_process(arguments: list[str], application: str) -> None:
    assert find_flask_application(arguments) == application


def test_the_env_py_of_flask_migrate(tmp_path: Path) -> None:
    write(tmp_path, **{"flask/env.py": "from flask import current_app\n", "other/env.py": "import os\n"})
    found: dict[str, t.Any] = {name: uses_flask(str(tmp_path / name)) for name in ("flask", "other", "gone")}
    assert found == {"flask": True, "other": False, "gone": False}
