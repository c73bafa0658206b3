# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._application.registration import (
    ExpectedRegistrations,
    compare_registrations,
    find_registrable_classes,
)
from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.module_utils._core.next_command import program_command
from ansible_collections.localdev.recovery.tests.unit.failure_assertions import raises_failure

SOURCE = """
from abc import ABC, ABCMeta, abstractmethod
import abc, typing

class Base(ABC): ...
class MetaRule(metaclass=ABCMeta): ...
class HalfRule(Base):
    @abstractmethod
    def counts(self): ...
class LateRule(Base):
    @abc.abstractmethod
    async def counts(self): ...
class FormRule(typing.Protocol): ...
class FirstRule(Base):
    class InnerRule: ...
    def counts(self): ...
class SecondRule(HalfRule): ...
class Helper: ...
"""


def test_classes_that_can_be_registered() -> None:
    assert find_registrable_classes({"b.py": SOURCE, "a.py": "class ThirdRule: ..."}, ".+Rule") == {
        "ThirdRule": "a.py",
        "FirstRule": "b.py",
        "SecondRule": "b.py",
    }


def test_a_source_that_cannot_be_read_is_named() -> None:
    with raises_failure(FailureId.SOURCE_SYNTAX_ERROR, "rules.py", "line 1") as caught:
        find_registrable_classes({"rules.py": "class wrong(:"}, ".*", "/srv/shop")
    assert caught.value.next_command == program_command("python3", "-m", "py_compile", "rules.py", cwd="/srv/shop")


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        ([], ExpectedRegistrations()),
        ("", ExpectedRegistrations()),
        (25, ExpectedRegistrations(None, 25)),
        ("25", ExpectedRegistrations(None, 25)),
        (["a", "b", "a"], ExpectedRegistrations(("a", "b"), 2)),
    ],
)
def test_what_is_expected(value: t.Any, wanted: ExpectedRegistrations) -> None:
    assert ExpectedRegistrations.from_value(value) == wanted


@pytest.mark.parametrize("value", ["many", {"a": 1}, 1.5])
def test_what_cannot_be_expected_is_refused(value: t.Any) -> None:
    with raises_failure(FailureId.OPTION_INVALID, repr(value), "stack_registration_expected"):
        ExpectedRegistrations.from_value(value)


NAMES = [f"Rule{n}" for n in range(25)]


DEFINED = dict.fromkeys(NAMES, "rules.py")


@pytest.mark.parametrize(
    ("found", "expected", "defined", "missing", "duplicates", "problems"),
    [
        (NAMES, ExpectedRegistrations(None, 25), DEFINED, [], [], []),
        (NAMES[:24], ExpectedRegistrations(None, 25), {}, [], [], [("24", "25")]),
        (NAMES[:24], ExpectedRegistrations(None, 25), DEFINED, ["Rule24"], [], [("Rule24", "rules.py"), ("24", "25")]),
        ([], ExpectedRegistrations(None, 25), {}, [], [], [("0", "25")]),
        ([], ExpectedRegistrations(("a7", "b8"), 2), {}, ["a7", "b8"], [], [("a7", "b8"), ("0", "2")]),
        (["b8", "c9"], ExpectedRegistrations(("a7", "b8"), 2), {}, ["a7"], [], [("a7",)]),
        (["a7", "a7"], ExpectedRegistrations(("a7",), 1), {}, [], ["a7"], [("a7",)]),
        (["a7", "b8"], ExpectedRegistrations(None, 1), {}, [], [], []),
        (["a7"], ExpectedRegistrations(("a7",), 1), {"b8": "x.py"}, ["b8"], [], [("b8", "x.py")]),
    ],
    ids=["all", "24 by number", "24 by name", "none by number", "none by name", "another one", "twice", "more", "new"],
)  # fmt: skip
def test_the_verdict(
    found: list[str],
    expected: ExpectedRegistrations,
    defined: dict[str, str],
    missing: list[str],
    duplicates: list[str],
    problems: list[tuple[str, ...]],
) -> None:
    """Check that each problem names the registration."""
    verdict = compare_registrations("rules", found, expected, defined)
    assert (verdict["missing"], verdict["duplicates"], verdict["complete"]) == (missing, duplicates, not problems)
    assert (verdict["label"], verdict["count"], verdict["expected"]) == ("rules", len(found), expected.count)
    for problem, named in zip(verdict["problems"], problems, strict=True):
        assert all(value in problem for value in named)


def test_an_unexpected_item_is_reported_and_no_problem() -> None:
    verdict = compare_registrations("rules", ["a", "z"], ExpectedRegistrations(("a",), 1), {})
    assert (verdict["surplus"], verdict["complete"]) == (["z"], True)
    assert compare_registrations("rules", ["a", "z"], ExpectedRegistrations(None, 1), {})["surplus"] == []
