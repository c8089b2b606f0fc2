"""A receiver of alerts on this machine: it keeps each call and gives the answers of a test."""

from __future__ import annotations

import contextlib
import http.server
import json
import threading
from collections.abc import Iterator
from typing import Any


class AlertReceiver(http.server.ThreadingHTTPServer):
    """Keeps headers and body of each call; `statuses` are its answers, and 204 once they are used up."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Call)
        self.got: list[tuple[dict[str, str], bytes]] = []
        self.statuses: list[int] = []
        self.url = f"http://127.0.0.1:{self.server_port}/hook?token=canary-token"

    def messages(self) -> list[Any]:
        """The bodies, read."""
        return [json.loads(body) for _, body in self.got]


class _Call(http.server.BaseHTTPRequestHandler):
    server: AlertReceiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.got.append((dict(self.headers), body))
        self.send_response(self.server.statuses.pop(0) if self.server.statuses else 204)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@contextlib.contextmanager
def receiving_alerts() -> Iterator[AlertReceiver]:
    with AlertReceiver() as server:
        threading.Thread(target=server.serve_forever, args=[0.01], daemon=True).start()
        yield server
        server.shutdown()
