# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""No code and no test reads a sentence: ids, values and commands are data, and golden files hold the texts."""

from __future__ import annotations

import ast
import errno
import functools
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from ansible_collections.localdev.recovery.plugins.module_utils._core.next_command import COLLECTION as FQCN

ROOT = Path(__file__).resolve().parents[2]
COLLECTION = ROOT / "collections/ansible_collections/localdev/recovery"
CODE = sorted(path for folder in (COLLECTION / "plugins", ROOT / "src") for path in folder.rglob("*.py"))
BENCHMARKS = sorted((ROOT / "benchmarks").glob("*.py"))
TESTS = sorted(path for folder in (COLLECTION / "tests", ROOT / "tests") for path in folder.rglob("*.py"))
ROLES = sorted(path for path in (COLLECTION / "roles").rglob("*.yml") if path.parent.name != "meta")
GOLDEN_FOLDERS = (COLLECTION / "tests/unit/golden", ROOT / "tests/cli/golden")
PLAYS = sorted(
    path for folder in (COLLECTION / "tests/integration", ROOT / "molecule") for path in folder.rglob("*.yml")
)

# Documentation of modules and plugins.
DOCUMENTATION = {"DOCUMENTATION", "EXAMPLES", "RETURN"}
# Keys whose text is for people.
TEXT_KEYS = {"message", "msg", "hint", "details", "lines", "aftermath", "notes"}
SENTENCE_KEYS = {"message", "msg", "hint"}
READING_METHODS = {"split", "rsplit", "partition", "rpartition", "startswith", "endswith", "find", "index", "replace"}
PATTERN_METHODS = {"search", "match", "fullmatch", "findall", "finditer", "sub", "split"}
ERRORS = {"RecoveryError", "DockerError"}
# Helpers of tests that take the values of a text.
NAMING_VALUES = {"raises_failure", "assert_lines_name", "assert_clear_error", "assert_shows"}
# Fewer words may be a name or a value.
SENTENCE_WORDS = 4
SYSTEM_ERRORS = {os.strerror(number).lower() for number in errno.errorcode}


class Loader(yaml.SafeLoader):
    """A loader that reads !unsafe and !vault as the values that they mark."""


Loader.add_multi_constructor("!", lambda loader, suffix, node: loader.construct_scalar(node))


@functools.cache
def parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def place(path: Path, node: ast.AST) -> str:
    return f"{path.relative_to(ROOT)}:{getattr(node, 'lineno', 0)}"


def list_texts(path: Path) -> Iterator[ast.Constant]:
    """Yield the strings of a file that are neither docstrings nor documentation."""
    documentation = {
        id(node.value)
        for node in ast.walk(parse(path))
        if isinstance(node, ast.Expr)
        or (isinstance(node, ast.Assign) and DOCUMENTATION & {getattr(target, "id", "") for target in node.targets})
    }
    for node in ast.walk(parse(path)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documentation:
            yield node


def list_role_texts(data: Any, *, is_text: bool = False) -> Iterator[str]:
    """Yield the strings for people in the YAML of a role."""
    if isinstance(data, dict):
        for key, value in data.items():
            yield from list_role_texts(value, is_text=is_text or key in TEXT_KEYS)
    elif isinstance(data, list):
        for item in data:
            yield from list_role_texts(item, is_text=is_text)
    elif is_text and isinstance(data, str):
        yield data


def read_yaml(path: Path) -> Any:
    return yaml.load(path.read_text(), Loader)


def normalize(text: str) -> str:
    return " ".join(text.split()).lower()


def is_sentence(node: ast.AST) -> bool:
    """Return whether an expression is the attribute or the key of a text for people."""
    if isinstance(node, ast.Attribute):
        return node.attr in SENTENCE_KEYS
    return isinstance(node, ast.Subscript) and getattr(node.slice, "value", None) in SENTENCE_KEYS


def reads_sentence(node: ast.AST) -> bool:
    """Return whether an expression looks for something in a text for people, or takes it apart."""
    if isinstance(node, ast.Compare):
        looks = any(isinstance(operator, (ast.In, ast.NotIn)) for operator in node.ops)
        return looks and any(map(is_sentence, node.comparators))
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        takes_apart = node.func.attr in READING_METHODS and is_sentence(node.func.value)
        return takes_apart or (node.func.attr in PATTERN_METHODS and any(map(is_sentence, node.args)))
    return False


def list_names(node: ast.AST) -> set[str]:
    return {found.id for found in ast.walk(node) if isinstance(found, ast.Name)}


# --- code ----------------------------------------------------------------------------------------------------------


def test_code_reads_no_sentence() -> None:
    nodes = [(path, node) for path in CODE + BENCHMARKS for node in ast.walk(parse(path))]
    assert [place(path, node) for path, node in nodes if reads_sentence(node)] == []


def test_commands_are_no_text() -> None:
    command = re.compile(rf"\bansible-playbook (?:\S+ )*{re.escape(FQCN)}\.\w|`localdev \w|\bdocker compose --")
    found = [place(path, node) for path in CODE for node in list_texts(path) if command.search(str(node.value))]
    found += [
        f"{path.relative_to(ROOT)}: {text}"
        for path in ROLES
        for text in list_role_texts(read_yaml(path))
        if command.search(text)
    ]
    assert found == []


# --- tests ---------------------------------------------------------------------------------------------------------


def test_failures_are_expected_by_their_id() -> None:
    """Check that only raises_failure expects an error of the collection: it takes an id and values."""
    found = [
        place(path, node)
        for path in TESTS
        if path.name != "failure_assertions.py"
        for node in ast.walk(parse(path))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "raises"
        and any(ERRORS & list_names(argument) for argument in node.args)
    ]
    assert found == []


@functools.cache
def read_sentences() -> str:
    """Return all text of the collection and of the command, in lower case."""
    texts = [str(node.value) for path in CODE for node in list_texts(path)]
    texts += [text for path in ROLES for text in list_role_texts(read_yaml(path))]
    return "\n".join(map(normalize, texts))


def list_expected_texts(path: Path) -> Iterator[ast.Constant]:
    """Yield the strings in assertions, and in what names the values of a failure."""
    for node in ast.walk(parse(path)):
        if isinstance(node, ast.Assert):
            expected: list[ast.AST] = [node.test]
        elif isinstance(node, ast.Call) and list_names(node.func) & NAMING_VALUES:
            expected = list(node.args)
        else:
            continue
        for part in expected:
            for text in ast.walk(part):
                if isinstance(text, ast.Constant) and isinstance(text.value, str):
                    yield text


def repeats_sentence(text: str) -> bool:
    """Return whether a text is a part of a sentence of the collection, and long enough for one."""
    text = normalize(text).strip(" .:;")
    is_long = len(re.findall(r"(?:^| )[a-z']+", text)) >= SENTENCE_WORDS
    return is_long and text not in SYSTEM_ERRORS and text in read_sentences()


def test_assertions_repeat_no_sentence() -> None:
    texts = [(place(path, node), str(node.value)) for path in TESTS for node in list_expected_texts(path)]
    assert [text for text in texts if repeats_sentence(text[1])] == []


def test_plays_read_no_sentence() -> None:
    keys = "|".join(sorted(SENTENCE_KEYS))
    search = re.compile(rf"\.(?:{keys})\b.*\bis (?:not )?(?:search|match|regex)\b")
    expected = re.compile(r"'([^']+)' (?:not )?in |\b(?:search|match)\('([^']+)'")
    found = []
    for path in PLAYS:
        for line in path.read_text().splitlines():
            texts = map("".join, expected.findall(line))
            if search.search(line) or any(map(repeats_sentence, texts)):
                found.append(f"{path.relative_to(ROOT)}: {line.strip()}")
    assert found == []


# A count of one before a plural. A decimal part is no count.
WRONG_COUNT = re.compile(
    r"(?<![\d.,-])1 (?:files|rows|tables|migrations|images|services|dumps|characters|revisions|restarts|things|bytes)\b"
)


def test_no_golden_text_counts_one_of_several() -> None:
    found = [
        f"{path.relative_to(ROOT)}: {match[0]}"
        for folder in GOLDEN_FOLDERS
        for path in folder.rglob("*.txt")
        for match in WRONG_COUNT.finditer(path.read_text())
    ]
    assert found == []
