"""What does the database remember of a rollout, for a forecast to go on from?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from alexandria.core.month import Month
from alexandria.database.pool import Connection
from alexandria.database.sql import load
from alexandria.forecast.history import Attempt, Past
from alexandria.rollout import repository as rollouts
from alexandria.rollout.repository import Rollout

SQL = load(__name__)
LATEST = 2000  # attempts that are looked at


@dataclass(frozen=True, slots=True)
class Tokens:
    """Of one list of a language model, on average."""

    input: float
    output: float


async def past(connection: Connection, rollout: Rollout, spent: Mapping[str, int], now: datetime) -> Past:
    """Of a rollout, also of one that was not started; `spent` are the units of each provider's day."""
    attempts = await (await connection.execute(SQL["attempts"], {"limit": LATEST})).fetchall()
    waiting = await (await connection.execute(SQL["waiting"])).fetchall()
    calls = await (await connection.execute(SQL["calls"])).fetchall()
    waits = await (await connection.execute(SQL["waits"])).fetchall()
    return Past(
        at=now,
        standing=rollout.standing,
        outcomes=await rollouts.outcomes(connection, rollout),
        failed={Month(row["year"], row["month"]): row["retry_count"] for row in waiting},
        due={Month(row["year"], row["month"]): row["next_attempt_at"] for row in waiting if row["next_attempt_at"]},
        attempts=tuple(
            Attempt(Month(row["year"], row["month"]), row["began_at"], row["ended_at"], row["outcome"], row["code"])
            for row in attempts
        ),
        calls={row["provider"]: row["calls"] for row in calls},
        spent=spent,
        waits=tuple(row["hours"] for row in waits),
    )


async def tokens(connection: Connection) -> dict[str, Tokens]:
    """By generator, as the setting calls it."""
    rows = await (await connection.execute(SQL["tokens"])).fetchall()
    return {row["generator"]: Tokens(row["input"], row["output"]) for row in rows if row["input"] is not None}
