"""What does the whole backfill look like at one instant? Every month's cell, what failed, what ended last, how fast."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from psycopg.rows import class_row

from alexandria.backfill.status import Status
from alexandria.core.month import Month
from alexandria.database.pool import Connection
from alexandria.database.sql import load
from alexandria.operations.status_style import state

SQL = load(__name__)


@dataclass(frozen=True, slots=True)
class Cell:
    """A month in the grid. `resolution_rate` is in percent and says something once the month is completed."""

    year: int
    month: int
    status: str
    blocked_reason: str | None
    error_code: str | None
    next_attempt_at: datetime | None
    resolution_rate: Decimal
    updated_at: datetime

    @property
    def key(self) -> Month:
        return Month(self.year, self.month)

    @property
    def state(self) -> str:
        """As the palette knows it."""
        return state(self.status, self.blocked_reason)

    @property
    def done(self) -> bool:
        return self.status == Status.COMPLETED

    def open(self, now: datetime) -> bool:
        """Whether a schedule call would take it."""
        due = self.next_attempt_at is not None and self.next_attempt_at <= now
        return self.status == Status.PENDING or (self.status == Status.RETRY and due)


@dataclass(frozen=True, slots=True)
class Failure:
    """Failed months with one reason, newest first; `months` are YYYYMM as a row brings them."""

    code: str
    sentence: str
    months: list[int]
    last_seen: datetime

    @property
    def count(self) -> int:
        return len(self.months)

    @property
    def keys(self) -> list[Month]:
        return [Month(*divmod(number, 100)) for number in self.months]


@dataclass(frozen=True, slots=True)
class Ending:
    """How an attempt ended."""

    ended_at: datetime
    year: int
    month: int
    worker: str | None
    outcome: str
    code: str | None
    reason: str | None

    @property
    def key(self) -> Month:
        return Month(self.year, self.month)


@dataclass(frozen=True, slots=True)
class Pace:
    """Months completed in the hour before `at`, the first of them at `first_of_hour`; `under_way` are begun or queued."""

    at: datetime
    last_hour: int
    first_of_hour: datetime | None
    under_way: int


async def cells(connection: Connection) -> list[Cell]:
    """All months, newest year first, a year's months in order."""
    async with connection.cursor(row_factory=class_row(Cell)) as cursor:
        await cursor.execute(SQL["cells"])
        return await cursor.fetchall()


async def failures(connection: Connection) -> list[Failure]:
    async with connection.cursor(row_factory=class_row(Failure)) as cursor:
        await cursor.execute(SQL["failures"])
        return await cursor.fetchall()


async def log(connection: Connection, lines: int) -> list[Ending]:
    """The `lines` attempts that ended last, newest first."""
    async with connection.cursor(row_factory=class_row(Ending)) as cursor:
        await cursor.execute(SQL["log"], {"lines": lines})
        return await cursor.fetchall()


async def pace(connection: Connection) -> Pace:
    async with connection.cursor(row_factory=class_row(Pace)) as cursor:
        await cursor.execute(SQL["pace"])
        found = await cursor.fetchone()
    assert found is not None
    return found
