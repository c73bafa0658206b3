# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.localdev.recovery.plugins.module_utils._core.masking import MASK
from ansible_collections.localdev.recovery.plugins.module_utils._env_file.parser import (
    fill_env_lines,
    get_env_values,
    join_env_lines,
    list_duplicate_names,
    list_env_problems,
    mask_env_lines,
    parse_env_file,
    quote_env_value,
)
from ansible_collections.localdev.recovery.tests.unit.golden import assert_golden

# Values as Compose itself prints them for these files.
READ = [
    pytest.param("A=1\n", {"A": "1"}, id="plain"),
    pytest.param("A=1 # one\r\nB=2#two\r\n", {"A": "1", "B": "2#two"}, id="inline comment, CRLF"),
    pytest.param("export A=1\n  export\tB = 2 \n", {"A": "1", "B": "2"}, id="export and blanks"),
    pytest.param("A='x # $y \\n' # c\n", {"A": "x # $y \\n"}, id="single quotes are literal"),
    pytest.param('A="x\\ny \\"z\\" # no" # c\n', {"A": 'x\ny "z" # no'}, id="double quotes know escapes"),
    pytest.param("A='one\ntwo'\nB=\"three\r\nfour\"\n", {"A": "one\ntwo", "B": "three\r\nfour"}, id="several lines"),
    pytest.param("A=1\nA=2\n", {"A": "2"}, id="the last one counts"),
    pytest.param("A=\nB=''\nC=# no comment\n", {"A": "", "B": "", "C": "# no comment"}, id="empty"),
    pytest.param("A\nB: 2\n", {"B": "2"}, id="a name alone, and a colon"),
    pytest.param("# A=1\n\n\t\nB=x=y\n", {"B": "x=y"}, id="comments, blank lines, equals signs"),
    pytest.param("\ufeffA=1", {"A": "1"}, id="a byte order mark is no part of a name"),
    pytest.param("A='it\\'s'\n", {"A": "it's"}, id="a quote in single quotes"),
    pytest.param("A-b.c=x #\n", {"A-b.c": "x"}, id="odd names"),
]


@pytest.mark.parametrize(("text", "values"), READ)
def test_values_are_those_that_compose_reads(text: str, values: dict[str, str]) -> None:
    assert get_env_values(parse_env_file(text)) == values


pieces = st.sampled_from(
    ["A", "B_2", "export ", "=", ":", "'", '"', "\\", "#", " ", "\t", "\n", "\r\n", "\r", "$", "${X}", "é", "x y", ""]
)


@given(st.lists(pieces, max_size=40).map("".join))
def test_every_text_comes_back_byte_for_byte(text: str) -> None:
    assert join_env_lines(parse_env_file(text)) == text


@given(st.lists(pieces, max_size=30).map("".join), st.text(st.characters(exclude_categories=["C"]), min_size=1))
def test_filling_in_adds_the_value_and_changes_no_other(text: str, value: str) -> None:
    lines = parse_env_file(text)
    if list_env_problems(lines):
        return
    before = get_env_values(lines)
    again = parse_env_file(join_env_lines(fill_env_lines(lines, {"NEW": value})))
    assert get_env_values(again) == {**before, "NEW": value}
    assert [line.text for line in again][: len(lines) - 1] == [line.text for line in lines][:-1]


def test_an_empty_value_is_filled_in_where_it_stands() -> None:
    text = "# keys\r\nexport KEY='' # long\r\nOTHER=1\r\nPORT=\r\n"
    lines = fill_env_lines(parse_env_file(text), {"KEY": "k1", "PORT": "80", "OTHER": "2", "NEW": "a b"})
    assert join_env_lines(lines) == "# keys\r\nexport KEY=k1 # long\r\nOTHER=1\r\nPORT=80\r\nNEW='a b'\r\n"


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("A=1", "A=1\nKEY=v\n"),
        ("", "KEY=v\n"),
        ("KEY", "KEY=v"),
        ("KEY=1\nKEY=\n", "KEY=1\nKEY=v\n"),
        ("KEY=# why\n", "KEY=# why\n"),
        ("KEY=''\n", "KEY=v\n"),
    ],
)
def test_places_for_a_value(text: str, wanted: str) -> None:
    assert join_env_lines(fill_env_lines(parse_env_file(text), {"KEY": "v"})) == wanted


def test_what_compose_cannot_read_is_named_without_its_content() -> None:
    lines = parse_env_file("A='x\ny'\nSECRET='a secret\nB=1\n=no name\n")
    problems = list_env_problems(lines)
    assert_golden("env_file_problems", problems)
    assert "a secret" not in "".join(problems)
    assert "a secret" not in mask_env_lines(lines)


def test_duplicates() -> None:
    assert list_duplicate_names(parse_env_file("A=1\nB=1\nA=2\n")) == ["A"]


def test_masking_hides_secrets_wherever_they_stand() -> None:
    text = (
        "DB_PASSWORD=hunter22\nURL=postgres://u:hunter22@db/x\n# was hunter22\n#OLD_TOKEN=abcdef\nPORT=80\n"
        "SECRET_KEY='a\nb' # hunter22\nEMPTY_SECRET=\n"
    )
    shown = mask_env_lines(parse_env_file(text), ["80 secret words"])
    assert shown == (
        f"DB_PASSWORD={MASK}\nURL=postgres://u:{MASK}@db/x\n# was {MASK}\n#OLD_TOKEN={MASK}\nPORT=80\n"
        f"SECRET_KEY={MASK} # {MASK}\nEMPTY_SECRET=\n"
    )


@given(st.text(st.characters(exclude_categories=["C"]), max_size=30))
def test_written_values_are_read_again(value: str) -> None:
    lines = parse_env_file(f"A={quote_env_value(value)}\n")
    assert get_env_values(lines) == {"A": value}


def test_types() -> None:
    line: t.Any = parse_env_file("A=1\n")[0]
    assert (line.name, line.value, line.problem) == ("A", "1", "")
