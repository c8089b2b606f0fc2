"""Stores what all processes log in one table, and reads it.

Logging never waits for the database and never fails because of it.
"""

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
from psycopg.rows import class_row

from alexandria.core.errors import BadInput
from alexandria.core.logging import also_to, process_name
from alexandria.core.month import Month
from alexandria.database.pool import KEEPALIVES, UNACKNOWLEDGED_TIMEOUT, Connection, Database, unavailable
from alexandria.database.session import ConfiguredConnection
from alexandria.database.sql import load

SQL = load(__name__)
log = structlog.get_logger(__name__)

LEVELS = ("debug", "info", "warning", "error", "critical")
MAX_PENDING_EVENTS = 5000  # kept while the database is away; further ones are counted and dropped
BATCH_SIZE = 500  # events in one statement
WRITE_RETRY_DELAY = 1.0  # seconds after a failed write
CLOSE_TIMEOUT = 2.0  # seconds to write what is pending when the process ends
MAX_TEXT_LENGTH = 4000  # characters; of a longer text the end is kept, which is the useful part of a traceback
FOLLOW_POLL_INTERVAL = 5.0  # seconds, for followers whose notifications a pooler in between drops
# A crash of the server may cost the last fraction of a second of the log; no work waits for its disk.
SESSION_SETTINGS = {"synchronous_commit": "off", "statement_timeout": "5s"}
_COLUMNS_OF_THEIR_OWN = {"timestamp", "level", "event", "month"}


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One event. `year` and `month` are the month of books that it concerns, if there is one."""

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
class LogFilter:
    """Selects events: of `month`, at `level` or above, not before `since`; None selects all."""

    month: Month | None = None
    level: str = LEVELS[0]
    since: datetime | None = None

    def parameters(self) -> dict[str, Any]:
        """The filter as parameters of the SQL statements."""
        levels = LEVELS[LEVELS.index(self.level) :]
        year, month = (None, None) if self.month is None else (self.month.year, self.month.month)
        return {"levels": [*levels], "since": self.since, "year": year, "month": month}


class EventLogWriter:
    """Stores everything that this process logs while the context is open, in batches, over a connection of its own.

    The connection is made when there is something to write. At most `capacity` events wait; `dropped` counts those
    that did not fit since the last one that was written.
    """

    def __init__(self, url: str, *, capacity: int = MAX_PENDING_EVENTS) -> None:
        self._url, self._capacity, self.dropped = url, capacity, 0
        self._pending: deque[Mapping[str, Any]] = deque()
        self._added, self._closing = asyncio.Event(), asyncio.Event()
        self._connection: ConfiguredConnection | None = None
        self._subscription = contextlib.ExitStack()

    async def __aenter__(self) -> Self:
        self._loop = asyncio.get_running_loop()
        self._subscription.enter_context(also_to(self.add))
        self._writing = asyncio.create_task(self._write())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._subscription.close()
        self._closing.set()
        self._added.set()
        await asyncio.wait({self._writing}, timeout=CLOSE_TIMEOUT)
        self._writing.cancel()
        await asyncio.wait({self._writing}, timeout=CLOSE_TIMEOUT)
        await self._disconnect()

    def add(self, event: Mapping[str, Any]) -> None:
        """Queue one event, from any thread; neither waits nor raises."""
        if len(self._pending) >= self._capacity:
            self.dropped += 1
            if self.dropped == 1:
                log.warning("event log is full, events are dropped", hint="standard error has them all")
            return
        self._pending.append(dict(event))
        with contextlib.suppress(RuntimeError):  # the loop has ended: nothing is written any more
            self._loop.call_soon_threadsafe(self._added.set)

    async def _write(self) -> None:
        while self._pending or not self._closing.is_set():
            batch = list(itertools.islice(self._pending, BATCH_SIZE))
            if not batch:
                await self._added.wait()
                self._added.clear()
            elif await self._write_batch(batch):
                for _ in batch:
                    self._pending.popleft()
                self._report_dropped()
            elif self._closing.is_set():
                return
            else:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._closing.wait(), WRITE_RETRY_DELAY)

    async def _write_batch(self, batch: list[Mapping[str, Any]]) -> bool:
        """Whether the batch is done with: written, or refused for good."""
        fresh = self._connection is None
        try:
            if self._connection is None:
                self._connection = await _connect(self._url)
            await self._connection.execute(SQL["write"], {"process": process_name(), **_columns(batch)})
        except psycopg.DataError:  # no case is known; whatever it is must not be tried for ever
            self.dropped += len(batch)
        except (psycopg.Error, OSError):
            await self._disconnect()
            return not fresh and await self._write_batch(batch)
        return True

    def _report_dropped(self) -> None:
        dropped, self.dropped = self.dropped, 0
        if dropped:
            log.warning("event log has a gap", events=dropped)

    async def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()


async def newest(connection: Connection, wanted: LogFilter, limit: int) -> list[LogEntry]:
    """The `limit` newest events that match, oldest first."""
    return await _fetch(connection, "newest", {**wanted.parameters(), "limit": limit})


async def last(connection: Connection) -> int:
    """The newest event's number."""
    row = await (await connection.execute(SQL["last"])).fetchone()
    assert row is not None
    return int(row["last"])


async def follow(database: Database, wanted: LogFilter, after: int) -> AsyncGenerator[LogEntry, None]:
    """Events with numbers above `after`, as they come. Raises DatabaseUnavailable."""
    with unavailable():
        async with await _connect(database.url) as listening:
            await listening.execute("LISTEN journal")
            notified = 0
            while True:
                found = await _later(database, wanted, after)
                for entry in found:
                    yield entry
                after = found[-1].id if found else max(after, notified)
                if len(found) < BATCH_SIZE:
                    async for notification in listening.notifies(timeout=FOLLOW_POLL_INTERVAL, stop_after=1):
                        notified = int(notification.payload)


async def prune(connection: Connection, kept: int, limit: int) -> int:
    """Delete up to `limit` of the oldest events beyond the `kept` newest; returns how many."""
    return (await connection.execute(SQL["prune"], {"kept": kept, "limit": limit})).rowcount


async def _later(database: Database, wanted: LogFilter, after: int) -> list[LogEntry]:
    async with database.transaction() as connection:
        return await _fetch(connection, "later", {**wanted.parameters(), "after": after, "limit": BATCH_SIZE})


async def _fetch(connection: Connection, block: str, values: dict[str, Any]) -> list[LogEntry]:
    async with connection.cursor(row_factory=class_row(LogEntry)) as cursor:
        await cursor.execute(SQL[block], values)
        return await cursor.fetchall()


async def _connect(url: str) -> ConfiguredConnection:
    return await ConfiguredConnection.connect(
        url,
        settings=SESSION_SETTINGS,
        autocommit=True,
        application_name="alexandria journal",
        connect_timeout=5,
        tcp_user_timeout=UNACKNOWLEDGED_TIMEOUT,
        **KEEPALIVES,
    )


def _columns(batch: list[Mapping[str, Any]]) -> dict[str, list[Any]]:
    months = [_month(event) for event in batch]
    return {
        "at": [event["timestamp"] for event in batch],
        "level": [event["level"] for event in batch],
        "event": [_storable(event["event"]) for event in batch],
        "year": [month and month.year for month in months],
        "month": [month and month.month for month in months],
        "fields": [json.dumps(_fields(event)) for event in batch],
    }


def _fields(event: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: _storable(value)
        for name, value in event.items()
        if name not in _COLUMNS_OF_THEIR_OWN and value is not None
    }


def _month(event: Mapping[str, Any]) -> Month | None:
    try:
        return Month.parse(str(event["month"])) if "month" in event else None
    except BadInput:
        return None


def _storable(value: Any) -> Any:
    """The value as PostgreSQL accepts it, long texts cut."""
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, str):
        text = value.encode("utf-8", "backslashreplace").decode()
        return text if len(text) <= MAX_TEXT_LENGTH else f"... {text[-MAX_TEXT_LENGTH:]}"
    return value
