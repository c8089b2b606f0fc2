"""What have all processes logged? Written beside the work, which never waits for it and never fails by it."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import math
from collections import deque
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

import psycopg
import structlog
from psycopg.conninfo import make_conninfo
from psycopg.rows import class_row

from alexandria.core.errors import BadInput
from alexandria.core.logging import also_to, process_name
from alexandria.core.month import Month
from alexandria.database.pool import ALIVE, UNHEARD, Connection, Database, unavailable
from alexandria.database.sql import load

SQL = load(__name__)
log = structlog.get_logger(__name__)

LEVELS = ("debug", "info", "warning", "error", "critical")
ROOM = 5000  # events that wait for a database that is away; more are counted and let go
AT_ONCE = 500  # events in one statement
AGAIN = 1.0  # seconds before a failed write is tried again
LAST_WORDS = 2.0  # seconds for what is not yet written when the process ends
LONGEST = 4000  # characters of one text; a traceback's end says more than its beginning
POLL = 5.0  # seconds after which a follower looks by itself, if a pooler between swallows notifications
# A crash of the server may cost the last fraction of a second of the journal; no work waits for its disk.
SESSION = "-c timezone=UTC -c synchronous_commit=off -c statement_timeout=5s"
_HEAD = {"timestamp", "level", "event", "month"}


@dataclass(frozen=True, slots=True)
class Entry:
    """One event. `year` and `month` name the month of books that it is about, if there is one."""

    id: int
    at: datetime
    level: str
    event: str
    process: str
    year: int | None
    month: int | None
    fields: Mapping[str, Any]

    @property
    def key(self) -> Month | None:
        return None if self.year is None or self.month is None else Month(self.year, self.month)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which events: of this month, at this level or above, not before `since`; None: of all."""

    month: Month | None = None
    level: str = LEVELS[0]
    since: datetime | None = None

    def told(self) -> dict[str, Any]:
        levels = LEVELS[LEVELS.index(self.level) :]
        year, month = (None, None) if self.month is None else (self.month.year, self.month.month)
        return {"levels": [*levels], "since": self.since, "year": year, "month": month}


class Journal:
    """Takes down whatever this process logs while in context, in batches, by a connection of its own.

    The connection is made when there is something to write. `room` bounds what waits; `dropped` counts what did not
    fit since the last event that was written.
    """

    def __init__(self, url: str, *, room: int = ROOM) -> None:
        self._url, self._room, self.dropped = url, room, 0
        self._waiting: deque[Mapping[str, Any]] = deque()
        self._news, self._over = asyncio.Event(), asyncio.Event()
        self._connection: psycopg.AsyncConnection | None = None
        self._hearing = contextlib.ExitStack()

    async def __aenter__(self) -> Self:
        self._loop = asyncio.get_running_loop()
        self._hearing.enter_context(also_to(self.take))
        self._writing = asyncio.create_task(self._write())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._hearing.close()
        self._over.set()
        self._news.set()
        await asyncio.wait({self._writing}, timeout=LAST_WORDS)
        self._writing.cancel()
        await asyncio.wait({self._writing}, timeout=LAST_WORDS)
        await self._hang_up()

    def take(self, event: Mapping[str, Any]) -> None:
        """Remember one event, from whichever thread; neither waits nor raises."""
        if len(self._waiting) >= self._room:
            self.dropped += 1
            if self.dropped == 1:
                log.warning("journal falls behind", hint="standard error has what is missing there")
            return
        self._waiting.append(dict(event))
        with contextlib.suppress(RuntimeError):  # the loop has ended: nobody writes any more
            self._loop.call_soon_threadsafe(self._news.set)

    async def _write(self) -> None:
        while self._waiting or not self._over.is_set():
            batch = list(itertools.islice(self._waiting, AT_ONCE))
            if not batch:
                await self._news.wait()
                self._news.clear()
            elif await self._written(batch):
                for _ in batch:
                    self._waiting.popleft()
                self._own_up()
            elif self._over.is_set():
                return
            else:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._over.wait(), AGAIN)

    async def _written(self, batch: list[Mapping[str, Any]]) -> bool:
        """Whether nothing more is to be done about them."""
        fresh = self._connection is None
        try:
            if self._connection is None:
                self._connection = await psycopg.AsyncConnection.connect(_conninfo(self._url), autocommit=True)
            await self._connection.execute(SQL["write"], {"process": process_name(), **_columns(batch)})
        except psycopg.DataError:  # nothing that we know of; whatever it is must not come again and again
            self.dropped += len(batch)
        except (psycopg.Error, OSError):
            await self._hang_up()
            return not fresh and await self._written(batch)
        return True

    def _own_up(self) -> None:
        dropped, self.dropped = self.dropped, 0
        if dropped:
            log.warning("journal has a gap", events=dropped)

    async def _hang_up(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()


async def newest(connection: Connection, wanted: Wanted, most: int) -> list[Entry]:
    """The `most` newest events that are wanted, oldest first."""
    return await _fetch(connection, "newest", {**wanted.told(), "most": most})


async def last(connection: Connection) -> int:
    """The newest event's number."""
    row = await (await connection.execute(SQL["last"])).fetchone()
    assert row is not None
    return int(row["last"])


async def follow(database: Database, wanted: Wanted, after: int) -> AsyncGenerator[Entry, None]:
    """Events with numbers above `after`, as they come. Raises DatabaseUnavailable."""
    with unavailable():
        async with await psycopg.AsyncConnection.connect(_conninfo(database.url), autocommit=True) as listening:
            await listening.execute("LISTEN journal")
            heard = 0
            while True:
                found = await _later(database, wanted, after)
                for entry in found:
                    yield entry
                after = found[-1].id if found else max(after, heard)
                if len(found) < AT_ONCE:
                    async for told in listening.notifies(timeout=POLL, stop_after=1):
                        heard = int(told.payload)


async def prune(connection: Connection, kept: int, most: int) -> int:
    """Delete up to `most` of the oldest events beyond the `kept` newest; returns how many."""
    return (await connection.execute(SQL["prune"], {"kept": kept, "most": most})).rowcount


async def _later(database: Database, wanted: Wanted, after: int) -> list[Entry]:
    async with database.transaction() as connection:
        return await _fetch(connection, "later", {**wanted.told(), "after": after, "most": AT_ONCE})


async def _fetch(connection: Connection, block: str, values: dict[str, Any]) -> list[Entry]:
    async with connection.cursor(row_factory=class_row(Entry)) as cursor:
        await cursor.execute(SQL[block], values)
        return await cursor.fetchall()


def _conninfo(url: str) -> str:
    return make_conninfo(
        url,
        application_name="alexandria journal",
        options=SESSION,
        connect_timeout=5,
        tcp_user_timeout=UNHEARD,
        **ALIVE,
    )


def _columns(batch: list[Mapping[str, Any]]) -> dict[str, list[Any]]:
    months = [_month(event) for event in batch]
    return {
        "at": [event["timestamp"] for event in batch],
        "level": [event["level"] for event in batch],
        "event": [_storable(event["event"]) for event in batch],
        "year": [month and month.year for month in months],
        "month": [month and month.month for month in months],
        "fields": [
            json.dumps(
                {name: _storable(value) for name, value in event.items() if name not in _HEAD and value is not None}
            )
            for event in batch
        ],
    }


def _month(event: Mapping[str, Any]) -> Month | None:
    try:
        return Month.parse(str(event["month"])) if "month" in event else None
    except BadInput:
        return None


def _storable(value: Any) -> Any:
    """What PostgreSQL takes, and no novel."""
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, str):
        text = value.encode("utf-8", "backslashreplace").decode()
        return text if len(text) <= LONGEST else f"... {text[-LONGEST:]}"
    return value
