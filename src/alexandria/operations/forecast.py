"""Forecasts when the months will be done and what they will cost, in the form that the API and the command line show."""

from __future__ import annotations

import dataclasses
from datetime import date, datetime
from typing import Annotated

from pydantic import Field

from alexandria.core.grammar import listed
from alexandria.core.lazy_model import LazyModel
from alexandria.forecast.forecaster import ForecastReport
from alexandria.operations.system import System
from alexandria.rollout.plan import Plan

MAX_RUNS_BY_HTTP = 1000  # simulations of one request
ASSUMES = "assumes that "


class ForecastRange(LazyModel):
    """80 % of the results lie between `low` and `high`, half of them below `middle`."""

    low: float
    middle: float
    high: float


class ForecastPaceDay(LazyModel):
    """Months of the plan that have ended by the end of a day, UTC."""

    day: date
    low: int
    middle: int
    high: int


class ForecastAnswer(LazyModel):
    """When the months of a plan will be done, what limits that, and what it will cost. Money is in dollars."""

    plan: str
    started: Annotated[bool, Field(description="whether it is the rollout that runs")]
    notes: Annotated[list[str], Field(description="what the forecast assumes")]
    at: datetime
    seed: int
    runs: Annotated[int, Field(description="simulations")]
    ended: int
    months: int
    early: Annotated[datetime | None, Field(description="80 % of the simulations that end do so from here")]
    middle: datetime | None
    late: Annotated[datetime | None, Field(description="to here; null: all of them need a person")]
    limit: Annotated[str, Field(description="what most of the time is waited for")]
    limit_share: float
    stuck: Annotated[float, Field(description="share of the simulations that stop at a gate until a person acts")]
    stuck_at: Annotated[str, Field(description="the phase of the gate at which most of these stop")]
    sooner: Annotated[datetime | None, Field(description="the middle without the plan's pace and hours")]
    calls: Annotated[dict[str, ForecastRange], Field(description="requests by provider, with those already sent")]
    money: Annotated[ForecastRange | None, Field(description="of models; null: none has a known price")]
    unpriced: Annotated[list[str], Field(description="paid generators or models whose price is unknown")]
    failed: ForecastRange
    measured: Annotated[bool, Field(description="whether months have been completed that it rests on")]
    subscriptions: Annotated[dict[str, ForecastRange], Field(description="of plans that are paid by the month")]
    pace: list[ForecastPaceDay]
    limit_told: Annotated[str, Field(description="`limit` in words")]
    likelihood: Annotated[str, Field(description="how likely the end is within the range, in words")]
    stops: Annotated[str, Field(description="how many simulations have no end and why, or empty")]

    @property
    def assumed(self) -> str:
        """The assumptions as a sentence, or ""."""
        return f"Assumes that {listed([each.removeprefix(ASSUMES) for each in self.notes])}." if self.notes else ""


async def show(system: System, plan: Plan | None = None, *, runs: int | None = None, seed: int = 1) -> ForecastAnswer:
    """Forecast `plan` as if it started now; without it the running rollout, or else the plan that is shipped."""
    return to_answer(await system.forecaster.report(plan, runs=runs, seed=seed))


def to_answer(report: ForecastReport) -> ForecastAnswer:
    """The report as the API has it."""
    now = report.forecast
    return ForecastAnswer.model_validate(
        dataclasses.asdict(now)
        | {
            "plan": report.name,
            "started": report.started,
            "notes": [f"{ASSUMES}{each}" for each in report.assumptions],
            "limit": now.limit.value,
            "limit_told": now.limit.description,
            "likelihood": now.likelihood,
            "stops": now.stops,
        }
    )
