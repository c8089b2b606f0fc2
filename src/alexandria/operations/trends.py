"""Reads the course of the backfill day by day: months, books, requests, quotas, and what they have cost in money."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from alexandria.database.pool import Connection, Row
from alexandria.database.sql import load
from alexandria.forecast import kept, repository
from alexandria.forecast.billing import billed_months
from alexandria.forecast.kept import KeptForecast
from alexandria.forecast.prices import model_prices, plan_prices, prices_of
from alexandria.forecast.repository import Purchases
from alexandria.operations.costs import Costs, PlanCost
from alexandria.operations.system import System
from alexandria.providers.generator_specs import GeneratorSpec, requested
from alexandria.providers.limits import stored_limits

SQL = load(__name__)
CHARTED_DAYS = 30  # the present one included


@dataclass(slots=True)
class DayOfMonths:
    """Attempts that completed and failed months on a day, and the books of the months that were completed on it."""

    completed: int = 0
    failed: int = 0
    books: int = 0
    resolved: int = 0

    @property
    def rate(self) -> float | None:
        """The share of the books that have an ISBN, in percent; None without books."""
        return 100 * self.resolved / self.books if self.books else None


@dataclass(slots=True)
class DayOfCalls:
    """Requests to one provider on a day, how many failed, and the dollars that those to a model cost."""

    requests: int = 0
    errors: int = 0
    dollars: float = 0.0


@dataclass(frozen=True, slots=True)
class DayOfQuota:
    """Units of a provider's day that were spent, and how many months may spend of each now."""

    used: int
    cap: int


@dataclass(frozen=True, slots=True)
class Trends:
    """The course of the last CHARTED_DAYS `days`, oldest first, and the costs of the whole time, at the instant `at`.

    `forecast` is the first one of the newest rollout, with what came.
    """

    at: datetime
    days: tuple[date, ...]
    months: Mapping[date, DayOfMonths]
    calls: Mapping[str, Mapping[date, DayOfCalls]]
    quotas: Mapping[str, Mapping[date, DayOfQuota]]
    costs: Costs
    forecast: KeptForecast | None


async def read(system: System, now: datetime) -> Trends:
    """The course until `now`."""
    today = now.astimezone(UTC).date()
    days = tuple(today - timedelta(days=ago) for ago in reversed(range(CHARTED_DAYS)))
    since = {"since": datetime.combine(days[0], time(), UTC)}
    specs = requested(system.settings.generators)
    async with system.database.transaction() as connection:
        months = await _months(connection, since)
        sent = await _rows(connection, "calls", since)
        quotas = await _rows(connection, "quotas", since)
        tokens = await repository.tokens(connection)
        stored = await stored_limits.read(connection, [*system.settings.sources])
        first = await kept.read(connection)
    prices = await asyncio.to_thread(model_prices, specs, tokens)  # the first call imports for a while
    hosts = {name: limits.plan_host for name, limits in stored.items()}
    plans = plan_prices(system.settings, system.settings.sources, hosts)
    costs = _costs(sent, specs, prices, plans, now)
    return Trends(now, days, months, _calls(sent, specs, prices), _quotas(quotas), costs, first)


def cost_of(rows: Sequence[Row], specs: Sequence[GeneratorSpec], prices: Mapping[str, float]) -> float:
    """Dollars that requests to models have cost; `prices` are those of an answered request, by model."""
    made = [Purchases(row["provider"], row["route"], row["requests"], row["answered"]) for row in rows]
    return prices_of(specs, prices, made).spent or 0.0


async def _months(connection: Connection, since: Mapping[str, datetime]) -> dict[date, DayOfMonths]:
    found: defaultdict[date, DayOfMonths] = defaultdict(DayOfMonths)
    for row in await _rows(connection, "attempts", since):
        found[row["day"]].completed, found[row["day"]].failed = row["completed"], row["failed"]
    for row in await _rows(connection, "books", since):
        found[row["day"]].books, found[row["day"]].resolved = row["books"], row["resolved"]
    return dict(found)


def _calls(
    rows: Sequence[Row], specs: Sequence[GeneratorSpec], prices: Mapping[str, float]
) -> dict[str, dict[date, DayOfCalls]]:
    found: defaultdict[str, defaultdict[date, DayOfCalls]] = defaultdict(lambda: defaultdict(DayOfCalls))
    for row in rows:
        if row["day"] is not None:
            day = found[row["provider"]][row["day"]]
            day.requests += row["requests"]
            day.errors += row["errors"]
            day.dollars += cost_of([row], specs, prices)
    return {name: dict(days) for name, days in sorted(found.items())}


def _quotas(rows: Sequence[Row]) -> dict[str, dict[date, DayOfQuota]]:
    found: defaultdict[str, dict[date, DayOfQuota]] = defaultdict(dict)
    for row in rows:
        found[row["name"]][row["day"]] = DayOfQuota(row["used"], row["cap"])
    return {name: found[name] for name in sorted(found)}


def _costs(
    rows: Sequence[Row],
    specs: Sequence[GeneratorSpec],
    prices: Mapping[str, float],
    plans: Mapping[str, float],
    now: datetime,
) -> Costs:
    sent: defaultdict[str, list[Row]] = defaultdict(list)
    for row in rows:
        sent[row["provider"]].append(row)
    models = {name: cost_of(sent[name], specs, prices) for name in sorted(sent)}
    began = {name: min(row["first_at"] for row in sent[name]) for name in plans if name in sent}
    billed = {name: PlanCost(plans[name], billed_months(first, now)) for name, first in began.items()}
    return Costs({name: cost for name, cost in models.items() if cost}, billed, prices_of(specs, prices, ()).unpriced)


async def _rows(connection: Connection, name: str, values: Mapping[str, datetime]) -> list[Row]:
    return await (await connection.execute(SQL[name], dict(values))).fetchall()
