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
from ansible_collections.localdev.recovery.plugins.module_utils._core.errors import RecoveryError

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
    with pytest.raises(RecoveryError, match=r"rules\.py cannot be read: line 1") as caught:
        find_registrable_classes({"rules.py": "class wrong(:"}, ".*")
    assert caught.value.next_command == "python3 -m py_compile rules.py"


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
    with pytest.raises(RecoveryError, match="neither a list of names nor a number"):
        ExpectedRegistrations.from_value(value)


NAMES = [f"Rule{n}" for n in range(25)]


DEFINED = dict.fromkeys(NAMES, "rules.py")


@pytest.mark.parametrize(
    ("found", "expected", "defined", "missing", "problems"),
    [
        (NAMES, ExpectedRegistrations(None, 25), DEFINED, [], []),
        (NAMES[:24], ExpectedRegistrations(None, 25), {}, [], ["24 rules are registered, 25 are expected"]),
        (NAMES[:24], ExpectedRegistrations(None, 25), DEFINED, ["Rule24"],
         ["missing of the rules: Rule24 (rules.py)", "24 rules are registered, 25 are expected"]),
        ([], ExpectedRegistrations(None, 25), {}, [], ["0 rules are registered, 25 are expected"]),
        ([], ExpectedRegistrations(("a", "b"), 2), {}, ["a", "b"],
         ["missing of the rules: a, b", "0 rules are registered, 2 are expected"]),
        (["b", "c"], ExpectedRegistrations(("a", "b"), 2), {}, ["a"], ["missing of the rules: a"]),
        (["a", "a"], ExpectedRegistrations(("a",), 1), {}, [], ["registered more than once: a"]),
        (["a", "b"], ExpectedRegistrations(None, 1), {}, [], []),
        (["a"], ExpectedRegistrations(("a",), 1), {"b": "x.py"}, ["b"], ["missing of the rules: b (x.py)"]),
    ],
    ids=["all", "24 by number", "24 by name", "none by number", "none by name", "another one", "twice", "more", "new"],
)  # fmt: skip
def test_the_verdict(
    found: list[str], expected: ExpectedRegistrations, defined: dict[str, str], missing: list[str], problems: list[str]
) -> None:
    verdict = compare_registrations("rules", found, expected, defined)
    assert (verdict["missing"], verdict["problems"], verdict["complete"]) == (missing, problems, not problems)
    assert (verdict["label"], verdict["count"]) == ("rules", len(found))


def test_an_unexpected_item_is_reported_and_no_problem() -> None:
    verdict = compare_registrations("rules", ["a", "z"], ExpectedRegistrations(("a",), 1), {})
    assert (verdict["surplus"], verdict["complete"]) == (["z"], True)
    assert compare_registrations("rules", ["a", "z"], ExpectedRegistrations(None, 1), {})["surplus"] == []
