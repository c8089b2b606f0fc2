"""Forecasts the rollout of this installation from its settings and its database, and keeps the last forecast."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import structlog

from alexandria.backfill.repositories import months, pauses
from alexandria.core.config import Settings
from alexandria.core.errors import AlexandriaError
from alexandria.core.grammar import counted, listed
from alexandria.database.pool import Connection, Database
from alexandria.forecast import repository
from alexandria.forecast.assumptions import expected_scenario, without_key
from alexandria.forecast.belief import ENOUGH_MONTHS, uses_other_months
from alexandria.forecast.estimate import DEFAULT_RUNS, UNPACED_INTERVAL, Estimator, Forecast
from alexandria.forecast.history import History
from alexandria.forecast.prices import model_prices, plan_prices, prices_of
from alexandria.forecast.scenario import Scenario
from alexandria.providers.limits import stored_limits
from alexandria.providers.limits.lane_status import LaneStatus
from alexandria.providers.llm import parse_generators
from alexandria.rollout import plan as plans
from alexandria.rollout import repository as rollouts
from alexandria.rollout.decisions import RolloutState
from alexandria.rollout.plan import Plan
from alexandria.rollout.repository import Rollout

log = structlog.get_logger(__name__)

LATEST_RUNS = 20  # simulations of the forecast that is kept for the page
BOUNDED_MONTHS = 300  # of a plan; one of more months is simulated less often
LEAST_RUNS = 10  # simulations
REFRESH_AFTER = timedelta(minutes=5)  # age at which the kept forecast is made again
EXPIRES_AFTER = timedelta(hours=1)  # age at which a kept forecast that could not be made again is dropped
RETRY_AFTER = timedelta(minutes=1)  # after a forecast that failed


@dataclass(frozen=True, slots=True)
class ForecastReport:
    """A forecast of the plan `name`; `started`: its rollout is running. `assumptions` are clauses: "a worker is running"."""

    forecast: Forecast
    name: str
    started: bool
    assumptions: tuple[str, ...]

    @property
    def assumed(self) -> str:
        """The assumptions as a sentence, or ""."""
        return f"Assumes that {listed(self.assumptions)}." if self.assumptions else ""


@dataclass(frozen=True, slots=True)
class _Known:
    """What a forecast is made from: the rollout, whether it has started, what was measured, and what it costs."""

    rollout: Rollout
    started: bool
    history: History
    scenario: Scenario
    assumptions: tuple[str, ...]
    tokens: Mapping[str, repository.Tokens]
    made: tuple[repository.Purchases, ...]
    plan_prices: Mapping[str, float]


@dataclass(slots=True)
class Forecaster:
    """Makes forecasts, and keeps the last one for callers that cannot wait."""

    database: Database
    settings: Settings
    allowances: Callable[[], Awaitable[Sequence[LaneStatus]]]
    now: Callable[[], datetime] = field(default=lambda: datetime.now(UTC))
    _last: ForecastReport | None = None
    _making: asyncio.Task[None] | None = None
    _not_before: datetime | None = None
    _closed: bool = False

    async def report(self, plan: Plan | None = None, *, runs: int | None = None, seed: int = 1) -> ForecastReport:
        """Forecast `plan` as if it started now; without it the running rollout, or else the plan that is shipped.

        Without `runs` it is DEFAULT_RUNS simulations, or fewer of a plan of many months.
        """
        return await self._report(plan, runs, DEFAULT_RUNS, seed)

    async def _report(self, plan: Plan | None, runs: int | None, most: int, seed: int) -> ForecastReport:
        known = await self._known(plan)
        number = bounded_runs(known.rollout.plan, most) if runs is None else runs
        # All that takes a while runs in threads, one piece after the other: the event loop has other duties in between,
        # and a cancelled caller need not wait.
        specs = parse_generators(self.settings.generators)
        dollars = await asyncio.to_thread(model_prices, specs, known.tokens)  # the first call imports for a while
        prices = dataclasses.replace(
            prices_of(specs, dollars, known.made),
            per_month=known.plan_prices,
            since=known.rollout.started_at if known.started else None,
        )
        estimator = await asyncio.to_thread(Estimator, known.rollout.plan, known.history, known.scenario, seed)
        for done in range(number):
            await asyncio.to_thread(estimator.run, unpaced=done % UNPACED_INTERVAL == 0)
        found = await asyncio.to_thread(estimator.result, prices)
        return ForecastReport(found, known.rollout.plan.name, known.started, known.assumptions)

    async def _known(self, plan: Plan | None) -> _Known:
        """All that a forecast of `plan` is made from, read in one transaction."""
        now, lanes = self.now(), await self.allowances()
        async with self.database.transaction() as connection:
            newest = await rollouts.newest(connection)
            started = plan is None and newest is not None and newest.ended_at is None
            rollout = newest if started and newest is not None else _unstarted(plan, now)
            planned = [month for months in plans.members(rollout.plan) for month in months]
            spent = {lane.name: lane.used + lane.reserved for lane in lanes}
            if not started and await rollouts.begun(connection, now.astimezone(UTC).date()):
                rollout = _from_tomorrow(rollout)  # as a rollout that starts now does
            workers = (await months.workers(connection, months.WORKER_SILENCE))["workers"]
            scenario = expected_scenario(self.settings, lanes, max(workers, 1))
            history = await repository.history(connection, rollout, spent, now)
            history = await _with_use(connection, history, scenario, lanes)
            tokens = await repository.tokens(connection, planned)
            pause = await pauses.paused(connection)
            made = await repository.purchases(connection, rollout, [each.name for each in scenario.generators])
            stored = await stored_limits.read(connection, [each.name for each in scenario.sources])
        assumed = [] if started else ["the rollout starts now"]
        if history.state.held:
            assumed.append(f"the hold is lifted ({history.state.held})")
            history = dataclasses.replace(history, state=dataclasses.replace(history.state, held=""))
        if pause is not None:
            assumed.append(f"the pause has ended ({pause})")
        if started and not workers:
            assumed.append("a worker is running")
        if uses_other_months(history):
            assumed.append(
                f"its months are like the latest {len(history.others.outcomes)}"
                f" of {counted(history.others.ended, 'other month')}, until {ENOUGH_MONTHS} of its own have ended"
            )
        assumed += [f"{name} is not asked, as its key is not set" for name in without_key(self.settings)]
        hosts = {name: limits.plan_host for name, limits in stored.items()}
        prices = plan_prices(self.settings, [each.name for each in scenario.sources], hosts)
        return _Known(rollout, started, history, scenario, tuple(assumed), tokens, tuple(made), prices)

    def latest(self, *, started: bool) -> ForecastReport | None:
        """The kept forecast at once, if it is recent enough; when it is due, a new one is made in the background.

        A forecast from before a rollout was `started`, or ended, does not count.
        """
        now = self.now()
        age = None if self._last is None or self._last.started is not started else now - self._last.forecast.at
        idle = self._making is None or self._making.done()
        due = (age is None or age > REFRESH_AFTER) and (self._not_before is None or now >= self._not_before)
        if due and idle and not self._closed:
            self._making = asyncio.create_task(self._make())
        return self._last if age is not None and age < EXPIRES_AFTER else None

    async def aclose(self) -> None:
        """Cancel the forecast that is being made, and make no more."""
        self._closed = True
        if self._making is not None:
            self._making.cancel()
            await asyncio.wait({self._making})

    async def _make(self) -> None:
        try:
            self._last = await self._report(None, None, LATEST_RUNS, seed=1)
        except AlexandriaError as failed:
            self._not_before = self.now() + RETRY_AFTER
            log.warning("forecast failed", reason=failed.message)


def bounded_runs(plan: Plan, most: int) -> int:
    """How many simulations of a plan to run, at most `most`: fewer if it has many months, as each takes longer then."""
    number = sum(map(len, plans.members(plan)))
    return min(most, max(most * BOUNDED_MONTHS // max(number, 1), LEAST_RUNS))


def _unstarted(plan: Plan | None, now: datetime) -> Rollout:
    state = RolloutState(now.astimezone(UTC).date())
    return Rollout(0, plan or plans.read(plans.example()), state, now, "")


def _from_tomorrow(rollout: Rollout) -> Rollout:
    state = dataclasses.replace(rollout.state, begins=rollout.state.begins + timedelta(days=1))
    return dataclasses.replace(rollout, state=state)


async def _with_use(
    connection: Connection, history: History, scenario: Scenario, lanes: Sequence[LaneStatus]
) -> History:
    """The history with what months and others have spent of the providers that have a quota."""
    limited = (*scenario.generators, *scenario.sources)
    zones = {each.name: each.zone for each in limited if each.daily_cap is not None}
    reserved = {lane.name: lane.reserved for lane in lanes}
    by_months = await repository.spent_by_months(connection, zones, history.at)
    return dataclasses.replace(
        history,
        spent_by_months={name: min(by_months.get(name, units), units) for name, units in history.spent.items()},
        other_use=await repository.other_use(connection, zones, history.at, reserved),
    )
