"""Stores what people ask of the whole backfill: a pause, and months to do again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from psycopg.rows import class_row

from alexandria.backfill.retry_policy import PAUSE_RECHECK_DELAY
from alexandria.backfill.status import Status
from alexandria.core.month import Month
from alexandria.core.servers import message_pattern
from alexandria.database.pool import Connection, Row
from alexandria.database.sql import load

SQL = load(__name__)


@dataclass(frozen=True, slots=True)
class Pause:
    """No attempt begins from `since` until `until` (None: until it is resumed). `who` asked for it."""

    since: datetime
    until: datetime | None
    who: str
    reason: str

    def wait(self, now: datetime) -> datetime:
        """Return when a month that waits for the end of the pause checks again."""
        return self.until or now + PAUSE_RECHECK_DELAY

    def to_json(self) -> dict[str, str | None]:
        """Return the pause as JSON data."""
        until = None if self.until is None else self.until.isoformat()
        return {"since": self.since.isoformat(), "until": until, "by": self.who, "reason": self.reason}

    def __str__(self) -> str:
        end = "resumed" if self.until is None else f"{self.until.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
        return f"paused by {self.who} until {end}" + (f": {self.reason}" if self.reason else "")


@dataclass(frozen=True, slots=True)
class LanePause:
    """No worker asks a provider before `until`, for the `reason` that the provider gave."""

    until: datetime
    reason: str


async def hold_off(connection: Connection) -> None:
    """Let no pause begin before this transaction ends."""
    await connection.execute(SQL["lock_pause"])


async def paused(connection: Connection, *, lock: bool = False) -> Pause | None:
    """Return the pause in force. With `lock` no other one begins before the transaction ends."""
    if lock:
        await hold_off(connection)
    async with connection.cursor(row_factory=class_row(Pause)) as cursor:
        await cursor.execute(SQL["pause_now"])
        return await cursor.fetchone()


async def pause(connection: Connection, until: datetime | None, who: str, reason: str) -> Pause:
    """Begin a pause. Waits for attempts that are just beginning; later ones find the pause."""
    await connection.execute(SQL["lock_attempts"])
    async with connection.cursor(row_factory=class_row(Pause)) as cursor:
        await cursor.execute(SQL["pause"], {"until": until, "who": who, "reason": reason})
        made = await cursor.fetchone()
    assert made is not None
    return made


async def resume(connection: Connection) -> None:
    await connection.execute(SQL["resume"])


async def resume_lane(connection: Connection, provider: str) -> LanePause | None:
    """End the pause of a provider, at all its servers if it has several. Returns what it was, or None."""
    await connection.execute(SQL["end_breaker_pause"], {"provider": provider})
    async with connection.cursor(row_factory=class_row(LanePause)) as cursor:
        await cursor.execute(SQL["resume_lane"], {"provider": provider})
        return await cursor.fetchone()


async def advance_blocked(connection: Connection, provider: str, at: datetime) -> list[Month]:
    """Let months that wait for `provider` wait until `at` at the latest. Returns those whose time moved."""
    rows = await (
        await connection.execute(SQL["advance_blocked"], {"messages": message_pattern(provider), "at": at})
    ).fetchall()
    return [Month(row["year"], row["month"]) for row in rows]


async def finishing(connection: Connection) -> int:
    """Count the months whose attempt has begun and not ended."""
    row = await (await connection.execute(SQL["finishing"])).fetchone()
    assert row is not None
    return int(row["months"])


async def postpone(connection: Connection, month: Month, until: datetime, reason: str) -> None:
    """Let a month in retry wait for the end of a pause."""
    values = {"year": month.year, "month": month.month, "until": until, "reason": reason}
    await connection.execute(SQL["postpone"], values)


async def advance_paused(connection: Connection, at: datetime) -> list[Month]:
    """Let months that wait for the end of a pause wait until `at` at the latest. Returns those whose time moved."""
    rows = await (await connection.execute(SQL["advance_paused"], {"at": at})).fetchall()
    return [Month(row["year"], row["month"]) for row in rows]


async def wanted(
    connection: Connection,
    months: Sequence[Month] | None,
    reason: str | None,
    *,
    failed: bool,
    partial: bool = False,
    adopted: bool = False,
) -> tuple[dict[Month, Status], dict[Month, Status]]:
    """Return those of `months` (None: of all) with this error code, message or reason to wait.

    With `failed` failed ones only, with `partial` completed ones that lack the list of a generator, with `adopted` those
    that have the outcome of an earlier scheduler. Newest first. The first are locked until the transaction ends; the second
    are locked by another transaction.
    """
    chosen = {"years": None, "months": None} if months is None else _columns(months)
    values = {**chosen, "reason": reason, "failed": failed, "partial": partial, "adopted": adopted}
    free = _statuses(await (await connection.execute(SQL["wanted_locked"], values)).fetchall())
    found = _statuses(await (await connection.execute(SQL["wanted"], values)).fetchall())
    return free, {month: status for month, status in found.items() if month not in free}


async def advance_wakeup(connection: Connection, months: Sequence[Month]) -> None:
    """Make months in retry due at once."""
    await connection.execute(SQL["advance_wakeup"], _columns(months))


def _statuses(rows: Sequence[Row]) -> dict[Month, Status]:
    return {Month(row["year"], row["month"]): Status(row["status"]) for row in rows}


def _columns(months: Sequence[Month]) -> dict[str, list[int]]:
    return {"years": [m.year for m in months], "months": [m.month for m in months]}
