# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.localdev.recovery.plugins.module_utils._postgresql.messages import (
    could_not_connect,
    fails_for_every_account,
    is_login_refused,
    list_server_warnings,
    strip_password_prompt,
)

REFUSED = [
    'psql: error: FATAL:  password authentication failed for user "app"',
    'psql: error: connection to server on socket "/tmp/.s.PGSQL.5432" failed: FATAL:  Peer authentication failed for '
    'user "app"',
    "psql: error: fe_sendauth: no password supplied",
    'psql: error: FATAL:  role "app" does not exist',
    'psql: error: FATAL:  no pg_hba.conf entry for host "[local]", user "app", database "x", no encryption',
]
UNREACHABLE = [
    "psql: error: could not connect to server: No such file or directory",
    'psql: error: connection to server at "127.0.0.1", port 5432 failed: Connection refused',
]
SAME_FOR_ALL = [
    'psql: error: FATAL:  database "gone" does not exist',
    "psql: error: FATAL:  the database system is starting up",
]


@pytest.mark.parametrize("stderr", [*REFUSED, *UNREACHABLE, *SAME_FOR_ALL])
def test_a_connection_that_was_never_made(stderr: str) -> None:
    assert could_not_connect(2, stderr)
    assert is_login_refused(stderr) is (stderr in REFUSED)
    assert fails_for_every_account(stderr) is (stderr in SAME_FOR_ALL)


@pytest.mark.parametrize(
    ("code", "stderr"),
    [
        (2, "psql:<stdin>:3: error: connection to server was lost"),
        (3, "psql:<stdin>:1: ERROR:  syntax error"),
        (1, "psql: error: could not read the file"),
    ],
)
def test_sql_that_may_have_run_is_not_run_again(code: int, stderr: str) -> None:
    assert not could_not_connect(code, stderr)


def test_the_prompt_is_no_message() -> None:
    assert strip_password_prompt("Password: \npsql: error: x") == "psql: error: x"
    assert strip_password_prompt("Password for user app: ") == ""
    assert strip_password_prompt("WARNING:  x") == "WARNING:  x"


def test_warnings_come_with_their_detail() -> None:
    stderr = (
        'NOTICE:  relation "x" already exists\nHINT:  none\npsql:<stdin>:4: WARNING:  there is no transaction\n'
        "DETAIL:  none began\nWARNING:  there is no transaction\nDETAIL:  none began\n"
    )
    assert list_server_warnings(stderr) == ["there is no transaction DETAIL: none began"]


def test_another_collation_names_the_remedy_for_the_databases_of_people() -> None:
    stderr = "".join(
        f'WARNING:  database "{name}" has a collation version mismatch\nDETAIL:  long\nHINT:  long\n'
        for name in ("template1", 'my "shop')
    )
    (warning,) = list_server_warnings(stderr)
    assert 'REINDEX DATABASE "my ""shop"' in warning
    assert 'ALTER DATABASE "my ""shop" REFRESH COLLATION VERSION' in warning
