"""What holds for every request, whatever it asks for? An id, security headers on the answer, and a limit to its body."""

from __future__ import annotations

import re
import time
from uuid import uuid4

import structlog
from prometheus_client import Counter
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from alexandria.web.errors import Visit, refusal

LARGEST_BODY = 64 * 1024  # bytes
SANE_ID = re.compile(r"[A-Za-z0-9._:@/+=-]{1,128}", re.ASCII)
METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
}


class RequestMiddleware:
    """Wraps the application; counts every answer in `requests` by method, route and status."""

    def __init__(self, app: ASGIApp, requests: Counter) -> None:
        self._app = app
        self._requests = requests

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        asked = headers.get("x-request-id", "")
        visit = Visit(asked if SANE_ID.fullmatch(asked) else uuid4().hex, time.monotonic())
        scope.setdefault("state", {})["visit"] = visit

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._count(scope, message["status"])
                _complete(message, visit)
            await send(message)

        with structlog.contextvars.bound_contextvars(request_id=visit.request_id):
            if _announced(headers) > LARGEST_BODY:
                await refusal(scope, 413)(scope, receive, answer)
            else:
                await self._app(scope, _bounded(receive), answer)

    def _count(self, scope: Scope, status: int) -> None:
        route = getattr(scope.get("route"), "path", "unmatched")
        method = scope["method"] if scope["method"] in METHODS else "other"
        self._requests.labels(method, route, str(status)).inc()


def _announced(headers: Headers) -> int:
    length = headers.get("content-length", "")
    return int(length) if re.fullmatch(r"[0-9]{1,18}", length) else 0


def _bounded(receive: Receive) -> Receive:
    """The same, refusing to go on when more has come than a body may have."""
    seen = 0

    async def bounded() -> Message:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        if seen > LARGEST_BODY:
            raise HTTPException(413)
        return message

    return bounded


def _complete(message: Message, visit: Visit) -> None:
    headers = MutableHeaders(scope=message)
    headers["X-Request-ID"] = visit.request_id
    for name, value in HEADERS.items():
        headers.setdefault(name, value)
