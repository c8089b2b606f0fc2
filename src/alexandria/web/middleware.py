"""Middleware for every request: an id, security headers on the response, and a limit for the body."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable
from uuid import uuid4

import structlog
from prometheus_client import Counter
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from alexandria.web.errors import RequestInfo, error_response, http_error_response

MAX_BODY_SIZE = 64 * 1024  # bytes
BODY_TIMEOUT = 15.0  # seconds
VALID_REQUEST_ID = re.compile(r"[A-Za-z0-9._:@/+=-]{1,128}", re.ASCII)
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
    """Wraps the application; counts every response in `requests` by method, route and status.

    `root_path` is the prefix that a proxy publishes the application under, whether or not it passes the prefix on.
    """

    def __init__(self, app: ASGIApp, requests: Counter, root_path: str = "") -> None:
        self._app = app
        self._requests = requests
        self._root_path = root_path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        _set_root_path(scope, self._root_path)
        headers = Headers(scope=scope)
        given = headers.get("x-request-id", "")
        info = RequestInfo(given if VALID_REQUEST_ID.fullmatch(given) else uuid4().hex, time.monotonic())
        scope.setdefault("state", {})["request_info"] = info

        method, responding = scope["method"], False
        if method == "HEAD":
            scope, send = {**scope, "method": "GET"}, _without_body(send)  # the server's own scope keeps the method

        async def respond(message: Message) -> None:
            nonlocal responding
            if message["type"] == "http.response.start":
                responding = True
                self._count(method, scope, message["status"])
                _add_headers(message, info)
            await send(message)

        with structlog.contextvars.bound_contextvars(request_id=info.request_id):
            if "content-length" in headers and "transfer-encoding" in headers:
                await _ambiguous_length(scope)(scope, receive, respond)
            elif _content_length(headers) > MAX_BODY_SIZE:
                await http_error_response(scope, 413)(scope, receive, respond)
            else:
                await self._app(scope, _bounded(receive, lambda: responding), respond)

    def _count(self, method: str, scope: Scope, status: int) -> None:
        route = getattr(scope.get("route"), "path", "unmatched")
        self._requests.labels(method if method in METHODS else "other", route, str(status)).inc()


def _without_body(send: Send) -> Send:
    """The same for the answer to a HEAD request, which ends with the headers: a stream would not end otherwise."""

    async def head(message: Message) -> None:
        if message["type"] == "http.response.start":
            await send(message)
            await send({"type": "http.response.body", "body": b"", "more_body": False})

    return head


def _ambiguous_length(scope: Scope) -> Response:
    """Refuse a body whose end a proxy may find elsewhere: what follows would be another client's request for it."""
    hint = {"hint": "send Content-Length or Transfer-Encoding, not both"}
    message = "the request has two lengths"
    return error_response(scope, 400, "malformed_http", message, hint, headers={"Connection": "close"})


def _content_length(headers: Headers) -> int:
    length = headers.get("content-length", "")
    return int(length) if re.fullmatch(r"[0-9]{1,18}", length) else 0


def _set_root_path(scope: Scope, root_path: str) -> None:
    """Make `path` the whole path, prefix included, as ASGI wants it."""
    if root_path:
        path: str = scope["path"]
        if path == root_path:
            scope["path"] = f"{root_path}/"
        elif not path.startswith(f"{root_path}/"):
            scope["path"] = root_path + path
        scope["root_path"] = root_path


def _bounded(receive: Receive, responding: Callable[[], bool]) -> Receive:
    """The same, but it raises if the body is too large, or not complete in time; a response that began ends instead."""
    received, complete = 0, False
    deadline = asyncio.get_running_loop().time() + BODY_TIMEOUT

    async def bounded() -> Message:
        nonlocal received, complete
        if complete:
            return await receive()
        try:
            async with asyncio.timeout_at(deadline):
                message = await receive()
        except TimeoutError:
            if responding():
                return {"type": "http.disconnect"}
            raise HTTPException(408) from None
        complete = not message.get("more_body", False)
        received += len(message.get("body", b""))
        if received > MAX_BODY_SIZE:
            raise HTTPException(413)
        return message

    return bounded


def _add_headers(message: Message, info: RequestInfo) -> None:
    headers = MutableHeaders(scope=message)
    headers["X-Request-ID"] = info.request_id
    for name, value in HEADERS.items():
        headers.setdefault(name, value)
    if "GET" in headers.get("allow", "").split(", "):
        headers["Allow"] += ", HEAD"
