# Copyright (c) localdev.recovery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Listens, and holds a session on the database as applications do."""

from __future__ import annotations

import socketserver

from sqlalchemy import create_engine, text

from books import url

engine = create_engine(url(), pool_pre_ping=True)


class Handler(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        with engine.connect() as connection:
            self.request.sendall(f"{connection.scalar(text('SELECT sum(cents) FROM entry'))}\n".encode())


with engine.connect() as first:
    first.scalar(text("SELECT 1"))
socketserver.ThreadingTCPServer(("", 7000), Handler).serve_forever()
