# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.localdev.recovery.plugins.module_utils._core.failures import FailureId
from ansible_collections.localdev.recovery.plugins.plugin_utils._compose_yaml import edit_compose_mounts
from ansible_collections.localdev.recovery.tests.unit.failure_assertions import raises_failure


def move(written: str, *mounts: tuple[str, str]) -> dict[str, t.Any]:
    to = "bind" if written.startswith(("/", ".", "~")) else "volume"
    return {"to": to, "written": written, "mounts": [{"service": s, "target": p} for s, p in mounts]}


def edited(text: str, *moves: dict[str, t.Any]) -> str:
    return edit_compose_mounts({"c.yml": text}, moves).get("c.yml", text)


SHORT = """\
# The shop.
services:
  db:
    image: postgres   # pinned elsewhere
    volumes:
      # the cluster
      - {quote}{source}:/var/lib/postgresql/data{mode}{quote}   # do not lose

  web: {{image: web}}
"""


@pytest.mark.parametrize("quote", ["", '"', "'"])
@pytest.mark.parametrize("mode", ["", ":rw", ":z"])
@pytest.mark.parametrize("source", ["./data/postgres", "/abs", "${DATA:-./data}/postgres", "${A:?a:b}", "old_key"])
@pytest.mark.parametrize("written", ["postgres_data", "./data/my postgres"])
def test_short_syntax_changes_in_its_source_alone(quote: str, mode: str, source: str, written: str) -> None:
    text = SHORT.format(quote=quote, mode=mode, source=source)
    new = edited(text, move(written, ("db", "/var/lib/postgresql/data")))
    want = SHORT.format(quote=quote, mode=mode, source=written)
    assert new == want + ("\nvolumes:\n  postgres_data:\n" if written == "postgres_data" else "")


LONG = """\
services:
  db:
    volumes:
      - type: bind
        source: ./data/pg
        target: /pg
        bind:
          create_host_path: true
        # stays
        read_only: false
volumes:
    other:
        driver: local   # ours

# the end
"""


def test_long_syntax_loses_the_options_of_the_other_kind() -> None:
    assert edited(LONG, move("pg_data", ("db", "/pg"))) == LONG.replace("type: bind", "type: volume").replace(
        "./data/pg", "pg_data"
    ).replace("        bind:\n          create_host_path: true\n", "").replace("# ours\n", "# ours\n    pg_data:\n")


def test_flow_syntax() -> None:
    mount = "{type: bind, source: ./a, bind: {propagation: x}, target: /pg}"
    text = f"services:\n  db: {{volumes: [{mount}]}}\nvolumes: {{b: {{}}}}\n"
    new = edited(text, move("a_data", ("db", "/pg")))
    assert new == (
        "services:\n  db: {volumes: [{type: volume, source: a_data, target: /pg}]}\nvolumes: {b: {}, a_data: {}}\n"
    )


def test_the_kind_may_stand_first() -> None:
    mount = "volume: {nocopy: true}\n        type: volume\n        source: a\n        target: /pg\n"
    text = f"services:\n  db:\n    volumes:\n      - {mount}"
    loaded = yaml.safe_load(edited(text, move("./data/a", ("db", "/pg/"))))
    assert loaded["services"]["db"]["volumes"] == [{"type": "bind", "source": "./data/a", "target": "/pg"}]


def test_what_services_share_changes_once() -> None:
    text = "x-all: &all\n  volumes: &v\n    - ./a:/a\nservices:\n  one:\n    <<: *all\n  two:\n    volumes: *v\n"
    new = edited(text, move("a_data", ("one", "/a"), ("two", "/a")))
    assert new.replace("a_data:/a", "./a:/a") == text + "\nvolumes:\n  a_data:\n"


def test_the_last_file_that_says_it_is_changed() -> None:
    base = "services:\n  db:\n    volumes: [./a:/a]\n"
    local = "services:\n  db:\n    volumes: [./b:/a]\n"
    changed = edit_compose_mounts(
        {"base": base, "local": local, "more": "services: {db: {image: x}}\n"}, [move("c", ("db", "/a"))]
    )
    assert list(changed) == ["local"]


@pytest.mark.parametrize(
    ("volumes", "want"),
    [
        ("", "\nvolumes:\n  k_data:\n"),
        ("volumes:\n", "volumes:\n  k_data:\n"),
        ("volumes:", "volumes:\n  k_data:\n"),
        ("volumes: {}\n", "volumes: {k_data: {}}\n"),
        ("volumes:\n  a:\n  b:\n", "volumes:\n  a:\n  b:\n  k_data:\n"),
        ("volumes:\n  k_data:\n    driver: local\n", "volumes:\n  k_data:\n    driver: local\n"),
        ("volumes:\n  a: {}", "volumes:\n  a: {}\n  k_data:\n"),
        ("volumes:\n  a:\n\nsecrets: {}\n", "volumes:\n  a:\n  k_data:\n\nsecrets: {}\n"),
    ],
)
def test_a_new_volume_is_declared(volumes: str, want: str) -> None:
    head = "services:\n  db:\n    volumes:\n      - {}:/a\n"
    assert edited(head.format("./k") + volumes, move("k_data", ("db", "/a"))) == head.format("k_data") + want


def test_line_ends_stay() -> None:
    text = "services:\r\n  db:\r\n    volumes:\r\n      - ./k:/a\r\n"
    assert edited(text, move("k", ("db", "/a"))) == text.replace("./k", "k") + "\r\nvolumes:\r\n  k:\r\n"


@given(st.lists(st.text("abc ./-_é#'\"{}[]&*!|>%@`,?", min_size=1).map(lambda s: "./" + s), min_size=1, max_size=3))
def test_whatever_the_path_yaml_reads_it_again(paths: list[str]) -> None:
    text = "services:\n  db:\n    volumes:\n" + "".join(f"      - k{n}:/t{n}:rw\n" for n in range(len(paths)))
    new = edited(text, *(move(path, ("db", f"/t{n}")) for n, path in enumerate(paths)))
    found = yaml.safe_load(new)["services"]["db"]["volumes"]
    assert found == [f"{path}:/t{n}:rw" for n, path in enumerate(paths)]


@pytest.mark.parametrize("text", ["services:\n  db:\n    extends: {file: a.yml, service: db}\n", "services: {}\n"])
def test_a_mount_that_is_written_elsewhere_is_refused(text: str) -> None:
    with raises_failure(FailureId.COMPOSE_FILE_MOUNT_ELSEWHERE, "db", "/a"):
        edited(text, move("k", ("db", "/a")))


@pytest.mark.parametrize("text", ["", "a: [", "- a\n"])
def test_what_is_no_compose_file_is_refused(text: str) -> None:
    with raises_failure(FailureId.COMPOSE_FILE_INVALID):
        edited(text, move("k", ("db", "/a")))
