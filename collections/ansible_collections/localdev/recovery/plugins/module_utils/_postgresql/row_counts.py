# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change in every release. Do not import it from elsewhere.

"""What a verification asks and how it judges the answers. Pure."""

from __future__ import annotations

import typing as t

from ansible_collections.localdev.recovery.plugins.module_utils._postgresql.psql import compare_counts, count_query


def row_query(tables: t.Sequence[str]) -> str:
    """SQL whose rows have the columns name and rows, also when there is no table to count."""
    return count_query(tables) if tables else "SELECT '' AS name, 0 AS rows WHERE false"


def row_problems(expected: t.Mapping[str, t.Any], rows: t.Sequence[t.Mapping[str, t.Any]]) -> list[str]:
    """Row counts that are not as expected, in words."""
    found = {row["name"]: int(row["rows"]) for row in rows}
    return compare_counts({table: int(count) for table, count in expected.items()}, found)


def revision_problems(schema: t.Mapping[str, t.Any]) -> list[str]:
    """What keeps the database from being at the heads, in words. schema: the result of alembic_info."""
    if schema["unknown"]:
        return [f"revision {', '.join(schema['unknown'])} of the database is not among the migrations"]
    if sorted(schema["current"]) != sorted(schema["heads"]):
        current = ", ".join(schema["current"]) or "no revision"
        return [f"the database is at {current}, the migrations end at {', '.join(schema['heads'])}"]
    return []


def login_problems(answer: t.Mapping[str, t.Any]) -> list[str]:
    """What keeps the administrator from logging in, in words. answer: the result of ansible.builtin.uri."""
    status = answer.get("status", -1)
    if status in (200, 201):
        return []
    cause = "was not answered" if status == -1 else f"was answered with HTTP status {status}"
    if status in (401, 403):
        cause += (
            " (set stack_admin_password to the administrator's password in this data, or leave the login out: "
            "--no-login, or the role's verify_login: false)"
        )
    return [f"the login at {answer.get('url', 'the API')} {cause}"]
