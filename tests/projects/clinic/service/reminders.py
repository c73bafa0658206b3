# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Looks for visits now and then, over a connection that it keeps."""

from __future__ import annotations

import os
import time

import psycopg

while True:
    try:
        with psycopg.connect(os.environ["RECORDS_DSN"].replace("+psycopg", ""), autocommit=True) as connection:
            while True:
                connection.execute("SELECT count(*) FROM visit")
                time.sleep(1)
    except psycopg.OperationalError:
        time.sleep(0.2)
