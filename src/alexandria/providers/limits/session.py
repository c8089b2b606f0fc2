"""How do we keep one session with PostgreSQL, whose locks die with it, and what time is it over there?"""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections.abc import AsyncIterator, Callable
from typing import Any

import psycopg
from psycopg.conninfo import make_conninfo
from psycopg.rows import dict_row

from alexandria.database.pool import ALIVE, PATIENCE, Connection, Row, unavailable
from alexandria.database.sql import load

SQL = load("alexandria.providers.limits.rate")
DRIFT = 1e-4  # seconds a second by which two clocks may part
PINGS = 20  # questions that settle what time it is
BLUR = 0.005  # seconds of doubt, beyond the least possible, that are worth asking again


class ServerClock:
    """The server's clock as far as it is known here: between `earliest()` and `latest()`, in seconds.

    Every reply that carries the server's time narrows the difference to the local clock: the server read its clock
    after we asked and before we were answered.
    """

    def __init__(self, local: Callable[[], float]) -> None:
        self.local = local
        self._low, self._high, self._since = -math.inf, math.inf, local()

    def earliest(self) -> float:
        now = self.local()
        return now + self._low - DRIFT * (now - self._since)

    def latest(self) -> float:
        now = self.local()
        return now + self._high + DRIFT * (now - self._since)

    def doubt(self) -> float:
        return self.latest() - self.earliest()

    def learn(self, asked: float, server: float, answered: float) -> None:
        """A reply with the `server`'s time; `asked` and `answered` are local instants."""
        on_the_way = DRIFT * (answered - asked)
        least, most = server - answered - on_the_way, server - asked + on_the_way
        since = DRIFT * (answered - self._since)
        low, high = max(self._low - since, least), min(self._high + since, most)
        if low > high:  # one of the clocks was set: what was known is worthless
            low, high = least, most
        self._low, self._high, self._since = low, high, answered

    async def reach(self, instant: float) -> None:
        """Sleep until the server's clock has surely reached `instant`."""
        while (wait := instant - self.earliest()) > 0:  # noqa: ASYNC110  # a clock sets no event
            await asyncio.sleep(wait)


class Session:
    """A connection of our own. Any trouble with it closes it, so that an open one holds what it took."""

    def __init__(self, conninfo: str, name: str, local: Callable[[], float]) -> None:
        self._conninfo = make_conninfo(conninfo, fallback_application_name=f"alexandria {name}", **ALIVE)
        self._local = local
        self._connection: Connection | None = None
        self._line = asyncio.Lock()
        self._asking = ""
        self._least_doubt = math.inf
        self.clock = ServerClock(local)

    @property
    def is_open(self) -> bool:
        return self._connection is not None

    async def open(self) -> None:
        """Connect anew. Raises DatabaseUnavailable."""
        await self.aclose()
        with unavailable():
            self._connection = await psycopg.AsyncConnection[Row].connect(
                self._conninfo, autocommit=True, row_factory=dict_row, connect_timeout=int(PATIENCE)
            )
        self.clock = ServerClock(self._local)
        await self.ask("session")
        await self.tell_time()

    async def aclose(self) -> None:
        if self._connection is not None:
            connection, self._connection = self._connection, None
            await connection.close()

    async def tell_time(self) -> None:
        """Know the server's time as well as the line allows."""
        if self.clock.doubt() > self._least_doubt + BLUR or not math.isfinite(self.clock.doubt()):
            for _ in range(PINGS):
                await self.ask("clock")
            self._least_doubt = self.clock.doubt()

    async def ask(self, block: str, **values: Any) -> Row:
        """The one row that a block of lanes.sql gives. Raises DatabaseUnavailable, also if the session is not open."""
        async with self._line:
            asked, self._asking = self._local(), block
            try:
                with unavailable():
                    row = await self._fetch(block, values)
            except BaseException:
                await self.aclose()
                raise
            finally:
                self._asking = ""
            if "clock" in row:
                self.clock.learn(asked, row["clock"], self._local())
            return row

    @contextlib.asynccontextmanager
    async def between_questions(self) -> AsyncIterator[None]:
        """Inside, nothing is being asked. A wait for the turn on a lane is broken off, which costs the connection."""
        if self._asking == "enter" and self._connection is not None:
            with unavailable():
                await self._connection.cancel_safe(timeout=PATIENCE)
        async with self._line:
            yield

    async def _fetch(self, block: str, values: dict[str, Any]) -> Row:
        if self._connection is None:
            raise psycopg.OperationalError("the session is closed")
        cursor = await self._connection.execute(SQL[block], values)
        row = await cursor.fetchone()
        assert row is not None, f"{block} gives one row"
        return row
