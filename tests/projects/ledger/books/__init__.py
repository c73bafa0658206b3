# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keeps books."""

from __future__ import annotations

import os
from pathlib import Path

from sqlalchemy import URL


def url() -> URL:
    """Return the address of the database, from variables that name its parts."""
    return URL.create(
        "postgresql+psycopg",
        host=os.environ["BOOKS_DB_HOST"],
        database=os.environ["BOOKS_DB_NAME"],
        username=os.environ["BOOKS_DB_USER"],
        password=Path(os.environ["BOOKS_DB_PASSWORD_FILE"]).read_text().strip(),
    )
