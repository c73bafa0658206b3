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

from localdev_recovery import cli
from localdev_recovery.cli import main
from localdev_recovery.results import EXIT_CODES, Outcome
from localdev_recovery.verbs.catalog import NOUNS, OVERVIEW, PROCEDURES, SESSIONS, find_procedure
from localdev_recovery.verbs.definition import Procedure
from tests.cli.golden_text import assert_text

COLLECTION = Path(__file__).resolve().parents[2] / "collections/ansible_collections/localdev/recovery"


@pytest.mark.parametrize("procedure", PROCEDURES, ids=lambda procedure: procedure.verb)
def test_every_verb_has_its_playbook_and_its_variables(procedure: Procedure) -> None:
    assert (COLLECTION / "playbooks" / f"{procedure.playbook}.yml").is_file()
    known: set[str] = set()
    # init also answers what discovery leaves open in the description of the stack.
    for role in (procedure.playbook, *(["stack"] if procedure.playbook == "init" else [])):
        defaults = COLLECTION / "roles" / role / "defaults" / "main.yml"
        known |= set(yaml.safe_load(defaults.read_text()) if defaults.exists() else {})
    assert {option.variable for option in procedure.options} | set(procedure.preset_variables) <= known


@pytest.mark.parametrize("procedure", PROCEDURES, ids=lambda procedure: procedure.verb)
def test_every_verb_teaches_its_use(procedure: Procedure) -> None:
    done = CliRunner().invoke(main, [*procedure.verb.split(), "--help"])
    assert done.exit_code == 0
    for word in (procedure.playbook_fqcn, "-C DIR", "--inventory", "--check", "--json"):
        assert word in done.output
    for option in procedure.options:
        assert (option.flag or option.placeholder) in done.output


@pytest.mark.parametrize("name", ["", *NOUNS])
def test_help_of_a_group(name: str) -> None:
    text = CliRunner().invoke(main, [*name.split(), "--help"], prog_name="localdev").output
    assert_text("_".join(["help", *name.split()]), text)


@pytest.mark.parametrize("verb", [verb.verb for verb in (*PROCEDURES, *SESSIONS)])
def test_help_of_a_verb(verb: str) -> None:
    text = CliRunner().invoke(main, [*verb.split(), "--help"], prog_name="localdev").output
    assert_text("_".join(["help", *verb.split()]), text)


@pytest.mark.parametrize("name", NOUNS)
def test_a_noun_lists_its_verbs(name: str) -> None:
    text = CliRunner().invoke(main, [name, "--help"]).output
    verbs = [procedure.verb.split() for procedure in NOUNS[name].procedures]
    assert [noun for noun, _verb in verbs] == [name] * len(verbs)
    assert all(f"\n  {verb} " in text for _noun, verb in verbs)
    assert CliRunner().invoke(main, [name, "nonsense"]).exit_code == 2


def test_the_help_fits_a_screen_and_names_every_verb_once() -> None:
    lines = CliRunner().invoke(main, ["--help"]).output.splitlines()
    assert len(lines) <= 40
    assert max(map(len, lines)) <= 80
    words = [word for rows in OVERVIEW.values() for word in rows]
    assert words == list(main.commands)
    rows = {line.split()[0]: line for line in lines if line[:2] == "  " and line.split()[0] in words}
    assert list(rows) == words
    for noun in NOUNS.values():
        verbs = ", ".join(procedure.verb.split()[1] for procedure in noun.procedures)
        assert rows[noun.name].endswith(f"({verbs}).")


@pytest.mark.parametrize("procedure", PROCEDURES, ids=lambda procedure: procedure.verb)
def test_the_help_of_a_verb_lists_the_exit_codes(procedure: Procedure) -> None:
    text = " ".join(CliRunner().invoke(main, [*procedure.verb.split(), "--help"]).output.split())
    assert ", ".join(f"{code} {outcome.value}" for outcome, code in EXIT_CODES.items()) in text


@pytest.mark.parametrize("words", [["backup", "verify"], ["backup"], ["status"], []], ids=" ".join)
def test_help_explains_a_verb(words: list[str]) -> None:
    asked = CliRunner().invoke(main, ["help", *words], prog_name="localdev")
    assert asked.exit_code == 0
    assert asked.output == CliRunner().invoke(main, [*words, "--help"], prog_name="localdev").output


def test_help_of_no_verb_is_an_error() -> None:
    done = CliRunner().invoke(main, ["help", "rebuld"])
    assert done.exit_code == 2
    assert done.output.splitlines()[-1] == "  localdev rebuild"


@pytest.mark.parametrize(
    ("arguments", "playbook", "variables"),
    [
        (["backup"], "backup", {}),
        (["-C", "/tmp", "backup", "--keep", "2", "--check"], "backup", {"backup_keep": 2}),
        (["schema"], "schema_recovery", {}),
        (["schema", "--target", "a1"], "schema_recovery", {"schema_recovery_target": "a1"}),
    ],
    ids=" ".join,
)
def test_a_noun_alone_runs_its_default_verb(
    arguments: list[str], playbook: str, variables: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[Any] = []

    def run_verb(procedure: Procedure, found: dict[str, Any], **options: Any) -> None:
        given.extend([procedure.playbook, found, options["folder"], options["check"]])

    monkeypatch.setattr(cli, "run_verb", run_verb)
    assert CliRunner().invoke(main, arguments).exit_code == 0
    assert given == [playbook, variables, "/tmp" if "-C" in arguments else None, "--check" in arguments]


def test_the_default_verb_of_a_noun_exists() -> None:
    assert {name: noun.default for name, noun in NOUNS.items() if noun.default} == {
        "backup": "create",
        "schema": "repair",
    }
    assert all(noun.default in main.commands[name].commands for name, noun in NOUNS.items() if noun.default)


@pytest.mark.parametrize(
    ("typed", "nearest"),
    [
        ("rebuld", ["rebuild"]),
        ("bakup", ["backup"]),
        ("restart", ["container restart"]),
        ("list", ["run list", "backup list"]),
        ("backup-verify", ["backup verify"]),
        ("backup verfy", ["backup verify"]),
        ("volume to-nmed", ["volume to-named"]),
        ("doctor", []),
    ],
)
def test_a_wrong_verb_suggests_the_nearest(typed: str, nearest: list[str]) -> None:
    done = CliRunner().invoke(main, typed.split(), prog_name="localdev")
    assert done.exit_code == 2
    assert repr(typed.split()[-1]) in done.output
    assert [line for line in done.output.splitlines() if line.startswith("  ")] == [
        f"  localdev {verb}" for verb in nearest
    ]


def test_every_verb_of_a_playbook_sets_something_else() -> None:
    distinct_verbs = {(p.playbook, tuple(sorted(p.preset_variables.items()))) for p in PROCEDURES}
    assert len(distinct_verbs) == len(PROCEDURES)
    assert find_procedure("container_recovery") is not None


@pytest.mark.parametrize(
    ("arguments", "variables"),
    [
        (["container", "restart"], {"container_recovery_action": "restart"}),
        (
            ["container", "restart", "backend", "db"],
            {"container_recovery_action": "restart", "container_recovery_services": ("backend", "db")},
        ),
        (
            ["container", "rebuild", "--no-cache", "backend"],
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


@pytest.mark.parametrize(
    ("golden", "arguments"),
    [
        ("folder", ["status", "-C", "/no/such/folder"]),
        ("folder", ["-C", "/no/such/folder", "status"]),
        ("folder", ["psql", "-C", "/no/such/folder"]),
        ("file_as_folder", ["status", "-C", "/etc/hostname"]),
        ("inventory", ["status", "-i", "/no/such/inventory"]),
        ("folder_and_inventory", ["status", "-C", "/tmp", "-i", "one,two"]),
        ("variables", ["status", "-e", "@/no/such/file"]),
        ("template_as_host", ["status", "-i", "one,two", "-l", "{{ x }}"]),
        ("no_terminal", ["admin", "repair", "--ask"]),
        ("environment_variable", ["admin", "repair", "--password-variable", "NO_SUCH_PASSWORD"]),
    ],
)
def test_wrong_usage_is_one_helpful_error(golden: str, arguments: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_SUCH_PASSWORD", raising=False)
    done = CliRunner().invoke(main, arguments, prog_name="localdev")
    assert done.exit_code == 2
    assert_text(f"usage_{golden}", done.output)


@pytest.mark.parametrize(
    ("arguments", "value"),
    [(["cleanup", "--keep", "many"], "many"), (["rebuld"], "rebuld"), (["status", "--jsn"], "--json")],
)
def test_an_error_of_click_names_the_value(arguments: list[str], value: str) -> None:
    """Expect the value only: Click's wording changes with its versions."""
    done = CliRunner().invoke(main, arguments)
    assert done.exit_code == 2
    assert value in done.output
    assert "Traceback" not in done.output


@pytest.mark.parametrize(
    ("arguments", "failure"),
    [
        (["-C", "/no/such/folder"], "project_folder.missing"),
        (["-C", "/etc/hostname"], "project_folder.not_a_folder"),
        (["-i", "/no/such/inventory"], "inventory.missing"),
        (["-C", "/tmp", "-i", "one,two"], "option.conflict"),
        (["-e", "@/no/such/file"], "variables_file.missing"),
        (["-i", "one,two", "-l", "{{ x }}"], "variable.invalid"),
    ],
)
def test_wrong_usage_as_json(arguments: list[str], failure: str) -> None:
    document = json.loads(CliRunner().invoke(main, ["status", *arguments, "--json"]).stdout)
    jsonschema.validate(document, json.loads(schema.SCHEMA.read_text()))
    assert (document["verb"], document["outcome"], document["exit_code"]) == ("status", "usage", 2)
    assert document["error"]["id"] == failure
    # An error has a next command or a hint, except where it names the option itself.
    assert document["next"] or document["error"]["hint"] or failure == "variable.invalid"


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
    assert CliRunner().invoke(main, ["container", "inject", *arguments]).exit_code == 0
    assert given == [variables]


@pytest.mark.parametrize("how", [click.Abort, KeyboardInterrupt])
def test_an_interrupted_question_changes_nothing_and_says_so(
    monkeypatch: pytest.MonkeyPatch, how: type[BaseException]
) -> None:
    def ask(*_arguments: Any, **_options: Any) -> None:
        raise how

    monkeypatch.setattr(cli, "run_verb", ask)
    done = CliRunner().invoke(main, ["init"])
    assert done.exit_code == EXIT_CODES[Outcome.INTERRUPTED]
    assert_text("interrupted_question", done.output)


def test_a_password_travels_in_a_private_file_that_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[str, str] = {}

    def run_verb(procedure: Procedure, variables: dict[str, str], **given: object) -> None:
        path = Path(variables["admin_account_password_file"])
        seen.update(text=path.read_text(), mode=f"{path.stat().st_mode & 0o777:o}", path=str(path))

    monkeypatch.setattr("localdev_recovery.cli.run_verb", run_verb)
    monkeypatch.setenv("PLANTED_PASSWORD", "Planted-Passw0rd")
    done = CliRunner().invoke(main, ["admin", "repair", "--password-variable", "PLANTED_PASSWORD"])
    assert done.exit_code == 0, done.output
    assert (seen["text"], seen["mode"]) == ("Planted-Passw0rd\n", "600")
    assert not Path(seen["path"]).exists()
    assert "PLANTED_PASSWORD" not in os.environ
    assert "Planted-Passw0rd" not in done.output


def test_an_unknown_procedure_names_the_known_ones() -> None:
    from localdev_recovery import run

    result = run("rebuild")
    assert result.exit_code == 2
    assert result.error is not None
    assert result.error.id == "procedure.unknown"
    assert "full_rebuild" in result.error.hint
    assert find_procedure("full_rebuild") is not None
