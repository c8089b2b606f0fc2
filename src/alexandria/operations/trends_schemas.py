"""The form in which the course of the backfill is answered: the figures of the charts, day by day."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated

from pydantic import Field

from alexandria.core.lazy_model import LazyModel
from alexandria.operations.trends import DayOfCalls, DayOfMonths, Trends


class TrendOfMonths(LazyModel):
    """Attempts that completed and failed months on a day, and the books of the months that were completed on it."""

    day: date
    completed: int
    failed: int
    books: int
    resolved: int
    rate: Annotated[float | None, Field(description="percent of the books that have an ISBN; null without books")]


class TrendOfCalls(LazyModel):
    """Requests to a provider on a day, how many failed, and the dollars that those to a model cost."""

    day: date
    requests: int
    errors: int
    dollars: float


class TrendOfQuota(LazyModel):
    """Units of a provider's day that were spent, and how many months may spend of each now."""

    day: date
    used: int
    cap: int


class CostOfPlan(LazyModel):
    """Dollars for a provider's plan: its price a month, times the months that have begun."""

    price: float
    months: int
    dollars: float


class SpentMoney(LazyModel):
    """Dollars since the first request."""

    total: float
    models: Annotated[dict[str, float], Field(description="by tokens at list prices")]
    plans: dict[str, CostOfPlan]
    unpriced: Annotated[list[str], Field(description="models that cost money and have no known price")]


class ForecastDay(LazyModel):
    """Months of the rollout that the first forecast expected to have ended by the end of a day, and that had."""

    day: date
    low: int
    middle: int
    high: int
    ended: Annotated[int | None, Field(description="null for days to come")]


class ForecastTrend(LazyModel):
    """The first forecast of the newest rollout, and what came."""

    rollout: str
    made_at: datetime
    months: int
    days: list[ForecastDay]


class TrendsAnswer(LazyModel):
    """The last thirty days, the oldest first, and what was spent until now; the figures of the charts."""

    at: datetime
    months: list[TrendOfMonths]
    calls: Annotated[dict[str, list[TrendOfCalls]], Field(description="by provider; days with requests")]
    quotas: Annotated[dict[str, list[TrendOfQuota]], Field(description="by provider; days with spent units")]
    costs: SpentMoney
    forecast: ForecastTrend | None


def to_answer(found: Trends) -> TrendsAnswer:
    """The trends as they are answered."""
    months = ((day, found.months.get(day, DayOfMonths())) for day in found.days)
    plans = {
        name: CostOfPlan(price=plan.price, months=plan.months, dollars=plan.dollars)
        for name, plan in found.costs.plans.items()
    }
    return TrendsAnswer(
        at=found.at,
        months=[
            TrendOfMonths(
                day=day,
                completed=each.completed,
                failed=each.failed,
                books=each.books,
                resolved=each.resolved,
                rate=each.rate,
            )
            for day, each in months
        ],
        calls={
            name: [_calls(day, days[day]) for day in found.days if day in days] for name, days in found.calls.items()
        },
        quotas={
            name: [TrendOfQuota(day=day, used=days[day].used, cap=days[day].cap) for day in found.days if day in days]
            for name, days in found.quotas.items()
        },
        costs=SpentMoney(
            total=found.costs.total, models=dict(found.costs.models), plans=plans, unpriced=list(found.costs.unpriced)
        ),
        forecast=_forecast(found),
    )


def _calls(day: date, each: DayOfCalls) -> TrendOfCalls:
    return TrendOfCalls(day=day, requests=each.requests, errors=each.errors, dollars=each.dollars)


def _forecast(found: Trends) -> ForecastTrend | None:
    first = found.forecast
    if first is None:
        return None
    days = [
        ForecastDay(
            day=band.day,
            low=band.low,
            middle=band.middle,
            high=band.high,
            ended=first.ended_by(band.day) if band.day <= found.days[-1] else None,
        )
        for band in first.bands
    ]
    return ForecastTrend(rollout=first.name, made_at=first.made_at, months=first.months, days=days)
