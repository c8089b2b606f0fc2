"""Reads the history of a rollout, from which a forecast starts, out of the database."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from alexandria.backfill.status import Status
from alexandria.core.month import Month
from alexandria.core.provider_facts import source_names
from alexandria.database.pool import Connection, Row
from alexandria.database.sql import load
from alexandria.forecast.belief import ENOUGH_MONTHS
from alexandria.forecast.history import History, OtherMonths, OtherUse, PastAttempt
from alexandria.providers.limits.quota_day import calendar
from alexandria.rollout import repository as rollouts
from alexandria.rollout.gates import MonthOutcome
from alexandria.rollout.plan import members
from alexandria.rollout.repository import Rollout

SQL = load(__name__)
LATEST_ATTEMPTS = 2000  # that a forecast takes into account
USE_DAYS = 14  # before today, of which the use of providers by others is read
HOURS_PER_DAY = 24


@dataclass(frozen=True, slots=True)
class Tokens:
    """The tokens of one request to a language model, on average over `lists` book lists."""

    input: float
    output: float
    lists: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Purchases:
    """Requests to one address of a generator for months of a plan, and how many of them were answered."""

    provider: str
    route: str
    requests: int
    answered: int


async def history(connection: Connection, rollout: Rollout, spent: Mapping[str, int], now: datetime) -> History:
    """The history of a rollout, started or not; `spent` are the units of each provider's day."""
    planned = _columns(rollout)
    attempts = await _rows(connection, "attempts", {**planned, "limit": LATEST_ATTEMPTS})
    waiting = await _rows(connection, "waiting", {"sources": [*source_names()]})
    requests = await _rows(connection, "requests", planned)
    approvals = await _rows(connection, "approvals", {})
    own = {month for months in members(rollout.plan) for month in months}
    outcomes = await rollouts.outcomes(connection, rollout)
    return History(
        at=now,
        state=rollout.state,
        outcomes={month: outcome for month, outcome in outcomes.items() if month in own},
        failed={Month(row["year"], row["month"]): row["retry_count"] for row in waiting},
        due={Month(row["year"], row["month"]): row["next_attempt_at"] for row in waiting if row["next_attempt_at"]},
        listed=frozenset(Month(row["year"], row["month"]) for row in waiting if row["listed"]),
        attempts=tuple(map(_attempt, attempts)),
        requests={row["provider"]: row["completed"] for row in requests if row["completed"]},
        unfinished_requests={
            row["provider"]: row["requests"] - row["completed"]
            for row in requests
            if row["requests"] > row["completed"]
        },
        spent=spent,
        begun=await rollouts.begun(connection, now.astimezone(UTC).date()),
        approval_hours=tuple(row["hours"] for row in approvals),
        others=await _other_months(connection, planned),
    )


async def tokens(connection: Connection, months: Sequence[Month] = ()) -> dict[str, Tokens]:
    """Average tokens of a request by generator, named as in the setting ALEXANDRIA_GENERATORS.

    Those of lists for `months` count; as long as they are few, those of other lists count as well.
    """
    rows = await _rows(connection, "tokens", {"names": [month.name for month in months]})
    found: dict[str, Tokens] = {}
    for row in sorted(rows, key=lambda row: not row["own"]):
        if row["input"] is None:
            continue
        own = found.get(row["generator"], Tokens(0.0, 0.0))
        missing = max(ENOUGH_MONTHS - own.lists, 0)
        number = row["lists"] if row["own"] else min(row["lists"], missing)
        if not number:
            continue
        lists = own.lists + number
        found[row["generator"]] = Tokens(
            (own.input * own.lists + row["input"] * number) / lists,
            (own.output * own.lists + (row["output"] or 0.0) * number) / lists,
            lists,
        )
    return found


async def purchases(connection: Connection, rollout: Rollout, providers: Sequence[str]) -> list[Purchases]:
    """Requests to these generators for the months of a rollout's plan."""
    rows = await _rows(connection, "purchases", {**_columns(rollout), "providers": [*providers]})
    return [Purchases(**row) for row in rows]


async def other_use(
    connection: Connection, zones: Mapping[str, str], now: datetime, reserved: Mapping[str, int] | None = None
) -> dict[str, tuple[OtherUse, ...]]:
    """What others than months spent of these providers' days, each in its zone, before today.

    Today, less what is only `reserved`, serves for a provider of which no whole day is known.
    """
    today = {name: calendar(now.timestamp(), ZoneInfo(zone)).date for name, zone in zones.items()}
    values = {
        "names": [*zones],
        "zones": [*zones.values()],
        "since": [day - timedelta(days=USE_DAYS) for day in today.values()],
        "until": [day + timedelta(days=1) for day in today.values()],
    }
    found: dict[str, dict[date, list[float]]] = defaultdict(lambda: defaultdict(lambda: [0.0] * HOURS_PER_DAY))
    for row in await _rows(connection, "other_use", values):
        found[row["name"]][row["day"]][row["hour"] or 0] += row["units"] or 0.0
    use = {}
    for name, days in found.items():
        first = min(days)
        whole = [days[first + timedelta(days=n)] for n in range((today[name] - first).days)]
        if not whole:
            days[first][0] = max(days[first][0] - (reserved or {}).get(name, 0), 0.0)
            whole = [days[first]]
        use[name] = tuple(tuple(day) for day in whole)
    return use


async def spent_by_months(connection: Connection, zones: Mapping[str, str], now: datetime) -> dict[str, int]:
    """Units of these providers' present days that attempts at months have spent."""
    midnights = [calendar(now.timestamp(), ZoneInfo(zone)).starts for zone in zones.values()]
    values = {"names": [*zones], "midnights": [datetime.fromtimestamp(at, UTC) for at in midnights]}
    return {row["name"]: row["units"] for row in await _rows(connection, "spent_by_months", values)}


async def _other_months(connection: Connection, planned: Mapping[str, Any]) -> OtherMonths:
    rows = await _rows(connection, "other_months", {**planned, "limit": ENOUGH_MONTHS})
    if not rows:
        return OtherMonths()
    outcomes = {Month(row["year"], row["month"]): _outcome(row) for row in rows}
    latest = {"years": [month.year for month in outcomes], "months": [month.month for month in outcomes]}
    attempts = await _rows(connection, "attempts", {**latest, "limit": LATEST_ATTEMPTS})
    return OtherMonths(rows[0]["ended"], outcomes, tuple(map(_attempt, attempts)))


def _outcome(row: Row) -> MonthOutcome:
    if row["status"] != Status.COMPLETED:
        return MonthOutcome(Status(row["status"]))
    counted = ("calls", "resolved", "unresolved", "hindered", "confirmed", "contradicted")
    return MonthOutcome(Status.COMPLETED, **{name: row[name] for name in counted})


def _attempt(row: Row) -> PastAttempt:
    month = Month(row["year"], row["month"])
    return PastAttempt(month, row["began_at"], row["ended_at"], row["outcome"], row["code"])


def _columns(rollout: Rollout) -> dict[str, list[int]]:
    months = [month for months in members(rollout.plan) for month in months]
    return {"years": [month.year for month in months], "months": [month.month for month in months]}


async def _rows(connection: Connection, name: str, values: Mapping[str, Any]) -> list[Row]:
    return await (await connection.execute(SQL[name], dict(values))).fetchall()
