"""Estimates when a rollout will be done, what limits it and what it will cost, from many simulations.

Nothing here reads a clock or a database: the history is what a database remembers, and equal seeds give equal forecasts.
"""

from __future__ import annotations

import dataclasses
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from random import Random

from alexandria.backfill.status import Status
from alexandria.forecast.belief import Belief
from alexandria.forecast.billing import Prices, billed_months
from alexandria.forecast.history import History
from alexandria.forecast.pace import DayBand
from alexandria.forecast.scenario import Scenario
from alexandria.forecast.simulation import DAY, HORIZON_DAYS, Limit, RolloutSimulation
from alexandria.rollout import plan as plans
from alexandria.rollout.gates import MonthOutcome
from alexandria.rollout.plan import Plan, members

LOW_QUANTILE, HIGH_QUANTILE = 0.1, 0.9  # quantiles: 80 % of the results lie between them
DEFAULT_RUNS = 100
UNPACED_INTERVAL = 5  # simulations, of which one is also run without the plan's pace
SEED_STEP = 100_003  # between the simulations of two forecasts with neighbouring seeds
STUCK_SECONDS = HORIZON_DAYS * DAY  # for which a rollout that is stuck is said to wait
MAX_PACE_DAYS = 366  # of a forecast's pace


@dataclass(frozen=True, slots=True)
class Band:
    """80 % of the results lie between `low` and `high`, half of them below `middle`."""

    low: float
    middle: float
    high: float


@dataclass(frozen=True, slots=True)
class Forecast:
    """A forecast from the instant `at`, by `runs` simulations.

    The share `stuck` of them needs a person at a gate, the last one included, most often at that of the phase `stuck_at`.
    80 % of the others end between `early` and `late`, which are None if there are no others: the range is likely on the
    condition that no gate stops the rollout, and `likelihood` and `stops` say so in the same words everywhere. `limit` is what most of the
    time is waited for, with its share. `sooner` is the middle without the plan's pace and hours, within the same quota
    and gates. `calls` and `money` (dollars for models) are of the whole rollout, with all that was called already.
    `unpriced` are paid generators, or single models, whose price is unknown. `measured`: months have been completed.
    `subscriptions` are dollars for the plans of providers that are paid by the month, for the months that have begun.
    `pace` is how many months have ended day by day, those of simulations that stop at a gate included.
    """

    at: datetime
    seed: int
    runs: int
    ended: int
    months: int
    early: datetime | None
    middle: datetime | None
    late: datetime | None
    limit: Limit
    limit_share: float
    stuck: float
    stuck_at: str
    sooner: datetime | None
    calls: Mapping[str, Band]
    money: Band | None
    unpriced: tuple[str, ...]
    failed: Band
    measured: bool
    subscriptions: Mapping[str, Band] = field(default_factory=dict)
    pace: tuple[DayBand, ...] = ()

    @property
    def likelihood(self) -> str:
        """How likely the end is within the range."""
        return "80 % likely if no gate stops it" if self.stuck else "80 % likely"

    @property
    def stops(self) -> str:
        """How many simulations have no end and why, or ""."""
        if not self.stuck:
            return ""
        return f"{self.stuck:.0%} of the simulations stop, most often at gate '{self.stuck_at}', until a person acts"


@dataclass(frozen=True, slots=True)
class _Run:
    finished: datetime | None
    stuck_at: int
    seconds_by_limit: Mapping[Limit, float]
    requests: Mapping[str, int]
    failed: int
    ended_by_day: Counter[date]  # months that ended on a day


def forecast(
    plan: Plan,
    history: History,
    expected: Scenario,
    *,
    runs: int = DEFAULT_RUNS,
    seed: int = 1,
    sooner: bool = True,
    prices: Mapping[str, float] | None = None,
) -> Forecast:
    """Forecast a rollout. `expected` holds where nothing was measured; `prices` are dollars a request by provider.

    Without `sooner` that is left out, which saves time.
    """
    estimator = Estimator(plan, history, expected, seed)
    for number in range(runs):
        estimator.run(unpaced=sooner and number % UNPACED_INTERVAL == 0)
    return estimator.result(Prices(prices or {}))


class Estimator:
    """Makes a forecast, simulation by simulation."""

    def __init__(self, plan: Plan, history: History, expected: Scenario, seed: int) -> None:
        own = {month for months in members(plan) for month in months}
        self._plan, self._unpaced_plan, self._seed = plan, _without_pace(plan), seed
        self._history = dataclasses.replace(
            history,
            outcomes={month: outcome for month, outcome in history.outcomes.items() if month in own},
            attempts=tuple(attempt for attempt in history.attempts if attempt.month in own),
        )
        self._expected, self._belief = expected, Belief(expected, self._history)
        self._runs: list[_Run] = []
        self._unpaced: list[_Run] = []

    def run(self, *, unpaced: bool) -> None:
        """Run one more simulation; with `unpaced` another one without the plan's pace as well."""
        seed = self._seed * SEED_STEP + len(self._runs)
        self._runs.append(self._simulate(self._plan, seed))
        if unpaced:
            self._unpaced.append(self._simulate(self._unpaced_plan, seed))

    @property
    def ends(self) -> tuple[datetime | None, ...]:
        """When each simulation so far finished; None if it needs a person at a gate."""
        return tuple(run.finished for run in self._runs)

    def result(self, prices: Prices) -> Forecast:
        """The forecast of the runs so far, at least one."""
        plan, runs = self._plan, self._runs
        finished = [run for run in runs if run.finished is not None]
        stuck = Counter(run.stuck_at for run in runs if run.finished is None)
        ends = sorted(end for end in self.ends if end is not None)
        counted = finished or runs
        limit, limit_share = _limit(counted)
        providers = dict.fromkeys(each.name for each in (*self._expected.generators, *self._expected.sources))
        paid = {generator.name for generator in self._expected.generators if generator.paid}
        planned = [self._history.outcomes.get(month, MonthOutcome()) for months in members(plan) for month in months]
        return Forecast(
            at=self._history.at,
            seed=self._seed,
            runs=len(runs),
            ended=sum(outcome.status in {Status.COMPLETED, Status.FAILED} for outcome in planned),
            months=len(planned),
            early=_quantile(ends, LOW_QUANTILE),
            middle=_quantile(ends, 0.5),
            late=_quantile(ends, HIGH_QUANTILE),
            limit=limit,
            limit_share=limit_share,
            stuck=stuck.total() / len(runs),
            stuck_at=plan.phase[stuck.most_common(1)[0][0]].name if stuck else "",
            sooner=_quantile(sorted(run.finished for run in self._unpaced if run.finished is not None), 0.5),
            calls={name: band([run.requests.get(name, 0) for run in counted]) for name in providers},
            money=band([self._money(run, prices) for run in counted]) if prices.per_request else None,
            unpriced=tuple(sorted((paid - prices.per_request.keys()) | {*prices.unpriced})),
            failed=band([run.failed for run in counted]),
            measured=any(outcome.status is Status.COMPLETED and not outcome.adopted for outcome in planned),
            subscriptions=self._subscriptions(prices, ends),
            pace=self._pace(sum(outcome.status in {Status.COMPLETED, Status.FAILED} for outcome in planned)),
        )

    def _pace(self, ended: int) -> tuple[DayBand, ...]:
        """The band of each day until nothing ends any more in most simulations, at most MAX_PACE_DAYS."""
        first = self._history.at.astimezone(UTC).date()
        lasts = sorted(max(run.ended_by_day, default=first) for run in self._runs)
        length = min((lasts[round((len(lasts) - 1) * HIGH_QUANTILE)] - first).days + 1, MAX_PACE_DAYS)
        sums, found = [ended] * len(self._runs), []
        for day in (first + timedelta(days=number) for number in range(length)):
            sums = [before + run.ended_by_day[day] for before, run in zip(sums, self._runs, strict=True)]
            of_day = band(sums)
            found.append(DayBand(day, int(of_day.low), int(of_day.middle), int(of_day.high)))
        return tuple(found)

    def _money(self, run: _Run, prices: Prices) -> float:
        """Dollars for all requests to models, those of the history included."""
        dollars = 0.0 if prices.spent is None else prices.spent
        for name, price in prices.per_request.items():
            made = self._history.requests.get(name, 0) + self._history.unfinished_requests.get(name, 0)
            dollars += (run.requests.get(name, 0) - (0 if prices.spent is None else made)) * price
        return dollars

    def _subscriptions(self, prices: Prices, ends: Sequence[datetime]) -> dict[str, Band]:
        since = prices.since or self._history.at
        months = [billed_months(since, end) for end in ends] or [1]
        return {name: band([dollars * number for number in months]) for name, dollars in prices.per_month.items()}

    def _simulate(self, plan: Plan, seed: int) -> _Run:
        scenario = self._belief.draw(Random(f"scenario {seed}"))  # noqa: S311 # chance that can be repeated
        simulation = RolloutSimulation(plan, scenario, seed, self._history, keeps_log=False)
        simulation.run(lambda now: now.stuck)
        if simulation.stuck:  # and for the rest of the time it waits for a person
            simulation.seconds_by_limit[Limit.GATE] += STUCK_SECONDS
        outcomes = simulation.outcomes.values()
        failed = sum(outcome.status is Status.FAILED and not outcome.adopted for outcome in outcomes)
        finished = (simulation.finished_at or simulation.at) if simulation.state.finished else None
        ended = _ended_by_day(simulation, self._history)
        return _Run(finished, simulation.state.phase, simulation.seconds_by_limit, simulation.requests(), failed, ended)


def _ended_by_day(simulation: RolloutSimulation, history: History) -> Counter[date]:
    """On which day each month ended that had not ended before the simulation."""
    days = {
        attempt.month: attempt.ended.date()
        for attempt in simulation.attempts[len(history.attempts) :]
        if attempt.outcome in {Status.COMPLETED, Status.FAILED}
    }
    before = {month for month, each in history.outcomes.items() if each.status in {Status.COMPLETED, Status.FAILED}}
    return Counter(day for month, day in days.items() if month not in before)


def band(values: Sequence[float]) -> Band:
    """The band of some values, at least one."""
    ordered = sorted(values)
    return Band(*(ordered[round((len(ordered) - 1) * share)] for share in (LOW_QUANTILE, 0.5, HIGH_QUANTILE)))


def _limit(runs: Sequence[_Run]) -> tuple[Limit, float]:
    """What most of the time is waited for, and its share of the time."""
    seconds = {limit: sum(run.seconds_by_limit[limit] for run in runs) for limit in Limit}
    if not any(seconds.values()):
        return Limit.RATE, 1.0
    limit = max(seconds, key=lambda each: seconds[each])
    return limit, seconds[limit] / sum(seconds.values())


def _without_pace(plan: Plan) -> Plan:
    most = plans.MAX_MONTHS_PER_DAY
    unpaced = {"months_per_day": (most, most), "hours": (0, plans.MIDNIGHT_MINUTES)}
    return plan.model_copy(update={"phase": tuple(phase.model_copy(update=unpaced) for phase in plan.phase)})


def _quantile(ordered: Sequence[datetime], share: float) -> datetime | None:
    """None if there is nothing to choose from."""
    if not ordered:
        return None
    # The share holds for the next result, however few there were.
    place = min(max((len(ordered) + 1) * share - 1, 0), len(ordered) - 1)
    before, after = ordered[math.floor(place)], ordered[math.ceil(place)]
    return before + (after - before) * (place % 1)
