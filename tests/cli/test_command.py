# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from localdev_recovery import procedures
from localdev_recovery.cli import main
from localdev_recovery.procedures import PROCEDURES, SESSIONS, Procedure, as_typed

COLLECTION = Path(__file__).resolve().parents[2] / "collections/ansible_collections/localdev/recovery"


@pytest.mark.parametrize("procedure", PROCEDURES, ids=lambda procedure: procedure.verb)
def test_every_verb_has_its_playbook_and_its_variables(procedure: Procedure) -> None:
    assert (COLLECTION / "playbooks" / f"{procedure.playbook}.yml").is_file()
    defaults = COLLECTION / "roles" / procedure.playbook / "defaults" / "main.yml"
    known = yaml.safe_load(defaults.read_text()) if defaults.exists() else {}
    assert {option.variable for option in procedure.options} <= set(known)


@pytest.mark.parametrize("procedure", PROCEDURES, ids=lambda procedure: procedure.verb)
def test_every_verb_teaches_its_use(procedure: Procedure) -> None:
    done = CliRunner().invoke(main, [procedure.verb, "--help"])
    assert done.exit_code == 0
    for word in (procedure.summary, procedure.address, "-C DIR", "--inventory", "--check", "--json"):
        assert word in done.output
    for option in procedure.options:
        assert (option.flag or option.placeholder) in done.output


def test_help_lists_the_verbs_in_the_order_of_the_table_and_the_exit_codes() -> None:
    text = CliRunner().invoke(main, ["--help"]).output
    places = [text.index(f"\n  {procedure.verb} ") for procedure in (*PROCEDURES, *SESSIONS)]
    assert places == sorted(places)
    assert "130  interrupted" in text


@pytest.mark.parametrize(
    ("text", "typed"),
    [
        ("Next: ansible-playbook localdev.recovery.undo", "Next: localdev undo -C /srv/a"),
        (
            "To take this back: ansible-playbook localdev.recovery.undo -e undo_run_id=20260131T100000Z-1f2e",
            "To take this back: localdev undo -C /srv/a 20260131T100000Z-1f2e",
        ),
        (
            "ansible-playbook localdev.recovery.cleanup -e cleanup_keep=2 -e stack_no_log=false (or not)",
            "localdev cleanup -C /srv/a --keep 2 -e stack_no_log=false (or not)",
        ),
        (
            "ansible-playbook localdev.recovery.full_rebuild -e full_rebuild_seed=false",
            "localdev rebuild -C /srv/a --no-seed",
        ),
        ("ansible-playbook localdev.recovery.full_rebuild -e full_rebuild_seed=true", "localdev rebuild -C /srv/a"),
        ("ansible-playbook localdev.recovery.docker_engine", "ansible-playbook localdev.recovery.docker_engine"),
        ("docker compose logs db", "docker compose logs db"),
    ],
)
def test_commands_are_named_as_one_types_them_here(text: str, typed: str) -> None:
    assert as_typed(text, ["-C", "/srv/a"]) == typed


def test_names_with_blanks_are_quoted() -> None:
    assert as_typed("ansible-playbook localdev.recovery.undo", ["-C", "my stack"]) == "localdev undo -C 'my stack'"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["status", "-C", "/no/such/folder"], "The project folder /no/such/folder does not exist"),
        (["status", "-C", __file__], "is not a folder"),
        (["status", "-i", "/no/such/inventory"], "The inventory /no/such/inventory does not exist"),
        (["-C", "/no/such/folder", "status"], "The project folder /no/such/folder does not exist"),
        (["status", "-C", "/tmp", "-i", "one,two"], "exclude each other"),
        (["cleanup", "--keep", "many"], "'many' is not a valid integer"),
        (["rebuld"], "rebuld"),
        (["status", "--jsn"], "--json"),
    ],
)
def test_wrong_usage_is_one_helpful_error(arguments: list[str], words: str) -> None:
    done = CliRunner().invoke(main, arguments)
    assert done.exit_code == 2
    assert words in done.output
    assert "Traceback" not in done.output


def test_wrong_usage_as_json() -> None:
    done = CliRunner().invoke(main, ["status", "-C", "/no/such/folder", "--json"])
    document = json.loads(done.stdout)
    assert (document["verb"], document["outcome"], document["exit_code"]) == ("status", "usage", 2)
    assert "/no/such/folder" in document["error"]["message"]


def test_an_unknown_procedure_names_the_known_ones() -> None:
    from localdev_recovery import run

    result = run("rebuild")
    assert result.exit_code == 2
    assert result.error is not None
    assert "full_rebuild" in result.error.message
    assert procedures.find("full_rebuild") is not None
