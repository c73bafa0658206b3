# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every verb on the reference stack: in check mode in a terminal, then for real without one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import schema

from localdev_recovery.verbs.catalog import PROCEDURES
from tests.cli.commands import ANSI, run_localdev, start_in_terminal, wait_for_exit
from tests.harness.engine import docker
from tests.harness.reference_stack import ReferenceStack
from tests.harness.stack_settings import ACCOUNT_VARIABLES

pytestmark = pytest.mark.docker

SOURCE = "backend/app/core/__init__.py"
# In this order: each finds what those before it have left. {folder} is an empty one, {kept} the newest run that keeps
# something: the newest of all is a backup, which keeps nothing.
VERB_ARGUMENTS: dict[str, tuple[str, ...]] = {
    "init": ("--file", "{folder}/localdev.yml"),
    "status": (),
    "env repair": (),
    "admin repair": (),
    "backup create": ("--format", "plain"),
    "backup list": (),
    "backup verify": ("latest",),
    "backup fetch": ("--to", "{folder}"),
    "backup push": ("--from", "{folder}"),
    "restore": ("latest",),
    "schema repair": (),
    "container inject": (SOURCE,),
    "registration repair": (),
    "container restart": ("redis",),
    "container rebuild": ("backend",),
    "container reset": (),
    "volume backup": ("redis",),
    "volume restore": ("latest",),
    "volume to-bind": (),
    "volume to-named": (),
    "rebuild": (),
    "undo": ("{kept}",),
    "run list": (),
    "run show": (),
    "cleanup": ("--keep", "1"),
    "host provision": ("--source", "{folder}"),
}
# The others are run for real without a terminal in test_runs.py and test_projects.py, or are long and no other here.
FOR_REAL = (
    "env repair", "admin repair", "backup create", "backup list", "backup verify", "backup fetch", "backup push",
    "container inject", "registration repair", "container restart", "volume backup",
)  # fmt: skip


def test_no_verb_is_forgotten() -> None:
    assert sorted(VERB_ARGUMENTS) == sorted(procedure.verb for procedure in PROCEDURES)


@pytest.fixture(scope="module")
def prepared_stack(shared_stack: ReferenceStack) -> Iterator[ReferenceStack]:
    """Yield a stack that has something to do for each verb."""
    shared_stack.reset()
    shared_stack.write_inventory(
        **ACCOUNT_VARIABLES,
        stack_expected_rows={},
        stack_registration_check="['probe']",
        stack_registration_expected=["probe"],
    )
    source = shared_stack.dir / SOURCE
    old = source.read_text()
    source.write_text(f"{old}\nCHANGED = True\n")
    try:
        yield shared_stack
    finally:
        source.write_text(old)
        shared_stack.write_inventory()
        docker("rm", "--force", "--volumes", *shared_stack.containers(), check=False)


@pytest.mark.parametrize("verb", VERB_ARGUMENTS)
def test_a_verb(verb: str, prepared_stack: ReferenceStack, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.getbasetemp() / "handed-over"
    folder.mkdir(exist_ok=True)
    kept = [record["run_id"] for record in prepared_stack.run_records() if record["asides"]]
    words = [
        *verb.split(),
        *(word.format(folder=folder, kept="".join(kept[-1:])) for word in VERB_ARGUMENTS[verb]),
        "-i",
        str(prepared_stack.inventory),
    ]
    before = prepared_stack.engine_state(), prepared_stack.run_ids()
    document, shown = run_in_terminal([*words, "--check"], folder / "result.json")
    assert (document["verb"], document["check"]) == (verb, True)
    assert (prepared_stack.engine_state(), prepared_stack.run_ids()) == before
    output = shown

    if verb in FOR_REAL:
        done = run_localdev(*words)
        assert done.returncode == 0, done.stderr + done.stdout
        assert "\x1b" not in done.stdout + done.stderr
        output += done.stdout + done.stderr
    assert "ansible-playbook" not in output + json.dumps(document)
    assert not any(secret in output + json.dumps(document) for secret in prepared_stack.read_secrets())


def run_in_terminal(arguments: list[str], answer: Path) -> tuple[dict[str, Any], str]:
    """Return the result as a program gets it, and what the terminal has shown."""
    code, text = wait_for_exit(start_in_terminal(*arguments, "--json", into=answer))
    document: dict[str, Any] = json.loads(answer.read_text())
    jsonschema.validate(document, json.loads(schema.SCHEMA.read_text()))
    assert (code, document["outcome"]) == (0, "done"), text + json.dumps(document)
    shown = ANSI.sub("", text)
    for step in document["hosts"]["localhost"]["steps"]:
        assert f"[{step['n']}/{step['of']}]" in shown
    return document, shown
