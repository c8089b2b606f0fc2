"""Estimates when a rollout will be done, what limits it and what it will cost, from many simulations.

Nothing here reads a clock or a database: the history is what a database remembers, and equal seeds give equal forecasts.
"""

from __future__ import annotations

import dataclasses
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from random import Random
from statistics import median

from alexandria.backfill.retry_policy import PROVIDERS_DOWN
from alexandria.backfill.status import Status
from alexandria.forecast.history import History
from alexandria.forecast.scenario import (
    FaultRates,
    Operator,
    Scenario,
    SimulatedProvider,
    expected_requests,
    expected_resolution_rate,
)
from alexandria.forecast.simulation import Limit, RolloutSimulation
from alexandria.rollout import plan as plans
from alexandria.rollout.gates import MonthOutcome
from alexandria.rollout.plan import Plan, members

LOW_QUANTILE, HIGH_QUANTILE = 0.1, 0.9  # quantiles: 80 % of the results lie between them
DEFAULT_RUNS = 100
UNPACED_INTERVAL = 5  # simulations, of which one is also run without the plan's pace
SEED_STEP = 100_003  # between the simulations of two forecasts with neighbouring seeds
# How much an expectation counts beside what was measured.
EXPECTED_BOOKS = 150.0  # books that were found as often as expected
BOOK_WEIGHT = 0.5  # of a measured book, as the books of one month are alike
EXPECTED_FAULT_COUNT = 0.5  # faults, in so many months, attempts or days:
EXPECTED_MONTHS, EXPECTED_ATTEMPTS, EXPECTED_DAYS = 40.0, 40.0, 10.0
# How uncertain a value is: the deviation of its logarithm.
BOOKS_DOUBT, MEASURED_BOOKS_DOUBT = 0.15, 0.25  # the latter after one month
REQUESTS_DOUBT, REQUESTS_COUNTED = 0.3, 10  # the latter are added to those counted
SPEED_DOUBT = 0.2
OUTAGE_LENGTH_DOUBT = 0.5
REVIEW_DOUBT = 0.4
DECLINE_DOUBT = 0.001  # this one is a deviation of the value itself
MIN_REQUESTS, MIN_REVIEW_HOURS = 0.05, 0.1
SUREST_RATE = 0.99


@dataclass(frozen=True, slots=True)
class Band:
    """80 % of the results lie between `low` and `high`, half of them below `middle`."""

    low: float
    middle: float
    high: float


@dataclass(frozen=True, slots=True)
class Forecast:
    """A forecast from the instant `at`, by `runs` simulations.

    The share `stuck` of them needs a person before all months have ended, most often at the gate of the phase `stuck_at`.
    80 % of the others end between `early` and `late`, which are None if there are no others. `limit` is what most of the
    time is waited for, with its share. `sooner` is the middle without the plan's pace and hours, within the same quota
    and gates. `calls` and `money` (dollars) are of the whole rollout, with what is spent already. `unpriced` are paid
    generators whose price is unknown. `measured`: months have been completed.
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


@dataclass(frozen=True, slots=True)
class _Run:
    finished: datetime | None
    stuck_at: int
    seconds_by_limit: Mapping[Limit, float]
    requests: Mapping[str, int]
    failed: int


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
    return estimator.result(prices or {})


class Estimator:
    """Makes a forecast, simulation by simulation."""

    def __init__(self, plan: Plan, history: History, expected: Scenario, seed: int) -> None:
        self._plan, self._history, self._expected, self._seed = plan, history, expected, seed
        self._runs: list[_Run] = []
        self._unpaced: list[_Run] = []

    def run(self, *, unpaced: bool) -> None:
        """Run one more simulation; with `unpaced` another one without the plan's pace as well."""
        seed = self._seed * SEED_STEP + len(self._runs)
        self._runs.append(_simulate(self._plan, self._history, self._expected, seed))
        if unpaced:
            self._unpaced.append(_simulate(_without_pace(self._plan), self._history, self._expected, seed))

    def result(self, prices: Mapping[str, float]) -> Forecast:
        """The forecast of the runs so far, at least one."""
        plan, runs = self._plan, self._runs
        finished = [run for run in runs if run.finished is not None]
        stuck = Counter(run.stuck_at for run in runs if run.finished is None)
        ends = sorted(run.finished for run in finished if run.finished is not None)
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
            money=band([sum(run.requests.get(n, 0) * dollars for n, dollars in prices.items()) for run in counted])
            if prices
            else None,
            unpriced=tuple(sorted(paid - prices.keys())),
            failed=band([run.failed for run in counted]),
            measured=any(outcome.status is Status.COMPLETED for outcome in planned),
        )


def band(values: Sequence[float]) -> Band:
    """The band of some values, at least one."""
    ordered = sorted(values)
    return Band(*(ordered[round((len(ordered) - 1) * share)] for share in (LOW_QUANTILE, 0.5, HIGH_QUANTILE)))


def draw_scenario(expected: Scenario, history: History, rng: Random) -> Scenario:
    """Draw a scenario that the history makes plausible: what was expected, moved by what was measured."""
    completed = [outcome for outcome in history.outcomes.values() if outcome.status is Status.COMPLETED]
    resolved = sum(outcome.resolved for outcome in completed)
    unresolved = sum(outcome.unresolved for outcome in completed)
    books = resolved + unresolved + sum(outcome.hindered for outcome in completed)
    n = len(completed)
    return dataclasses.replace(
        expected,
        books_per_month=_about(books / n, MEASURED_BOOKS_DOUBT / math.sqrt(n), rng)
        if n
        else _about(expected.books_per_month, BOOKS_DOUBT, rng),
        existing_share=_existing_share(expected, resolved, unresolved, rng),
        yearly_decline=max(rng.gauss(expected.yearly_decline, DECLINE_DOUBT), 0.0),
        sources=_sources(expected, history, books, rng),
        faults=_faults(expected.faults, history, rng),
        operator=_operator(expected.operator, history.approval_hours, rng),
        measured_seconds=_seconds(history, _about(1.0, SPEED_DOUBT, rng)),
    )


def _simulate(plan: Plan, history: History, expected: Scenario, seed: int) -> _Run:
    scenario = draw_scenario(expected, history, Random(f"belief {seed}"))  # noqa: S311 # chance that can be repeated
    simulation = RolloutSimulation(plan, scenario, seed, history)
    simulation.run(lambda now: now.finished_at is not None)
    failed = sum(outcome.status is Status.FAILED for outcome in simulation.outcomes.values())
    requests = Counter(history.requests) + simulation.simulated.requests
    return _Run(simulation.finished_at, simulation.state.phase, simulation.seconds_by_limit, requests, failed)


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


def _about(value: float, doubt: float, rng: Random) -> float:
    return value * math.exp(rng.gauss(0, doubt))


def _fault_rate(seen: float, of: float, expected_of: float, rng: Random) -> float:
    """How often a fault happens that was seen so many times."""
    return rng.betavariate(EXPECTED_FAULT_COUNT + seen, expected_of + max(of - seen, 0))


def _seconds(history: History, factor: float) -> tuple[float, ...]:
    """How long completed months took, all slower or faster by the same factor, as the coming months are others."""
    completed = [attempt for attempt in history.attempts if attempt.outcome == "completed"]
    return tuple((attempt.ended - attempt.began).total_seconds() * factor for attempt in completed)


def _existing_share(expected: Scenario, resolved: int, unresolved: int, rng: Random) -> float:
    rate = min(max(expected_resolution_rate(expected), 1 - SUREST_RATE), SUREST_RATE)
    hits = EXPECTED_BOOKS * rate + BOOK_WEIGHT * resolved
    misses = EXPECTED_BOOKS * (1 - rate) + BOOK_WEIGHT * unresolved
    return min(expected.existing_share * rng.betavariate(hits, misses) / rate, 1.0)


def _sources(expected: Scenario, history: History, books: int, rng: Random) -> tuple[SimulatedProvider, ...]:
    """The sources, with the requests for each book that were counted where any were."""
    expected_of = expected_requests(expected)
    moved = []
    for source in expected.sources:
        counted = history.requests.get(source.name, 0)
        known = books > 0 and expected_of[source.name] > 0 and counted > 0
        requests = counted / books / expected_of[source.name] if known else source.requests_per_book
        doubt = 1 / math.sqrt(counted + REQUESTS_COUNTED) if known else REQUESTS_DOUBT
        requests = max(_about(requests, doubt, rng), MIN_REQUESTS)
        moved.append(dataclasses.replace(source, requests_per_book=requests))
    return tuple(moved)


def _faults(expected: FaultRates, history: History, rng: Random) -> FaultRates:
    """How often attempts fail and succeed later, and how often months fail for good."""
    failed = {month for month, outcome in history.outcomes.items() if outcome.status is Status.FAILED}
    attempts = [attempt for attempt in history.attempts if attempt.month not in failed]
    ended = Counter("retry" if attempt.code == PROVIDERS_DOWN else attempt.outcome for attempt in attempts)
    completed = sum(outcome.status is Status.COMPLETED for outcome in history.outcomes.values())
    n = len(attempts)
    return dataclasses.replace(
        expected,
        generators_down=_fault_rate(ended["retry"], n, EXPECTED_ATTEMPTS, rng),
        generators_busy=_fault_rate(ended["snoozed"], n, EXPECTED_ATTEMPTS, rng),
        worker_lost=_fault_rate(ended["lost"], n, EXPECTED_ATTEMPTS, rng),
        permanent_failure=_fault_rate(len(failed), completed + len(failed), EXPECTED_MONTHS, rng),
        outages_per_day=rng.gammavariate(EXPECTED_FAULT_COUNT, 1 / EXPECTED_DAYS),
        outage_minutes=_about(expected.outage_minutes, OUTAGE_LENGTH_DOUBT, rng),
    )


def _operator(expected: Operator | None, approval_hours: Sequence[float], rng: Random) -> Operator:
    """An operator who approves gates and does nothing else."""
    hours = 2 * median(approval_hours) if approval_hours else (expected or Operator()).review_hours
    hours = max(_about(hours, REVIEW_DOUBT, rng), MIN_REVIEW_HOURS)
    return Operator(hours, override_chance=0.0, retries_failed=False)


def _quantile(ordered: Sequence[datetime], share: float) -> datetime | None:
    """None if there is nothing to choose from."""
    if not ordered:
        return None
    # The share holds for the next result, however few there were.
    place = min(max((len(ordered) + 1) * share - 1, 0), len(ordered) - 1)
    before, after = ordered[math.floor(place)], ordered[math.ceil(place)]
    return before + (after - before) * (place % 1)
