"""Which rollout runs, where does it stand, and what was scheduled, judged and done? Times come from the caller's clock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from psycopg.types.json import Jsonb

from alexandria.backfill.status import Status
from alexandria.core.month import Month
from alexandria.database.pool import Connection, Row
from alexandria.database.sql import load
from alexandria.rollout.decisions import Standing
from alexandria.rollout.gates import Judgement, Outcome
from alexandria.rollout.plan import Plan

SQL = load(__name__)


@dataclass(frozen=True, slots=True)
class Rollout:
    """A plan that was started, and where it stands."""

    id: int
    plan: Plan
    standing: Standing
    started_at: datetime
    started_by: str
    ended_at: datetime | None = None


async def newest(connection: Connection) -> Rollout | None:
    """The rollout that runs, or the last that did."""
    return _read(await (await connection.execute(SQL["newest"])).fetchone())


async def running(connection: Connection, *, wait: bool = True) -> Rollout | None:
    """The rollout that runs, locked until the transaction ends; without `wait` None if somebody else acts on it."""
    found = await connection.execute(SQL["running" if wait else "running_unless_held"])
    return _read(await found.fetchone())


async def start(connection: Connection, plan: Plan, who: str, begins: date, now: datetime) -> Rollout:
    """None may run; see `one_at_a_time`."""
    values = {"plan": Jsonb(plan.model_dump(mode="json")), "at": now, "who": who, "begins": begins}
    started = _read(await (await connection.execute(SQL["start"], values)).fetchone())
    assert started is not None
    return started


async def one_at_a_time(connection: Connection) -> None:
    """No other rollout is started before the transaction ends."""
    await connection.execute(SQL["one_at_a_time"])


async def stand(connection: Connection, rollout: Rollout, standing: Standing, now: datetime) -> None:
    """Where it stands from now on; one that has finished has ended."""
    await _stand(connection, rollout, standing, now, "finished" if standing.finished else None)


async def replace(connection: Connection, rollout: Rollout, now: datetime) -> None:
    """It has ended, for another one."""
    await _stand(connection, rollout, rollout.standing, now, "replaced")


async def outcomes(connection: Connection, rollout: Rollout) -> dict[Month, Outcome]:
    """What has become of the months of its years, as far as they are seeded."""
    years = [year for phase in rollout.plan.phase for year in phase.years]
    values = {"id": rollout.id, "first": min(years), "last": max(years)}
    rows = await (await connection.execute(SQL["outcomes"], values)).fetchall()
    return {Month(row.pop("year"), row.pop("month")): Outcome(Status(row.pop("status")), **row) for row in rows}


async def spent_by_months(connection: Connection, midnight: datetime) -> int:
    """What attempts at months have spent of ISBNdb's day, which began at `midnight`."""
    row = await (await connection.execute(SQL["spent_by_months"], {"midnight": midnight})).fetchone()
    assert row is not None
    return int(row["units"])


async def scheduled(connection: Connection, rollout: Rollout, months: Sequence[Month], day: date) -> None:
    columns = {"years": [m.year for m in months], "months": [m.month for m in months]}
    await connection.execute(SQL["scheduled"], {**columns, "id": rollout.id, "day": day})


async def judged(connection: Connection, rollout: Rollout, judgement: Judgement, now: datetime) -> bool:
    """Store the verdict with its inputs; whether it differs from the last one."""
    values = {
        "id": rollout.id,
        "phase": rollout.standing.phase,
        "at": now,
        "verdict": judgement.verdict.value,
        "reasons": list(judgement.reasons),
        "inputs": Jsonb(judgement.inputs()),
    }
    return (await connection.execute(SQL["judged"], values)).rowcount == 1


async def note(
    connection: Connection, rollout: Rollout, who: str, act: str, *, why: str, now: datetime, **detail: Any
) -> None:
    """Add to the log that nobody can change."""
    values = {"id": rollout.id, "at": now, "who": who, "act": act, "why": why, "detail": Jsonb(detail)}
    await connection.execute(SQL["note"], values)


async def log(connection: Connection, rollout: Rollout, limit: int) -> list[Row]:
    """{at, who, act, why, detail}, newest first."""
    return await (await connection.execute(SQL["log"], {"id": rollout.id, "limit": limit})).fetchall()


async def verdicts(connection: Connection, rollout: Rollout, limit: int) -> list[Row]:
    """{phase, at, verdict, reasons, inputs}, newest first."""
    return await (await connection.execute(SQL["verdicts"], {"id": rollout.id, "limit": limit})).fetchall()


async def changed(connection: Connection, rollout: Rollout) -> datetime:
    """When anything last changed: a verdict, or by an act."""
    row = await (await connection.execute(SQL["changed"], {"id": rollout.id})).fetchone()
    assert row is not None, "it was started"
    found: datetime = row["at"]
    return found


async def _stand(
    connection: Connection, rollout: Rollout, standing: Standing, now: datetime, outcome: str | None
) -> None:
    values = {
        "id": rollout.id,
        "phase": standing.phase,
        "begins": standing.begins,
        "held": standing.held,
        "overridden": standing.overridden,
        "outcome": outcome,
        "at": now,
    }
    await connection.execute(SQL["stand"], values)


def _read(row: Row | None) -> Rollout | None:
    if row is None:
        return None
    finished = row["outcome"] == "finished"
    standing = Standing(row["begins"], row["phase"], row["held"], overridden=row["overridden"], finished=finished)
    plan = Plan.model_validate(row["plan"])
    return Rollout(row["id"], plan, standing, row["started_at"], row["started_by"], row["ended_at"])
