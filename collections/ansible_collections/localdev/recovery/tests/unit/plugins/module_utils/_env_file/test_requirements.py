# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._env_file.requirements import (
    EnvFilePlan,
    RequiredVariable,
    RequiredVariables,
    explain_weak_value,
    find_database_password_variables,
    find_interpolated_variables,
    format_unmet_variables,
    make_placeholders,
    parse_missing_variable,
    plan_env_file,
    strip_comment_lines,
)
from ansible_collections.localdev.recovery.tests.unit.golden import assert_golden

RULES = [
    {"pattern": "SECRET_?KEY", "length": 64, "minimum": 32},
    {"pattern": "PASSWORD", "length": 32, "minimum": 12},
]


def needs_of(*needs: RequiredVariable) -> RequiredVariables:
    found = RequiredVariables()
    for need in needs:
        found.add(need)
    return found


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("${A}", [RequiredVariable("A")]),
        ("$A-$B", [RequiredVariable("A"), RequiredVariable("B")]),
        ("$$A $${B}", []),
        ("${A:-x}${B-}${C:+y}", []),
        ("${A:?set it}", [RequiredVariable("A", False, "set it")]),
        ("${A?set it}", [RequiredVariable("A", True, "set it")]),
        ("${A:-${B}}", [RequiredVariable("B")]),
        ("${A:-${B:?why}}", [RequiredVariable("B", False, "why")]),
        ("postgres://${U:-u}:${P:?set P in .env}@${H:-db}/x", [RequiredVariable("P", False, "set P in .env")]),
        ("price $5, ${}", []),
    ],
)
def test_variables_in_compose_files(text: str, wanted: list[RequiredVariable]) -> None:
    assert find_interpolated_variables(text) == wanted


def test_comments_of_a_file_that_compose_cannot_read() -> None:
    assert find_interpolated_variables(strip_comment_lines("a: ${A}\n  # b: ${B}\n")) == [RequiredVariable("A")]


def test_the_complaint_of_compose() -> None:
    text = (
        "error while interpolating x-backend.environment.SECRET_KEY: required variable SECRET_KEY is missing a value: "
        "set SECRET_KEY in .env"
    )
    assert parse_missing_variable(text) == RequiredVariable("SECRET_KEY", False, "set SECRET_KEY in .env")
    assert parse_missing_variable("yaml: line 3") is None


def test_a_stricter_need_replaces_a_milder_one() -> None:
    needs = needs_of(RequiredVariable("A"), RequiredVariable("A", False, "why"), RequiredVariable("A"))
    assert needs.list_unmet({"A": ""}) == [RequiredVariable("A", False, "why")]


WEAK_SECRETS = [
    ("SECRET_KEY", "k1" * 6),
    ("SECRET_KEY", "k1" * 20),
    ("SECRET_KEY", "your-secret-key-goes-in-this-place-please"),
    ("DB_PASSWORD", "changeme"),
    ("DB_PASSWORD", "P@ssw0rd1"),
    ("DB_PASSWORD", "# set this one"),
    ("DB_PASSWORD", "k3-Jq9_x2"),
    ("DB_PASSWORD", "as-published-1"),
    ("API_TOKEN", "changeme"),
    ("DATABASE_URL", "postgres://u:postgres@db/x"),
]


def test_weak_secrets_are_reported_and_never_shown() -> None:
    problems = [explain_weak_value(name, value, RULES, "as-published-1") for name, value in WEAK_SECRETS]
    for (_name, value), problem in zip(WEAK_SECRETS, problems):
        assert problem
        assert value not in problem
    assert_golden("weak_secrets", [f"{name}={value}: {p}" for (name, value), p in zip(WEAK_SECRETS, problems)])


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DB_PASSWORD", "k3-Jq9_x2-long"),
        ("DB_PASSWORD", ""),
        ("DB_USER", "postgres"),
        ("DATABASE_URL", "postgres://u@db/x"),
    ],
)
def test_what_is_no_weak_secret(name: str, value: str) -> None:
    assert explain_weak_value(name, value, RULES, "other") == ""


def planned(values: dict[str, str], example: dict[str, str], *needs: RequiredVariable, **options: t.Any) -> EnvFilePlan:
    return plan_env_file(values, example, needs_of(*needs), RULES, generate=lambda length: f"new{length}", **options)


def test_a_fresh_file_takes_the_example_and_makes_secrets_up() -> None:
    example = {
        "DB_USER": "shop",
        "DB_PASSWORD": "",
        "SECRET_KEY": "changeme",
        "SMTP_HOST": "",
        "ADMIN_PASSWORD": "Published-1234",
    }
    plan = planned({}, example, RequiredVariable("DB_PASSWORD", False))
    assert plan.added == {
        "DB_USER": "shop", "DB_PASSWORD": "new32", "SECRET_KEY": "new64", "SMTP_HOST": "",
        "ADMIN_PASSWORD": "Published-1234",
    }  # fmt: skip
    assert (plan.generated, plan.unmet) == (["DB_PASSWORD", "SECRET_KEY"], [])


def test_values_that_are_there_are_never_planned() -> None:
    plan = planned(
        {"SECRET_KEY": "weak", "DB_USER": ""}, {"SECRET_KEY": "", "DB_USER": "x"}, RequiredVariable("SECRET_KEY", False)
    )
    assert plan.added == {}


def test_what_cannot_be_made_up_is_named_with_the_words_of_compose() -> None:
    plan = planned(
        {"EMPTY": ""},
        {},
        RequiredVariable("HOST", False, "set HOST"),
        RequiredVariable("PORT"),
        RequiredVariable("EMPTY"),
        optional=["PORT"],
    )
    assert [need.name for need in plan.unmet] == ["HOST"]
    assert format_unmet_variables(plan.unmet) == "HOST (set HOST)"


def test_which_variable_is_the_password_of_the_database() -> None:
    given = make_placeholders(["B", "A", "KEY"])
    assert len(set(given.values())) == 3
    config = {
        "services": {
            "db": {"environment": {"POSTGRES_PASSWORD": given["A"]}},
            "app": {"environment": {"K": given["KEY"]}},
        }
    }
    assert find_database_password_variables(config, given) == ["A"]
