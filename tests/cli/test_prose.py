# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Docstrings begin with a verb, and no text has a word that CONTRIBUTING.md replaces by a plainer one."""

from __future__ import annotations

import ast
import functools
import io
import re
import subprocess
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

# The imperatives with which the docstring of a function may begin. ruff's D401 accepts words that it does not know.
VERB_LIST = """
    Act Add Answer Apply Ask Attach Become Begin Bring Build Call Check Classify Clone Close Compare Compile
    Copy Count Create Decide Delete Describe Do Drop Dump End Exit Expect Extract Fail Fill Filter Find Flush
    Generate Give Hide Hold Ignore Imitate Import Insert Install Keep Kill Leave Let Listen Load Make Mark Mask
    Measure Mount Move Name Note Offer Open Pack Package Parse Plan Poll Prepare Pretend Print Process Prompt
    Put Raise Read Recognise Record Refuse Register Remove Rename Replace Report Restore Return Run Save Search
    Select Send Set Settle Show Sort Split Start Stop Stream Tag Take Test Trace Truncate Undo Uninstall Unpack
    Use Wait Walk Write Yield
"""
VERBS = frozenset(VERB_LIST.split())
# These begin a noun clause or refer to nothing.
CLASS_OPENINGS = re.compile(r"(How|That|These|This|Those|What|When|Where|Whether|Which|Who|Whoever|Whose|Why)\b")

# Words that are old, vague or literary. A space stands for any white space, also across the lines of a comment.
DENIED = [
    "affairs?",
    "anew",
    "(an|any|each|every|its|new|newest|no|of|old|oldest|the|their|whose) asides?",
    "(bring|brings|brought) the state before back",
    "(came|come|comes|coming) to (an|no) end",
    "cut short",
    "damaged",
    "has another SHA-256",
    "lies?",
    "meanwhile",
    "mend(s|ed|ing)?",
    "no good",
    "no news",
    "nobody",
    "not whole",
    "of which",
    "prov(e|ed|en|es|ing)",
    "scratch database",
    "shall",
    "somebody",
    "(take|takes|taken|taking|took)( (it|them|this|that|all|run|a run|the run))? back",
    "what a run makes for itself",
    "whatever",
    "wherein",
    "whoever",
]
DENIED_PATTERN = re.compile(r"(?<![\w./-])(?:" + "|".join(DENIED).replace(" ", r"[\s#]+") + r")(?![\w/-]|\.\w)", re.I)
# Code, which has its own words: marked text, quoted words, keys and ids of YAML.
CODE_PATTERN = re.compile(
    r"""`[^`\n]+`|\b[CFOPRV]\([^)\n]+\)|(["'])[\w.]+\1|^ *\w+:(?= )( \w+$)?|\b(name|step): \w+(?=,)""", re.MULTILINE
)
# (end of the path, text): a technical term, or a quotation of another program.
ALLOWED = {
    ("n8n/Dockerfile", "nobody"),  # The user of Unix.
}
# Recorded output of other programs, licences and pictures. This file quotes the words.
EXCLUDED = re.compile(r"LICENSE|\.(jsonl|svg)$|fixtures/.*\.(json|txt)$|^tests/cli/test_prose\.py$")


def list_files() -> list[Path]:
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True)
    paths = [ROOT / name for name in tracked.stdout.splitlines() if not EXCLUDED.search(name)]
    return [path for path in paths if path.is_file() and not path.is_symlink()]


FILES = list_files()
PYTHON_FILES = [path for path in FILES if path.suffix == ".py"]


@functools.cache
def list_nodes(path: Path) -> list[ast.AST]:
    return list(ast.walk(ast.parse(path.read_text())))


def list_docstrings(kinds: tuple[type[ast.AST], ...]) -> Iterator[tuple[str, str]]:
    """Yield place and docstring of each definition of these kinds."""
    for path in PYTHON_FILES:
        for node in list_nodes(path):
            if isinstance(node, kinds) and (text := ast.get_docstring(node)):  # type: ignore[arg-type]
                yield f"{path.relative_to(ROOT)}:{node.body[0].lineno}", text  # type: ignore[attr-defined]


def blank(text: str) -> str:
    """Return the text with spaces for all but its line breaks, so that places stay the same."""
    return re.sub(r"[^\n]", " ", text)


def extract_prose(path: Path) -> str:
    """Return the text of a file with its code blanked: of Python only comments and strings of several words stay."""
    text = path.read_text()
    if path.suffix == ".py":
        lines = [list(blank(line)) for line in text.split("\n")]
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            prose = token.string
            if token.type == tokenize.STRING and prose[: prose.index(prose[-1])].lower().count("f"):
                prose = re.sub(r"\{[^{}]*\}", lambda found: blank(found[0]), prose)
            if token.type == tokenize.COMMENT or (
                tokenize.tok_name[token.type] in ("STRING", "FSTRING_MIDDLE") and " " in prose.strip()
            ):
                for number, part in enumerate(prose.split("\n")):
                    start = 0 if number else token.start[1]
                    lines[token.start[0] - 1 + number][start : start + len(part)] = part
        text = "\n".join("".join(line) for line in lines)
    return CODE_PATTERN.sub(lambda found: blank(found[0]), text)


def list_denied_words(path: Path) -> list[str]:
    if not DENIED_PATTERN.search(path.read_text(errors="replace")):
        return []  # Most files: the search is much faster than the tokenizer.
    prose = extract_prose(path)
    return [
        f"{path.relative_to(ROOT)}:{prose.count(chr(10), 0, found.start()) + 1}: {found[0]!r}"
        for found in DENIED_PATTERN.finditer(prose)
        if not any(str(path).endswith(end) and found[0] == word for end, word in ALLOWED)
    ]


def test_docstrings_of_functions_begin_with_a_verb() -> None:
    docstrings = list_docstrings((ast.FunctionDef, ast.AsyncFunctionDef))
    assert [f"{place}: {text}" for place, text in docstrings if re.split(r"\W", text)[0] not in VERBS] == []


def test_docstrings_of_classes_begin_with_a_noun() -> None:
    docstrings = list_docstrings((ast.ClassDef,))
    assert [f"{place}: {text}" for place, text in docstrings if CLASS_OPENINGS.match(text)] == []


def test_no_text_has_a_denied_word() -> None:
    assert [word for path in FILES for word in list_denied_words(path)] == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('"""Say whatever."""', ["whatever"]),
        ("# The run was cut\n# short.", ["cut\n# short"]),
        ('x = f"{nobody} sees it"', []),
        ('x = f"the {1} lies there"', ["lies"]),
        ('state = "damaged"', []),
        ("# It is `damaged`, or V(damaged).", []),
        ('# The id is backup.damaged.\nmend = {"a mend": aside}', ["mend"]),
        ("# Set the volume aside.\n# The old aside is deleted.", ["old aside"]),
    ],
)
def test_prose_is_what_people_read(tmp_path: Path, text: str, found: list[str]) -> None:
    file = tmp_path / "file.py"
    file.write_text(text)
    assert [match[0] for match in DENIED_PATTERN.finditer(extract_prose(file))] == found
