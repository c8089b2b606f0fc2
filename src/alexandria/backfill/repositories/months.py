"""Stores months and their attempts: claims, endings and sums. Every write is fenced by the attempt token."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from alexandria.backfill.repositories import pauses
from alexandria.backfill.retry_policy import (
    NO_KEY,
    OUTCOMES,
    PROVIDERS_DOWN,
    WORKER_LOST,
    WORKER_STALLED,
    Decision,
    GiveUp,
    Retry,
    Snooze,
)
from alexandria.backfill.status import Status
from alexandria.core.errors import AttemptCompleted, AttemptLost
from alexandria.core.month import Month
from alexandria.database.pool import Connection, Database, Row
from alexandria.database.sql import load

SQL = load(__name__)
PARTIAL = "partial"  # code of a completed month without the list of one of its generators
RECENT_MONTHS = 20  # completed months listed as recent activity
WORKER_SILENCE = 60.0  # seconds without a heartbeat after which a worker does not count as running


@dataclass(frozen=True, slots=True)
class ClaimableMonth:
    """A month that may be claimed, was just claimed, or was named by a person."""

    year: int
    month: int
    status: Status
    books_generated: int = 0
    isbns_resolved: int = 0
    resolution_rate: Decimal = Decimal(0)
    error_message: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "status", Status(self.status))  # a row brings plain text

    @property
    def key(self) -> Month:
        return Month(self.year, self.month)


@dataclass(frozen=True, slots=True)
class StartedAttempt:
    """The month of an attempt that has started. Each generator is asked for `batch_size` books."""

    month: Month
    token: UUID
    failed_before: int
    prompt_variant: str | None
    batch_size: int


@dataclass(frozen=True, slots=True)
class Claim:
    """A month's new attempt: only the holder of the token may write for the month."""

    month: Month
    token: UUID


async def seed(connection: Connection, first_year: int, last_year: int) -> int:
    """Add the missing months of these years. Returns how many were added."""
    return (await connection.execute(SQL["seed"], {"first": first_year, "last": last_year})).rowcount


async def totals(connection: Connection) -> dict[Status, int]:
    """Count the months in each of the five statuses."""
    rows = await (await connection.execute(SQL["totals"])).fetchall()
    counted = {row["status"]: row["months"] for row in rows}
    return {status: counted.get(status, 0) for status in Status}


async def open_months(
    connection: Connection, *, limit: int, first_year: int, last_year: int, failed_too: bool, lock: bool
) -> list[ClaimableMonth]:
    """Return the newest claimable months of these years. With `lock` they stay locked until the transaction ends."""
    parameters = {"limit": limit, "first": first_year, "last": last_year, "failed_too": failed_too}
    async with connection.cursor(row_factory=class_row(ClaimableMonth)) as cursor:
        await cursor.execute(SQL["open_locked" if lock else "open"], parameters)
        return await cursor.fetchall()


async def planned_months(connection: Connection, months: Sequence[Month], *, failed_too: bool) -> list[ClaimableMonth]:
    """Return those of `months` that may be claimed now, locked until the transaction ends."""
    async with connection.cursor(row_factory=class_row(ClaimableMonth)) as cursor:
        await cursor.execute(SQL["planned_locked"], {**_columns(months), "failed_too": failed_too})
        return await cursor.fetchall()


async def named_months(connection: Connection, months: Sequence[Month], *, lock: bool) -> list[ClaimableMonth]:
    """Return those of `months` that are seeded, newest first, whatever their status.

    With `lock` they stay locked until the transaction ends, and those that another one has locked are left out.
    """
    async with connection.cursor(row_factory=class_row(ClaimableMonth)) as cursor:
        await cursor.execute(SQL["named_locked" if lock else "named"], _columns(months))
        return await cursor.fetchall()


async def due(connection: Connection, month: Month) -> bool:
    """Return whether a month in retry may run now; if so it is locked until the transaction ends.

    A month that another transaction has locked may not.
    """
    found = await connection.execute(SQL["due_locked"], {"year": month.year, "month": month.month})
    return await found.fetchone() is not None


async def reopen(connection: Connection, months: Sequence[Month]) -> int:
    """Reset completed and failed months to pending, with their counters. Returns how many."""
    return (await connection.execute(SQL["reopen"], _columns(months))).rowcount


async def claim(connection: Connection, claims: Sequence[Claim], jobs: Sequence[int]) -> None:
    """Give locked months their new attempts, which the `jobs` will make."""
    columns = {**_columns([c.month for c in claims]), "tokens": [c.token for c in claims]}
    claimed = await connection.execute(SQL["claim"], columns)
    assert claimed.rowcount == len(claims), "claimed months were locked and open"
    await connection.execute(SQL["add_attempts"], {**columns, "jobs": list(jobs)})


async def begin(connection: Connection, token: UUID, worker: str) -> StartedAttempt:
    """Start the attempt. Raises AttemptLost if the month has gone to another."""
    row = await (await connection.execute(SQL["begin"], {"token": token, "worker": worker})).fetchone()
    if row is None:
        raise AttemptLost("the month was reset, taken over or finished")
    return _started(row, token)


async def begin_unless_paused(database: Database, token: UUID, worker: str) -> StartedAttempt | None:
    """Start the attempt in one pipeline; returns None during a pause, or if the month has gone to another."""
    async with database.pipelined() as connection:
        await pauses.hold_off(connection)
        begun = await connection.execute(SQL["begin_unless_paused"], {"token": token, "worker": worker})
    row = await begun.fetchone()
    return None if row is None else _started(row, token)


def _started(row: Row, token: UUID) -> StartedAttempt:
    month = Month(row["year"], row["month"])
    return StartedAttempt(month, token, row["retry_count"], row["prompt_variant"], row["batch_size"])


async def lock(connection: Connection, token: UUID) -> tuple[Month, int]:
    """Lock the month that the token owns until the transaction ends; returns it and its failed attempts.

    Raises AttemptLost if the token owns none, AttemptCompleted if it has completed its month.
    """
    row = await (await connection.execute(SQL["lock"], {"token": token})).fetchone()
    if row is None:
        past = await (await connection.execute(SQL["has_completed"], {"token": token})).fetchone()
        if past is not None and past["completed"]:
            raise AttemptCompleted("the month is completed")
        raise AttemptLost("the month was reset, taken over or finished")
    return Month(row["year"], row["month"]), row["retry_count"]


async def try_lock(connection: Connection, token: UUID) -> tuple[Month, int] | None:
    """Lock as `lock` does, without waiting. Returns None if the token owns no month or another transaction locks it."""
    row = await (await connection.execute(SQL["try_lock"], {"token": token})).fetchone()
    return None if row is None else (Month(row["year"], row["month"]), row["retry_count"])


async def end(connection: Connection, token: UUID, decision: Decision, *, outcome: str | None = None) -> None:
    """End the attempt as decided; `outcome` replaces the usual one ("lost"). Raises AttemptLost."""
    outcome = outcome or OUTCOMES[type(decision)]
    match decision:
        case Retry():
            await retry(connection, token, decision, outcome=outcome)
        case Snooze():
            await snooze(connection, token, decision, outcome=outcome)
        case GiveUp():
            await fail(connection, token, decision, outcome=outcome)


async def outage_waits(connection: Connection, token: UUID) -> int:
    """Return how often in a row the month of this attempt has waited for providers."""
    values = {"token": token, "codes": [PROVIDERS_DOWN, NO_KEY]}
    row = await (await connection.execute(SQL["outage_waits"], values)).fetchone()
    assert row is not None
    return int(row["waits"])


async def spare(connection: Connection, token: UUID) -> tuple[Month, bool] | None:
    """Take back that an attempt counted as lost, as its worker lives and only stood still.

    Returns the month and whether it goes on because of that, or None if the attempt did not count.
    """
    lost = {"token": token, "lost": WORKER_LOST}
    before = await (await connection.execute(SQL["lock_lost"], lost)).fetchone()
    if before is None:
        return None
    reason = "its worker stood still"
    spared = await connection.execute(SQL["spare_attempt"], lost | {"code": WORKER_STALLED, "reason": reason})
    if not spared.rowcount:
        return None
    month = Month(before["year"], before["month"])
    after = await (await connection.execute(SQL["spare_month"], lost | _key(month))).fetchone()
    assert after is not None
    return month, before["status"] != after["status"]


async def complete(
    connection: Connection,
    token: UUID,
    *,
    generated: int,
    resolved: int,
    queued: int,
    variant: str,
    note: str | None,
    partial: bool = False,
    locked: bool = False,
) -> None:
    """Complete the month, whose books are recorded; `partial`: the list of a generator is missing. Raises AttemptLost.

    `locked`: this transaction has locked it for the attempt already. Its job is done, and ends in the same transaction.
    """
    code = PARTIAL if partial else None
    if not locked:
        await lock(connection, token)
    values = {"generated": generated, "resolved": resolved, "queued": queued, "variant": variant, "note": note}
    await _end_attempt(connection, token, "completed", code, note)
    await connection.execute(SQL["end_job"], {"token": token})
    written = await connection.execute(SQL["complete"], {**values, "code": code, "token": token})
    assert written.rowcount == 1, "the month was locked"


async def retry(connection: Connection, token: UUID, decision: Retry, *, outcome: str = "retry") -> None:
    """End a failed attempt, which counts; `outcome` may also be "lost". Raises AttemptLost."""
    await _end(connection, token, outcome, decision.code, decision.reason)
    values = {"failed": 1, "at": decision.at, "message": decision.reason, "code": decision.code, "blocked": None}
    await _write(connection, "postpone", {**values, "token": token})


async def snooze(connection: Connection, token: UUID, decision: Snooze, *, outcome: str = "snoozed") -> None:
    """Let the month wait; no attempt counts. `outcome` may also be "lost". Raises AttemptLost."""
    await _end(connection, token, outcome, decision.code, decision.reason)
    values = {"failed": 0, "at": decision.until, "message": None, "code": decision.code, "blocked": decision.reason}
    await _write(connection, "postpone", {**values, "token": token})


async def fail(connection: Connection, token: UUID, decision: GiveUp, *, outcome: str = "failed") -> None:
    """Fail the month until a person asks again. Raises AttemptLost."""
    await _end(connection, token, outcome, decision.code, decision.reason)
    await _write(connection, "fail", {"token": token, "message": decision.reason, "code": decision.code})


async def lost(connection: Connection, silence: float) -> list[Row]:
    """Return attempts {year, month, token, outage} whose job is gone or whose worker is silent for `silence` seconds.

    `outage`: the server was started after the last heartbeat, so the database may have been lost, not the worker.
    """
    return await (await connection.execute(SQL["lost"], {"silence": silence})).fetchall()


async def drop_dead_jobs(connection: Connection, silence: float) -> int:
    """Delete the jobs of workers that have been silent for `silence` seconds. Returns how many."""
    return (await connection.execute(SQL["drop_dead_jobs"], {"silence": silence})).rowcount


async def unscheduled(connection: Connection, silence: float) -> list[Month]:
    """Return overdue months in retry that no job will wake."""
    rows = await (await connection.execute(SQL["unscheduled"], {"silence": silence})).fetchall()
    return [Month(row["year"], row["month"]) for row in rows]


async def progress(connection: Connection) -> Row:
    """Return sums over all months."""
    row = await (await connection.execute(SQL["progress"])).fetchone()
    assert row is not None
    return row


async def recent(connection: Connection) -> list[ClaimableMonth]:
    """Return the newest completed months."""
    async with connection.cursor(row_factory=class_row(ClaimableMonth)) as cursor:
        await cursor.execute(SQL["recent"], {"limit": RECENT_MONTHS})
        return await cursor.fetchall()


async def daily(connection: Connection) -> Row:
    """Return the number of months in each status and their resolution in percent, in all and for the last day."""
    row = await (await connection.execute(SQL["daily"])).fetchone()
    assert row is not None
    return row


async def listed(
    connection: Connection, *, status: Status | None = None, year: int | None = None, reason: str | None = None
) -> list[Row]:
    """Return whole rows of backfill_log, newest first."""
    found = await connection.execute(SQL["listed"], {"status": status, "year": year, "reason": reason})
    return await found.fetchall()


async def one(connection: Connection, month: Month) -> Row | None:
    """Return the whole row of one month, or None."""
    return await (await connection.execute(SQL["one"], _key(month))).fetchone()


async def attempts(connection: Connection, month: Month) -> list[Row]:
    return await (await connection.execute(SQL["attempts"], _key(month))).fetchall()


async def attempt_of_job(connection: Connection, job_id: int) -> Row | None:
    return await (await connection.execute(SQL["attempt_of_job"], {"job_id": job_id})).fetchone()


async def spent(connection: Connection, month: Month) -> list[Row]:
    """Return the requests that a month has cost, by provider: {provider, calls, units, refused}."""
    return await (await connection.execute(SQL["spent"], _key(month))).fetchall()


async def workers(connection: Connection, silence: float) -> Row:
    """Count {workers, due, processing}: workers with a heartbeat within `silence` seconds, months due, months claimed."""
    row = await (await connection.execute(SQL["workers"], {"silence": silence})).fetchone()
    assert row is not None
    return row


async def waiting(connection: Connection, soon: float) -> int:
    """Return the number of months that are claimed, due, or due within `soon` seconds."""
    row = await (await connection.execute(SQL["waiting"], {"soon": soon})).fetchone()
    assert row is not None
    return int(row["months"])


async def audit(connection: Connection, who: str, act: str, detail: dict[str, Any]) -> None:
    await connection.execute(SQL["audit"], {"who": who, "act": act, "detail": Jsonb(detail)})


def _key(month: Month) -> dict[str, int]:
    return {"year": month.year, "month": month.month}


def _columns(months: Sequence[Month]) -> dict[str, list[Any]]:
    return {"years": [m.year for m in months], "months": [m.month for m in months]}


async def _end(connection: Connection, token: UUID, outcome: str, code: str | None, reason: str | None) -> None:
    await lock(connection, token)  # the month before its attempt, as a hand-made reset locks them: no deadlock
    await _end_attempt(connection, token, outcome, code, reason)


async def _end_attempt(connection: Connection, token: UUID, outcome: str, code: str | None, reason: str | None) -> None:
    await connection.execute(SQL["end_attempt"], {"token": token, "outcome": outcome, "code": code, "reason": reason})


async def _write(connection: Connection, block: str, values: dict[str, Any]) -> None:
    written = await connection.execute(SQL[block], values)
    assert written.rowcount == 1, "the month was locked"
