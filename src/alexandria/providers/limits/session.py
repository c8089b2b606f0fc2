"""A PostgreSQL session that owns locks, and an estimate of the server's clock."""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections.abc import AsyncIterator, Callable
from typing import Any

import psycopg
from psycopg.conninfo import make_conninfo

from alexandria.database.pool import CONNECT_TIMEOUT, KEEPALIVES, Connection, Row, unavailable
from alexandria.database.session import ConfiguredConnection
from alexandria.database.sql import load

SQL = load("alexandria.providers.limits.rate") | {"admit": load("alexandria.providers.limits.breaker")["admit"]}
MAX_DRIFT = 1e-4  # seconds a second by which two clocks may diverge
CLOCK_QUERY_COUNT = 20  # queries of one synchronisation
SESSION_IDLE_SECONDS = 20.0  # without a request, after which a limiter closes its session
MAX_EXTRA_DOUBT = 0.005  # seconds of doubt, beyond the least seen, after which the clock is synchronised again


class ServerClock:
    """An estimate of the server's clock: it is between `earliest()` and `latest()`, in seconds.

    Every reply with the server's time narrows the difference to the local clock, as the server read its clock between
    the query and the reply.
    """

    def __init__(self, local: Callable[[], float]) -> None:
        self.local = local
        self._low, self._high, self._since = -math.inf, math.inf, local()

    def earliest(self) -> float:
        now = self.local()
        return now + self._low - MAX_DRIFT * (now - self._since)

    def latest(self) -> float:
        now = self.local()
        return now + self._high + MAX_DRIFT * (now - self._since)

    def doubt(self) -> float:
        return self.latest() - self.earliest()

    def learn(self, sent: float, server: float, received: float) -> None:
        """Take in a reply with the `server`'s time; `sent` and `received` are local instants."""
        on_the_way = MAX_DRIFT * (received - sent)
        least, most = server - received - on_the_way, server - sent + on_the_way
        since = MAX_DRIFT * (received - self._since)
        low, high = max(self._low - since, least), min(self._high + since, most)
        if low > high:  # one of the clocks was set, so the former estimate is void
            low, high = least, most
        self._low, self._high, self._since = low, high, received

    async def reach(self, instant: float) -> None:
        """Sleep until the server's clock has certainly reached `instant`."""
        while (wait := instant - self.earliest()) > 0:  # noqa: ASYNC110  # a clock sets no event
            await asyncio.sleep(wait)


class Session:
    """A connection of its own. Any error closes it, so that an open session still owns the locks that it took."""

    def __init__(self, conninfo: str, name: str, local: Callable[[], float]) -> None:
        self._conninfo = make_conninfo(conninfo, fallback_application_name=f"alexandria {name}", **KEEPALIVES)
        self._local = local
        self._connection: Connection | None = None
        self._lock = asyncio.Lock()
        self._running = ""
        self._least_doubt = math.inf
        self.clock = ServerClock(local)

    @property
    def is_open(self) -> bool:
        return self._connection is not None

    async def open(self) -> None:
        """Connect, after closing what was open. Raises DatabaseUnavailable."""
        await self.aclose()
        with unavailable():
            self._connection = await ConfiguredConnection.connect(
                self._conninfo, autocommit=True, connect_timeout=int(CONNECT_TIMEOUT)
            )
        self.clock = ServerClock(self._local)
        await self.query("session")
        await self.sync_clock()

    async def aclose(self) -> None:
        if self._connection is not None:
            connection, self._connection = self._connection, None
            await connection.close()

    async def sync_clock(self) -> None:
        """Narrow the estimate of the server's clock as far as the connection allows."""
        if self.clock.doubt() > self._least_doubt + MAX_EXTRA_DOUBT or not math.isfinite(self.clock.doubt()):
            for _ in range(CLOCK_QUERY_COUNT):
                await self.query("clock")
            self._least_doubt = self.clock.doubt()

    async def query(self, block: str, **values: Any) -> Row:
        """The one row of a block of rate.sql, or "admit" of breaker.sql. Raises DatabaseUnavailable, also if it is not open."""
        async with self._lock:
            sent, self._running = self._local(), block
            try:
                with unavailable():
                    row = await self._fetch(block, values)
            except BaseException:
                await self.aclose()
                raise
            finally:
                self._running = ""
            if "clock" in row:
                self.clock.learn(sent, row["clock"], self._local())
            return row

    @contextlib.asynccontextmanager
    async def between_queries(self) -> AsyncIterator[None]:
        """No query runs inside this context. A wait for a turn is cancelled, which costs the connection."""
        if self._running == "enter" and self._connection is not None:
            with unavailable():
                await self._connection.cancel_safe(timeout=CONNECT_TIMEOUT)
        async with self._lock:
            yield

    async def _fetch(self, block: str, values: dict[str, Any]) -> Row:
        if self._connection is None:
            raise psycopg.OperationalError("the session is closed")
        cursor = await self._connection.execute(SQL[block], values)
        row = await cursor.fetchone()
        assert row is not None, f"{block} returns one row"
        return row
