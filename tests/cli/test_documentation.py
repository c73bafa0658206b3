# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The documentation names only commands that exist, and all of them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from localdev_recovery.cli import main
from localdev_recovery.results import EXIT_CODES
from localdev_recovery.verbs.catalog import NOUNS, PROCEDURES

ROOT = Path(__file__).resolve().parents[2]
COLLECTION = ROOT / "collections/ansible_collections/localdev/recovery"
TEXTS = [ROOT / "README.md", COLLECTION / "README.md", *ROOT.glob("docs/*.md"), *COLLECTION.glob("roles/*/README.md")]


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_every_verb_that_is_named_exists(path: Path) -> None:
    named = re.findall(r"(?:`|^|\$\()localdev ([a-z][a-z-]+)(?: ([a-z-]+))?", path.read_text(), re.MULTILINE)
    assert {first for first, _second in named} <= set(main.commands)
    of_nouns = {f"{first} {second}".strip() for first, second in named if first in NOUNS}
    alone = {name for name, noun in NOUNS.items() if noun.default}
    assert of_nouns <= {p.verb for p in PROCEDURES} | alone


def test_the_readme_names_every_procedure() -> None:
    text = (ROOT / "README.md").read_text()
    table = text.partition("<!-- procedures -->")[2].partition("<!-- end -->")[0]
    assert {p.playbook for p in PROCEDURES} <= set(re.findall(r"`(\w+)`", table))
    named = {f"{first} {second}".strip() for first, second in re.findall(r"`localdev ([a-z-]+)(?: ([a-z-]+))?", table)}
    assert {p.verb for p in PROCEDURES} <= named


def test_the_readme_of_the_collection_names_every_playbook() -> None:
    rows = [row for row in (COLLECTION / "README.md").read_text().splitlines() if row.startswith("| `")]
    named = [name for row in rows for name in re.findall(r"`localdev\.recovery\.(\w+)`", row)]
    assert sorted(named) == sorted(path.stem for path in COLLECTION.glob("playbooks/*.yml"))


def test_the_exit_codes_are_explained() -> None:
    rows = re.findall(r"^\| (\d+) \|", (ROOT / "docs/failures.md").read_text(), re.MULTILINE)
    assert sorted(map(int, rows)) == sorted(EXIT_CODES.values())
