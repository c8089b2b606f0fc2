"""Answers HTTP on a socket, with bounds for slow and for many clients: the worker of the process keeps its descriptors."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import resource
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, cast
from uuid import uuid4

import h11
import structlog
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

from alexandria.web.errors import RequestInfo, error_response, http_error_response

log = structlog.get_logger(__name__)

SHUTDOWN_TIMEOUT = 5  # seconds for requests that are being answered when we stop
HEADER_TIMEOUT = 10.0  # seconds from the connection, or the first byte of a later request, to the end of the headers
BODY_TIMEOUT = 20.0  # seconds for the body; an application that waits for it has answered 408 before
UNREAD_BODY_TIMEOUT = 2.0  # seconds in which the rest of a body is dropped after its response, which a reset would lose
WRITE_TIMEOUT = 30.0  # seconds in which a client must read some of a response
MAX_CONNECTIONS = 1000
MIN_CONNECTIONS = 16
MAX_DESCRIPTORS = 8192  # that we ask the system for
ASSUMED_DESCRIPTORS_LIMIT = 1024  # where the system does not say
RESERVED_DESCRIPTORS_LIMIT = 1024  # for the worker: the database, providers, files; at most half of all
ACCEPT_BATCH_DIVISOR = 8  # connections accepted at once are this part of the reserve; each is open before it is counted
MAX_LISTEN_BACKLOG = 1024  # connections that wait in the kernel


@dataclass(slots=True)
class ConnectionLimit:
    """The connections of one server, at most `most`. One that has sent no whole request gives way to a new one."""

    most: int
    active: set[BoundedProtocol] = field(default_factory=set)
    waiting: dict[BoundedProtocol, None] = field(default_factory=dict)  # without a whole request, the longest first

    def add(self, connection: BoundedProtocol) -> bool:
        """Count a new connection; whether it may stay."""
        if len(self.active) >= self.most:
            if not self.waiting:
                log.warning("connection refused: all are in use", connections=self.most)
                return False
            oldest = next(iter(self.waiting))
            self.remove(oldest)
            oldest.abort()
            log.warning("connection closed: it had sent no whole request and others wait", connections=self.most)
        self.active.add(connection)
        self.waiting[connection] = None
        return True

    def remove(self, connection: BoundedProtocol) -> None:
        self.active.discard(connection)
        self.waiting.pop(connection, None)

    def set_waiting(self, connection: BoundedProtocol, *, waiting: bool) -> None:
        """Note whether a connection has sent no whole request; it keeps its place while that stays so."""
        if not waiting:
            self.waiting.pop(connection, None)
        elif connection in self.active:
            self.waiting.setdefault(connection)


class BoundedProtocol(H11Protocol):
    """One connection, which is closed if its client takes too long to send a request or to read the response."""

    def __init__(self, *arguments: Any, limit: ConnectionLimit, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._limit = limit
        self._phase: tuple[str, object] | None = None  # what the client must end in time, and of which request
        self._deadline: asyncio.TimerHandle | None = None
        self._write_deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as in the base class
        super().connection_made(transport)
        if self._limit.add(self):
            self._watch()
        else:
            self._refuse(503, "too_many_connections", "all connections are in use", "try again in a second")

    def connection_lost(self, exc: Exception | None) -> None:
        self._limit.remove(self)
        self._set_deadline(None, 0.0)
        self._stop_write_deadline()
        super().connection_lost(exc)

    def abort(self) -> None:
        """Close the connection at once, without a response."""
        self.transport.abort()

    def handle_events(self) -> None:
        super().handle_events()
        self._watch()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._watch()

    def pause_writing(self) -> None:
        super().pause_writing()
        if self._write_deadline is None:
            self._write_deadline = self.loop.call_later(WRITE_TIMEOUT, self.abort)

    def resume_writing(self) -> None:
        super().resume_writing()
        self._stop_write_deadline()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 # the base class has only one message
        hint = "headers may have 16 KiB; with TLS, connect to the proxy"
        self._refuse(400, "malformed_http", "this is not a request of HTTP/1.1", hint)

    def _watch(self) -> None:
        """Set the deadline of what the client must do next."""
        if self.transport.is_closing():
            self._set_deadline(None, 0.0)
            return
        cycle = cast("RequestResponseCycle | None", self.cycle)  # None before the first request
        answering = cycle is not None and not cycle.response_complete
        match self.conn.their_state:
            case h11.SEND_BODY if answering:
                self._set_deadline("body", BODY_TIMEOUT)
            case h11.SEND_BODY:
                self._set_deadline("unread body", UNREAD_BODY_TIMEOUT)
            case h11.IDLE if cycle is None or self.conn.trailing_data[0]:
                self._set_deadline("headers", HEADER_TIMEOUT)
            case _:  # the whole request is here, or nothing of the next one: uvicorn has a time-out for that
                self._set_deadline(None, 0.0)
        self._limit.set_waiting(self, waiting=self._phase is not None or not answering)

    def _set_deadline(self, phase: str | None, seconds: float) -> None:
        now = None if phase is None else (phase, self.cycle)
        if now == self._phase:
            return
        self._phase = now
        if self._deadline is not None:
            self._deadline.cancel()
        self._deadline = None if now is None else self.loop.call_later(seconds, self._expire)

    def _expire(self) -> None:
        if self._phase is not None and self._phase[0] == "headers" and self.conn.trailing_data[0]:
            self._refuse(408)
        else:
            self.transport.close()

    def _stop_write_deadline(self) -> None:
        if self._write_deadline is not None:
            self._write_deadline.cancel()
            self._write_deadline = None

    def _refuse(self, status: int, code: str = "", message: str = "", hint: str = "") -> None:
        """Send an error in the common shape, if no response has begun, and close the connection."""
        if self.conn.our_state in {h11.IDLE, h11.SEND_RESPONSE}:
            scope = {"type": "http", "state": {"request_info": RequestInfo(uuid4().hex, time.monotonic())}}
            response = (
                error_response(scope, status, code, message, {"hint": hint})
                if code
                else http_error_response(scope, status)
            )
            headers = [*response.raw_headers, (b"connection", b"close")]
            for event in (
                h11.Response(status_code=status, headers=headers),
                h11.Data(data=bytes(response.body)),
                h11.EndOfMessage(),
            ):
                self.transport.write(self.conn.send(event) or b"")
        cycle = cast("RequestResponseCycle | None", self.cycle)
        if cycle is not None:
            # The application's answer can follow no more; the base class learns of it later.
            cycle.disconnected = True
        self.transport.close()


async def serve(
    app: Any, listening: socket.socket, stop: asyncio.Event, announce: Callable[[], None], proxies: Sequence[str] = ()
) -> None:
    """Answer on `listening` until `stop`; `announce` is called once requests are answered.

    Only `proxies`, addresses or networks, may name another client and scheme by X-Forwarded-For and X-Forwarded-Proto.
    """
    descriptors = raise_descriptor_limit()
    reserved = min(RESERVED_DESCRIPTORS_LIMIT, descriptors // 2)
    limit = ConnectionLimit(max(MIN_CONNECTIONS, min(MAX_CONNECTIONS, descriptors - reserved)))
    config = uvicorn.Config(
        app,
        http=cast(type[asyncio.Protocol], functools.partial(BoundedProtocol, limit=limit)),
        log_config=None,
        access_log=False,
        server_header=False,
        ws="none",
        proxy_headers=bool(proxies),
        forwarded_allow_ips=[*proxies],
        backlog=max(1, reserved // ACCEPT_BATCH_DIVISOR),
        timeout_graceful_shutdown=SHUTDOWN_TIMEOUT,
    )
    server = _Server(config, announce)
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    server.should_exit = True
    await serving


def raise_descriptor_limit() -> int:
    """Raise the number of files and connections that this process may have open, as far as the system lets it.

    Returns what it may have now.
    """
    try:
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    except OSError:  # a filter of system calls, as of our systemd unit
        return ASSUMED_DESCRIPTORS_LIMIT
    if soft != resource.RLIM_INFINITY and soft < MAX_DESCRIPTORS:
        wanted = MAX_DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, MAX_DESCRIPTORS)
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
            return wanted
        return soft
    return MAX_DESCRIPTORS


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, announce: Callable[[], None]) -> None:
        super().__init__(config)
        self._announce = announce

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        for each in sockets or []:
            each.listen(MAX_LISTEN_BACKLOG)  # the configured backlog is also how many are accepted at once
        self._announce()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals are Stopping's."""
        yield
