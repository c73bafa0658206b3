"""Serves the page, and at /status what the API says of itself (so the browser needs to know one port alone)."""

from __future__ import annotations

import json
import os
import signal
import sys
from functools import partial
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from urllib.error import URLError
from urllib.request import urlopen

BACKEND_URL = os.environ.get("BACKEND_URL", "http://backend:8000")


def backend_status() -> dict[str, object]:
    try:
        with urlopen(f"{BACKEND_URL}/health", timeout=3) as answer:
            return {"backend": "up", "health": json.load(answer)}
    except (URLError, TimeoutError, ValueError) as error:
        return {"backend": "down", "reason": str(error)}


class Handler(SimpleHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path != "/status":
            super().do_GET()
            return
        body = json.dumps(backend_status()).encode()
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    ThreadingHTTPServer(("0.0.0.0", 3000), partial(Handler, directory="site")).serve_forever()
