"""Reads the progress of the backfill: every month, the failures by reason, the last attempts and the rate."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TypeVar

from psycopg.rows import class_row

from alexandria.backfill.status import Status
from alexandria.core.grammar import counted
from alexandria.core.month import Month
from alexandria.database.pool import Connection
from alexandria.database.sql import load
from alexandria.operations.status_style import QUALITIES, display_state

SQL = load(__name__)
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class MonthCell:
    """A month in the grid. `resolution_rate` is in percent, and meaningful once the month is completed."""

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
        """The key of its style."""
        return display_state(self.status, self.blocked_reason)

    @property
    def done(self) -> bool:
        return self.status == Status.COMPLETED

    @property
    def quality(self) -> str:
        """The key of the shade of a completed month in QUALITIES; "" for the best, and for a month that is not completed."""
        if not self.done:
            return ""
        return next((name for name, below in QUALITIES.items() if self.resolution_rate < below), "")

    def open(self, now: datetime) -> bool:
        """Whether a schedule call would take it."""
        due = self.next_attempt_at is not None and self.next_attempt_at <= now
        return self.status == Status.PENDING or (self.status == Status.RETRY and due)


@dataclass(frozen=True, slots=True)
class FailureGroup:
    """Failed months with one reason, newest first; `months` are YYYYMM, as in the row, and `sentence` is of the `latest`."""

    code: str
    sentence: str
    latest: int
    months: list[int]
    last_seen: datetime

    @property
    def count(self) -> int:
        return len(self.months)

    @property
    def keys(self) -> list[Month]:
        return [Month(*divmod(number, 100)) for number in self.months]

    @property
    def latest_key(self) -> Month:
        return Month(*divmod(self.latest, 100))


@dataclass(frozen=True, slots=True)
class EndedAttempt:
    """An attempt that has ended."""

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
class CompletionRate:
    """Months completed in the hour before `at`, the first of them at `first_of_hour`; `under_way` are begun or queued."""

    at: datetime
    last_hour: int
    first_of_hour: datetime | None
    under_way: int


@dataclass(frozen=True, slots=True)
class FoundBooks:
    """Books with an ISBN. `repeated` namings are of books that another month names, too; the last two of the month that named them."""

    distinct_books: int
    repeated: int
    confirmed: int
    contradicted: int

    def words(self) -> str:
        """The same in words."""
        return (
            f"{counted(self.distinct_books, 'distinct book')}, {self.repeated:,} named again by another month; first published "
            f"in the month that named them: {self.confirmed:,} confirmed, {self.contradicted:,} contradicted"
        )


async def cells(connection: Connection) -> list[MonthCell]:
    """All months, newest year first, a year's months in order."""
    async with connection.cursor(row_factory=class_row(MonthCell)) as cursor:
        await cursor.execute(SQL["cells"])
        return await cursor.fetchall()


async def failures(connection: Connection) -> list[FailureGroup]:
    """Failed months by reason, the reason of most months first."""
    async with connection.cursor(row_factory=class_row(FailureGroup)) as cursor:
        await cursor.execute(SQL["failures"])
        return await cursor.fetchall()


async def ended_attempts(connection: Connection, limit: int) -> list[EndedAttempt]:
    """The `limit` attempts that ended last, newest first."""
    async with connection.cursor(row_factory=class_row(EndedAttempt)) as cursor:
        await cursor.execute(SQL["ended_attempts"], {"limit": limit})
        return await cursor.fetchall()


async def found_books(connection: Connection) -> FoundBooks:
    """How many books have an ISBN, and how far they are of their months."""
    return await _one(connection, "found_books", FoundBooks)


async def completion_rate(connection: Connection) -> CompletionRate:
    """How many months were completed within the last hour."""
    return await _one(connection, "completion_rate", CompletionRate)


async def _one(connection: Connection, name: str, kind: type[T]) -> T:
    """The one row of the statement of this name."""
    async with connection.cursor(row_factory=class_row(kind)) as cursor:
        await cursor.execute(SQL[name])
        found = await cursor.fetchone()
    assert found is not None, "it counts"
    return found
