# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.localdev.recovery.plugins.module_utils._core.masking import (
    MASK,
    Masker,
    is_secret_name,
    mask_url,
)


@pytest.mark.parametrize(
    ("name", "secret"),
    [
        ("DB_PASSWORD", True),
        ("PGPASSWORD", True),
        ("SECRET_KEY", True),
        ("API_TOKEN", True),
        ("SENTRY_DSN", True),
        ("POSTGRES_PASSWORD_FILE", False),
        ("POSTGRES_USER", False),
        ("AUTHOR", False),
    ],
)
def test_is_secret_name(name: str, secret: bool) -> None:
    assert is_secret_name(name) is secret


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("postgres://u:p@db/n", f"postgres://u:{MASK}@db/n"),
        ("redis://:p@redis:6379/0 and amqp://u:p@q", f"redis://:{MASK}@redis:6379/0 and amqp://u:{MASK}@q"),
        ("postgres://u@db/n", "postgres://u@db/n"),
        ("https://token@github.com/a.git", f"https://{MASK}@github.com/a.git"),
        ("postgres://u:p@ss@db/n", f"postgres://u:{MASK}@db/n"),
        ("http://host/path", "http://host/path"),
    ],
)
def test_mask_url(text: str, wanted: str) -> None:
    assert mask_url(text) == wanted


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        (["redis-server", "--requirepass", "x y"], ["redis-server", "--requirepass", MASK]),
        (["redis-cli", "-a", "x", "ping"], ["redis-cli", "-a", MASK, "ping"]),
        (["celery", "-A", "app", "-a", "b"], ["celery", "-A", "app", "-a", "b"]),
        (["sh", "-c", "redis-cli -a x ping"], ["sh", "-c", f"redis-cli -a {MASK} ping"]),
        (["sh", "-c", "PGPASSWORD=x psql"], ["sh", "-c", f"PGPASSWORD={MASK} psql"]),
        (["tool", "--password=x"], ["tool", f"--password={MASK}"]),
        (["tool", "known-secret!"], ["tool", f"{MASK}!"]),
    ],
)
def test_words(words: list[str], wanted: list[str]) -> None:
    assert Masker(["known-secret"]).mask_command(words) == wanted


def test_what_is_in_plain_sight_anyway_is_not_hidden() -> None:
    masker = Masker.of_environments(
        [{"POSTGRES_USER": "postgres", "POSTGRES_PASSWORD": "postgres", "AUTH_ENABLED": "true", "X_TOKEN": "abcd"}],
        secrets=["from-a-file"],
        harmless=["abcde"],
    )
    assert masker.mask_text("postgres true abcde from-a-file") == f"postgres true {MASK}e {MASK}"


@given(st.text("abc@:/$ ", min_size=4), st.text())
def test_a_known_secret_never_remains(secret: str, around: str) -> None:
    assert secret not in Masker([secret]).mask_text(around + secret + around).replace(MASK, "")


@given(st.lists(st.sampled_from(["ab", "abcd", "abcde", "cdef"]), min_size=1), st.sampled_from(["ab", "abcd", "abcde"]))
def test_a_secret_within_another_leaves_no_rest(secrets: list[str], shown: str) -> None:
    masked = Masker(secrets).mask_text(shown)
    assert shown not in secrets or masked == MASK


def test_a_short_secret_is_hidden_where_it_stands_alone() -> None:
    assert Masker(["p"]).mask_text("application -W p, p") == f"application -W {MASK}, {MASK}"


@pytest.mark.parametrize("line", ["x" * 200_000, "a.b-" * 50_000, "passwordx" * 20_000], ids=["word", "dots", "names"])
def test_a_long_line_takes_no_time(line: str) -> None:
    began = time.process_time()
    assert Masker(["from-a-file"]).mask_text(line) == line
    assert time.process_time() - began < 2
    assert Masker().mask_text(f"{line}://me:hidden@host MY_{line}_TOKEN=hidden").count("hidden") == 0
