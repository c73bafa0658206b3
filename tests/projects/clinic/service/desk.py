# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Answers with the number of visits."""

from __future__ import annotations

import http.server
import os

import psycopg

DSN = os.environ["RECORDS_DSN"].replace("+psycopg", "")


class Desk(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        with psycopg.connect(DSN) as connection:
            (count,) = connection.execute("SELECT count(*) FROM visit").fetchone() or (0,)
        self.send_response(200)
        self.end_headers()
        self.wfile.write(f"{count}\n".encode())


http.server.HTTPServer(("", 9000), Desk).serve_forever()
