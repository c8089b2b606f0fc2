"""Stores rollouts: their plan and state, the months they scheduled, their verdicts, and the log of acts.

Times come from the caller's clock.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from alexandria.backfill.status import Status
from alexandria.core.month import Month
from alexandria.database.pool import Connection, Row
from alexandria.database.sql import load
from alexandria.rollout.decisions import RolloutState
from alexandria.rollout.gates import GateEvaluation, MonthOutcome
from alexandria.rollout.plan import STORED, Plan

SQL = load(__name__)


@dataclass(frozen=True, slots=True)
class Rollout:
    """A plan that was started, and its state."""

    id: int
    plan: Plan
    state: RolloutState
    started_at: datetime
    started_by: str
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class PastAct:
    """When an act was done, and to which phase."""

    at: datetime
    phase: str


async def newest(connection: Connection) -> Rollout | None:
    """The running rollout, or the last one that ran."""
    return _read(await (await connection.execute(SQL["newest"])).fetchone())


async def quota_share(connection: Connection) -> float:
    """The share of the day's quota that is for months by the running rollout's phase; all of it without a rollout."""
    rollout = await newest(connection)
    if rollout is None or rollout.ended_at is not None:
        return 1.0
    return rollout.plan.phase[rollout.state.phase].quota_share


async def running(connection: Connection, *, wait: bool = True) -> Rollout | None:
    """The running rollout, locked until the transaction ends; without `wait` None if another transaction locks it."""
    found = await connection.execute(SQL["running" if wait else "running_unless_locked"])
    return _read(await found.fetchone())


async def start(connection: Connection, plan: Plan, who: str, begins: date, now: datetime) -> Rollout:
    """Start a rollout. None may be running; call `lock_starts` before."""
    values = {"plan": Jsonb(plan.model_dump(mode="json")), "at": now, "who": who, "begins": begins}
    started = _read(await (await connection.execute(SQL["start"], values)).fetchone())
    assert started is not None
    return started


async def lock_starts(connection: Connection) -> None:
    """Let no other transaction start a rollout before this one ends."""
    await connection.execute(SQL["lock_starts"])


async def save_state(connection: Connection, rollout: Rollout, state: RolloutState, now: datetime) -> None:
    """Save the state; a rollout that has finished is ended."""
    await _save(connection, rollout, state, now, "finished" if state.finished else None)


async def replace(connection: Connection, rollout: Rollout, now: datetime) -> None:
    """End a rollout because another one replaces it."""
    await _save(connection, rollout, rollout.state, now, "replaced")


async def outcomes(connection: Connection, rollout: Rollout) -> dict[Month, MonthOutcome]:
    """The outcomes of all seeded months of the plan's years."""
    years = [year for phase in rollout.plan.phase for year in phase.years]
    values = {"id": rollout.id, "first": min(years), "last": max(years)}
    rows = await (await connection.execute(SQL["outcomes"], values)).fetchall()
    return {
        Month(row.pop("year"), row.pop("month")): MonthOutcome(
            Status(row.pop("status")), failed_days=tuple(row.pop("failed_days")), **row
        )
        for row in rows
    }


async def begun(connection: Connection, day: date) -> int:
    """How many months have begun on a day, of all rollouts together and whatever became of the months' rows."""
    row = await (await connection.execute(SQL["begun"], {"day": day})).fetchone()
    assert row is not None
    return int(row["begun"])


async def spent_by_months(connection: Connection, midnight: datetime) -> int:
    """Units that attempts at months have spent of ISBNdb's day, which began at `midnight` in the provider's zone."""
    row = await (await connection.execute(SQL["spent_by_months"], {"midnight": midnight})).fetchone()
    assert row is not None
    return int(row["units"])


async def save_scheduled(connection: Connection, rollout: Rollout, months: Sequence[Month], day: date) -> None:
    """Save the day on which the rollout scheduled these months."""
    columns = {"years": [m.year for m in months], "months": [m.month for m in months]}
    values = {**columns, "id": rollout.id, "day": day}
    await connection.execute(SQL["save_scheduled"], values)
    await connection.execute(SQL["save_begun"], values)


async def save_verdict(connection: Connection, rollout: Rollout, evaluation: GateEvaluation, now: datetime) -> bool:
    """Save the verdict with its inputs if it differs from the last one; whether it does."""
    values = {
        "id": rollout.id,
        "phase": rollout.state.phase,
        "at": now,
        "verdict": evaluation.verdict.value,
        "reasons": list(evaluation.reasons),
        "inputs": Jsonb(evaluation.inputs()),
    }
    return (await connection.execute(SQL["save_verdict"], values)).rowcount == 1


async def log_act(
    connection: Connection, rollout: Rollout, who: str, act: str, *, why: str, now: datetime, **detail: Any
) -> None:
    """Add an act to the log, which is append-only."""
    values = {"id": rollout.id, "at": now, "who": who, "act": act, "why": why, "detail": Jsonb(detail)}
    await connection.execute(SQL["log_act"], values)


async def last_act(connection: Connection, rollout: Rollout, act: str) -> PastAct | None:
    """The last act of this name on the rollout."""
    async with connection.cursor(row_factory=class_row(PastAct)) as cursor:
        await cursor.execute(SQL["last_act"], {"id": rollout.id, "act": act})
        return await cursor.fetchone()


async def last_hold(connection: Connection, rollout: Rollout) -> int | None:
    """The id of the hold that the rollout is on; None if it is not on hold."""
    if not rollout.state.held:
        return None
    found = await (await connection.execute(SQL["last_hold"], {"id": rollout.id})).fetchone()
    return None if found is None else int(found["id"])


async def log(connection: Connection, rollout: Rollout, limit: int) -> list[Row]:
    """The latest acts as {at, who, act, why, detail}, newest first."""
    return await (await connection.execute(SQL["log"], {"id": rollout.id, "limit": limit})).fetchall()


async def verdicts(connection: Connection, rollout: Rollout, limit: int) -> list[Row]:
    """The latest verdicts as {phase, at, verdict, reasons, inputs}, newest first."""
    return await (await connection.execute(SQL["verdicts"], {"id": rollout.id, "limit": limit})).fetchall()


async def passed(connection: Connection, rollout: Rollout) -> dict[int, int]:
    """The index of each phase that is done and whose gate passed, with the number of its failed months then."""
    before = rollout.state.phase + rollout.state.finished
    rows = await (await connection.execute(SQL["passed"], {"id": rollout.id, "before": before})).fetchall()
    return {row["phase"]: row["failed"] for row in rows}


async def accepted(connection: Connection, rollout: Rollout) -> frozenset[str]:
    """The evidence of phases that failed later which people accepted by releasing the rollout."""
    rows = await (await connection.execute(SQL["accepted"], {"id": rollout.id})).fetchall()
    return frozenset(row["evidence"] for row in rows)


async def last_change(connection: Connection, rollout: Rollout) -> datetime:
    """The time of the latest verdict or act."""
    row = await (await connection.execute(SQL["last_change"], {"id": rollout.id})).fetchone()
    assert row is not None, "it was started"
    found: datetime = row["at"]
    return found


async def _save(
    connection: Connection, rollout: Rollout, state: RolloutState, now: datetime, outcome: str | None
) -> None:
    values = {
        "id": rollout.id,
        "phase": state.phase,
        "begins": state.begins,
        "held": state.held,
        "overridden": state.overridden,
        "outcome": outcome,
        "at": now,
    }
    await connection.execute(SQL["save_state"], values)


def _read(row: Row | None) -> Rollout | None:
    if row is None:
        return None
    finished = row["outcome"] == "finished"
    state = RolloutState(row["begins"], row["phase"], row["held"], overridden=row["overridden"], finished=finished)
    plan = Plan.model_validate(row["plan"], context=STORED)
    return Rollout(row["id"], plan, state, row["started_at"], row["started_by"], row["ended_at"])
