"""Reads the history of a rollout, from which a forecast starts, out of the database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from alexandria.core.month import Month
from alexandria.database.pool import Connection
from alexandria.database.sql import load
from alexandria.forecast.history import History, PastAttempt
from alexandria.rollout import repository as rollouts
from alexandria.rollout.repository import Rollout

SQL = load(__name__)
LATEST_ATTEMPTS = 2000  # that a forecast takes into account


@dataclass(frozen=True, slots=True)
class Tokens:
    """The tokens of one book list of a language model, on average."""

    input: float
    output: float


async def history(connection: Connection, rollout: Rollout, spent: Mapping[str, int], now: datetime) -> History:
    """The history of a rollout, started or not; `spent` are the units of each provider's day."""
    attempts = await (await connection.execute(SQL["attempts"], {"limit": LATEST_ATTEMPTS})).fetchall()
    waiting = await (await connection.execute(SQL["waiting"])).fetchall()
    requests = await (await connection.execute(SQL["requests"])).fetchall()
    approvals = await (await connection.execute(SQL["approvals"])).fetchall()
    return History(
        at=now,
        state=rollout.state,
        outcomes=await rollouts.outcomes(connection, rollout),
        failed={Month(row["year"], row["month"]): row["retry_count"] for row in waiting},
        due={Month(row["year"], row["month"]): row["next_attempt_at"] for row in waiting if row["next_attempt_at"]},
        attempts=tuple(
            PastAttempt(Month(row["year"], row["month"]), row["began_at"], row["ended_at"], row["outcome"], row["code"])
            for row in attempts
        ),
        requests={row["provider"]: row["requests"] for row in requests},
        spent=spent,
        approval_hours=tuple(row["hours"] for row in approvals),
    )


async def tokens(connection: Connection) -> dict[str, Tokens]:
    """Average tokens of a list by generator, named as in the setting ALEXANDRIA_GENERATORS."""
    rows = await (await connection.execute(SQL["tokens"])).fetchall()
    return {row["generator"]: Tokens(row["input"], row["output"]) for row in rows if row["input"] is not None}
