# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import click
import jsonschema
import pytest
import schema
import yaml
from click.testing import CliRunner

from localdev_recovery import cli, procedures
from localdev_recovery.cli import main
from localdev_recovery.procedures import GROUPS, PROCEDURES, SESSIONS, Procedure, translate_commands

COLLECTION = Path(__file__).resolve().parents[2] / "collections/ansible_collections/localdev/recovery"


@pytest.mark.parametrize("procedure", PROCEDURES, ids=lambda procedure: procedure.verb)
def test_every_verb_has_its_playbook_and_its_variables(procedure: Procedure) -> None:
    assert (COLLECTION / "playbooks" / f"{procedure.playbook}.yml").is_file()
    defaults = COLLECTION / "roles" / procedure.playbook / "defaults" / "main.yml"
    known = yaml.safe_load(defaults.read_text()) if defaults.exists() else {}
    assert {option.variable for option in procedure.options} | set(procedure.preset_variables) <= set(known)


@pytest.mark.parametrize("procedure", PROCEDURES, ids=lambda procedure: procedure.verb)
def test_every_verb_teaches_its_use(procedure: Procedure) -> None:
    done = CliRunner().invoke(main, [*procedure.verb.split(), "--help"])
    assert done.exit_code == 0
    for word in (procedure.summary, procedure.playbook_fqcn, "-C DIR", "--inventory", "--check", "--json"):
        assert word in done.output
    for option in procedure.options:
        assert (option.flag or option.placeholder) in done.output


@pytest.mark.parametrize("group", GROUPS)
def test_a_group_lists_its_verbs(group: str) -> None:
    text = CliRunner().invoke(main, [group, "--help"]).output
    of_group = [p for p in PROCEDURES if p.verb.startswith(f"{group} ")]
    assert of_group
    for procedure in of_group:
        assert f"\n  {procedure.verb.split()[1]} " in text
    assert CliRunner().invoke(main, [group, "nonsense"]).exit_code == 2


def test_help_lists_the_verbs_in_the_order_of_the_table_and_the_exit_codes() -> None:
    text = CliRunner().invoke(main, ["--help"]).output
    words = dict.fromkeys(verb.verb.split()[0] for verb in (*PROCEDURES, *SESSIONS))
    places = [text.index(f"\n  {word} ") for word in words]
    assert places == sorted(places)
    assert "130  interrupted" in text


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("Next: ansible-playbook localdev.recovery.undo", "Next: localdev undo -C /srv/a"),
        (
            "ansible-playbook localdev.recovery.volume_transition -e volume_transition_to=bind goes back",
            "localdev volumes to-bind -C /srv/a goes back",
        ),
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
        (
            "ansible-playbook localdev.recovery.container_recovery -e container_recovery_action=restart "
            "-e container_recovery_services=backend -e container_recovery_recreate=true",
            "localdev restart -C /srv/a backend --recreate",
        ),
        (
            "ansible-playbook localdev.recovery.container_recovery -e container_recovery_no_cache=true "
            "-e container_recovery_action=rebuild",
            "localdev rebuild-images -C /srv/a --no-cache",
        ),
        (
            "ansible-playbook localdev.recovery.container_recovery -e container_recovery_action=restart "
            "-e container_recovery_services=api,web, then look again",
            "localdev restart -C /srv/a api web, then look again",
        ),
        (
            "ansible-playbook localdev.recovery.container_recovery -e container_recovery_action=destroy",
            "ansible-playbook localdev.recovery.container_recovery -e container_recovery_action=destroy",
        ),
        ("ansible-playbook localdev.recovery.docker_engine", "ansible-playbook localdev.recovery.docker_engine"),
        ("docker compose logs db", "docker compose logs db"),
    ],
)
def test_commands_are_named_as_one_types_them_here(text: str, command: str) -> None:
    assert translate_commands(text, ["-C", "/srv/a"]) == command


def test_every_verb_of_a_playbook_sets_something_else() -> None:
    distinct_verbs = {(p.playbook, tuple(sorted(p.preset_variables.items()))) for p in PROCEDURES}
    assert len(distinct_verbs) == len(PROCEDURES)
    assert procedures.find_procedure("container_recovery") is not None


@pytest.mark.parametrize(
    ("arguments", "variables"),
    [
        (["restart"], {"container_recovery_action": "restart"}),
        (
            ["restart", "backend", "db"],
            {"container_recovery_action": "restart", "container_recovery_services": ("backend", "db")},
        ),
        (
            ["rebuild-images", "--no-cache", "backend"],
            {
                "container_recovery_action": "rebuild",
                "container_recovery_services": ("backend",),
                "container_recovery_no_cache": True,
            },
        ),
    ],
)
def test_verbs_preset_variables_and_take_several_arguments(
    arguments: list[str], variables: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    given: dict[str, object] = {}
    monkeypatch.setattr("localdev_recovery.cli.run_verb", lambda _procedure, chosen, **_options: given.update(chosen))
    assert CliRunner().invoke(main, arguments).exit_code == 0
    assert given == variables


def test_names_with_blanks_are_quoted() -> None:
    assert (
        translate_commands("ansible-playbook localdev.recovery.undo", ["-C", "my stack"])
        == "localdev undo -C 'my stack'"
    )


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


@pytest.mark.parametrize(
    ("arguments", "variables"),
    [
        (["a.py", "b c.py"], {"code_injection_files": ("a.py", "b c.py")}),
        (["--git-range", "main..HEAD"], {"code_injection_git_range": "main..HEAD"}),
    ],
    ids=["several", "none"],
)
def test_an_argument_that_may_be_repeated(
    monkeypatch: pytest.MonkeyPatch, arguments: list[str], variables: dict[str, Any]
) -> None:
    given: list[dict[str, Any]] = []
    monkeypatch.setattr(cli, "run_verb", lambda _procedure, found, **_options: given.append(found))
    assert CliRunner().invoke(main, ["inject", *arguments]).exit_code == 0
    assert given == [variables]


def test_a_password_is_asked_for_only_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    done = CliRunner().invoke(main, ["admin", "--ask"])
    assert done.exit_code == 2
    assert "There is no terminal on which --ask could ask" in done.output
    monkeypatch.delenv("NO_SUCH_PASSWORD", raising=False)
    done = CliRunner().invoke(main, ["admin", "--password-variable", "NO_SUCH_PASSWORD"])
    assert done.exit_code == 2
    assert "NO_SUCH_PASSWORD of --password-variable is not set" in done.output


@pytest.mark.parametrize("how", [click.Abort, KeyboardInterrupt])
def test_an_interrupted_question_changes_nothing_and_says_so(
    monkeypatch: pytest.MonkeyPatch, how: type[BaseException]
) -> None:
    def ask(*_arguments: Any, **_options: Any) -> None:
        raise how

    monkeypatch.setattr(cli, "run_verb", ask)
    done = CliRunner().invoke(main, ["init"])
    assert done.exit_code == 130
    assert "Interrupted; nothing was changed." in done.output


def test_a_password_travels_in_a_private_file_that_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[str, str] = {}

    def run_verb(procedure: Procedure, variables: dict[str, str], **given: object) -> None:
        path = Path(variables["admin_account_password_file"])
        seen.update(text=path.read_text(), mode=f"{path.stat().st_mode & 0o777:o}", path=str(path))

    monkeypatch.setattr("localdev_recovery.cli.run_verb", run_verb)
    monkeypatch.setenv("PLANTED_PASSWORD", "Planted-Passw0rd")
    done = CliRunner().invoke(main, ["admin", "--password-variable", "PLANTED_PASSWORD"])
    assert done.exit_code == 0, done.output
    assert (seen["text"], seen["mode"]) == ("Planted-Passw0rd\n", "600")
    assert not Path(seen["path"]).exists()
    assert "PLANTED_PASSWORD" not in os.environ
    assert "Planted-Passw0rd" not in done.output


def test_the_published_schema_is_that_of_the_result() -> None:
    assert schema.SCHEMA.read_text() == schema.format_schema()


def test_wrong_usage_as_json() -> None:
    done = CliRunner().invoke(main, ["status", "-C", "/no/such/folder", "--json"])
    document = json.loads(done.stdout)
    jsonschema.validate(document, json.loads(schema.SCHEMA.read_text()))
    assert (document["verb"], document["outcome"], document["exit_code"]) == ("status", "usage", 2)
    assert "/no/such/folder" in document["error"]["message"]


def test_an_unknown_procedure_names_the_known_ones() -> None:
    from localdev_recovery import run

    result = run("rebuild")
    assert result.exit_code == 2
    assert result.error is not None
    assert "full_rebuild" in result.error.message
    assert procedures.find_procedure("full_rebuild") is not None
