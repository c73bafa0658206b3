# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Settings that fail where the application's environment is missing, as those of many applications do."""

from __future__ import annotations

import os

DATABASE_URL = os.environ["DATABASE_URL"].replace("+psycopg", "+asyncpg")
GREETING = os.environ["GREETING"]
