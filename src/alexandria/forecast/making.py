"""Makes one forecast: reads what is known of a rollout, and simulates what is left of it."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from alexandria.backfill.repositories import bibliography_use as usage
from alexandria.backfill.repositories import months, pauses
from alexandria.core.config import Settings
from alexandria.core.grammar import counted
from alexandria.database.pool import Connection, Database
from alexandria.forecast import repository
from alexandria.forecast.assumptions import expected_scenario, without_key
from alexandria.forecast.belief import ENOUGH_MONTHS, uses_other_months
from alexandria.forecast.estimate import DEFAULT_RUNS, UNPACED_INTERVAL, Estimator
from alexandria.forecast.forecaster import ForecastReport
from alexandria.forecast.history import History
from alexandria.forecast.prices import model_prices, plan_prices, prices_of
from alexandria.forecast.scenario import Scenario
from alexandria.providers.generator_specs import requested
from alexandria.providers.limits import stored_limits
from alexandria.providers.limits.lane_status import LaneStatus
from alexandria.rollout import plan as plans
from alexandria.rollout import repository as rollouts
from alexandria.rollout.decisions import RolloutState
from alexandria.rollout.plan import Plan
from alexandria.rollout.repository import Rollout

BOUNDED_MONTHS = 300  # of a plan; one of more months is simulated less often
LEAST_RUNS = 10  # simulations


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


async def make(  # what a forecaster knows, and what it was asked
    database: Database,
    settings: Settings,
    lanes: Sequence[LaneStatus],
    plan: Plan | None,
    now: datetime,
    *,
    runs: int | None,
    most: int | None,
    seed: int,
) -> ForecastReport:
    """Forecast `plan`, or the running rollout, with `runs` simulations.

    With `most` there are at most so many, fewer of a plan of many months, and none without the plan's pace: the page
    does not show what they find.
    """
    known = await _known(database, settings, lanes, plan, now)
    number = bounded_runs(known.rollout.plan, most or DEFAULT_RUNS) if runs is None else runs
    # All that takes a while runs in threads, one piece after the other: the event loop has other duties in between,
    # and a cancelled caller need not wait.
    specs = requested(settings.generators)
    dollars = await asyncio.to_thread(model_prices, specs, known.tokens)  # the first call imports for a while
    prices = dataclasses.replace(
        prices_of(specs, dollars, known.made),
        per_month=known.plan_prices,
        since=known.rollout.started_at if known.started else None,
    )
    estimator = await asyncio.to_thread(Estimator, known.rollout.plan, known.history, known.scenario, seed)
    for done in range(number):
        await asyncio.to_thread(estimator.run, unpaced=most is None and done % UNPACED_INTERVAL == 0)
    found = await asyncio.to_thread(estimator.result, prices)
    rollout_id = known.rollout.id if known.started else None
    return ForecastReport(found, known.rollout.plan.name, known.started, known.assumptions, rollout_id)


async def _known(
    database: Database, settings: Settings, lanes: Sequence[LaneStatus], plan: Plan | None, now: datetime
) -> _Known:
    """All that a forecast of `plan` is made from, read in one transaction, but for the bibliography."""
    bibliography = await usage.read(database) if settings.bibliography else None
    async with database.transaction() as connection:
        newest = await rollouts.newest(connection)
        started = plan is None and newest is not None and newest.ended_at is None
        rollout = newest if started and newest is not None else _unstarted(plan, now)
        planned = [month for months in plans.members(rollout.plan) for month in months]
        spent = {lane.name: lane.used + lane.reserved for lane in lanes}
        if not started and await rollouts.begun(connection, now.astimezone(UTC).date()):
            rollout = _from_tomorrow(rollout)  # as a rollout that starts now does
        workers = (await months.workers(connection, months.WORKER_SILENCE))["workers"]
        scenario = expected_scenario(settings, lanes, max(workers, 1), bibliography)
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
    if scenario.local_coverage:
        assumed.append(f"the bibliography settles {scenario.local_coverage:.0%} of the books without a request")
    assumed += [f"{name} is not asked, as its key is not set" for name in without_key(settings)]
    hosts = {name: limits.plan_host for name, limits in stored.items()}
    prices = plan_prices(settings, [each.name for each in scenario.sources], hosts)
    return _Known(rollout, started, history, scenario, tuple(assumed), tokens, tuple(made), prices)


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
