"""When will a rollout be done, what keeps it from being done sooner, and what will it cost? Many campaigns from what is known.

Nothing here looks at the clock or the database: `past` is what a database remembers, and equal seeds give equal forecasts.
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

from alexandria.backfill.status import Status
from alexandria.forecast.history import Past
from alexandria.forecast.scenario import Lane, Person, Trouble, World, expected_calls, expected_rate
from alexandria.forecast.simulation import Limit, RolloutSimulation
from alexandria.rollout.decisions import Outcome
from alexandria.rollout.plan import Plan, members

LOW, HIGH = 0.1, 0.9  # the band that holds four of five outcomes
WEIGHT = 150.0  # books that what was expected counts for, beside those that were seen
MONTHS_ALIKE = 0.5  # what a book of a month says, as the books of one month are alike
SPEED_DOUBT = 0.2  # how far the coming months may be slower or faster than those measured
SWIFT_EVERY = 5  # campaigns, of which one is tried without the plan's pace too
SWIFT = 1200  # months a day: no pace at all
HUNCH = 0.5  # troubles taken to have been seen, in so many months, attempts or days:
CALM_MONTHS, CALM_ATTEMPTS, CALM_DAYS = 40.0, 40.0, 10.0


@dataclass(frozen=True, slots=True)
class Band:
    """Four of five outcomes lie between `low` and `high`, half of them below `middle`."""

    low: float
    middle: float
    high: float


@dataclass(frozen=True, slots=True)
class Forecast:
    """From `at`, by so many `runs`, of which the share `stuck` needs a person before all months have ended, most of them
    at the gate of the phase `stuck_at`.

    Of the others, four of five end between `early` and `late`; None if there are none.
    `limit` is what most of the time is waited for, with its share. `sooner` is the middle without daily pace and hours,
    within the same quota and gates. `calls` and `money` (dollars) are of the whole rollout, what is spent included.
    `unpriced` are generators that cost money, nobody knows how much. `measured`: months have been completed.
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
    spent_in: Mapping[Limit, float]
    calls: Mapping[str, int]
    failed: int


def forecast(
    plan: Plan,
    past: Past,
    usual: World,
    *,
    runs: int = 100,
    seed: int = 1,
    sooner: bool = True,
    prices: Mapping[str, float] | None = None,
) -> Forecast:
    """`usual` is what is expected as long as nothing has been measured; `prices` are dollars a request by provider.

    Without `sooner` that is left out, which saves time.
    """
    begun = Estimator(plan, past, usual, seed)
    for number in range(runs):
        begun.run(swift=sooner and number % SWIFT_EVERY == 0)
    return begun.told(prices or {})


class Estimator:
    """A forecast in the making, campaign by campaign."""

    def __init__(self, plan: Plan, past: Past, usual: World, seed: int) -> None:
        self._plan, self._past, self._usual, self._seed = plan, past, usual, seed
        self._done: list[_Run] = []
        self._swift: list[_Run] = []

    def run(self, *, swift: bool) -> None:
        """Try out one more; with `swift` one without the plan's pace as well."""
        seed = self._seed * 100_003 + len(self._done)
        self._done.append(_run(self._plan, self._past, self._usual, seed))
        if swift:
            self._swift.append(_run(_without_pace(self._plan), self._past, self._usual, seed))

    def told(self, prices: Mapping[str, float]) -> Forecast:
        """After one run or more."""
        plan, done = self._plan, self._done
        finished = [run for run in done if run.finished is not None]
        stuck = Counter(run.stuck_at for run in done if run.finished is None)
        finishes = sorted(run.finished for run in finished if run.finished is not None)
        told = finished or done
        limit, limit_share = _limit(told)
        lanes = dict.fromkeys(lane.name for lane in (*self._usual.generators, *self._usual.sources))
        models = {lane.name for lane in self._usual.generators if lane.paid}
        planned = [self._past.outcomes.get(month, Outcome()) for months in members(plan) for month in months]
        return Forecast(
            at=self._past.at,
            seed=self._seed,
            runs=len(done),
            ended=sum(outcome.status in {Status.COMPLETED, Status.FAILED} for outcome in planned),
            months=len(planned),
            early=_quantile(finishes, LOW),
            middle=_quantile(finishes, 0.5),
            late=_quantile(finishes, HIGH),
            limit=limit,
            limit_share=limit_share,
            stuck=stuck.total() / len(done),
            stuck_at=plan.phase[stuck.most_common(1)[0][0]].name if stuck else "",
            sooner=_quantile(sorted(run.finished for run in self._swift if run.finished is not None), 0.5),
            calls={name: band([run.calls.get(name, 0) for run in told]) for name in lanes},
            money=band([sum(run.calls.get(n, 0) * dollars for n, dollars in prices.items()) for run in told])
            if prices
            else None,
            unpriced=tuple(sorted(models - prices.keys())),
            failed=band([run.failed for run in told]),
            measured=any(outcome.status is Status.COMPLETED for outcome in planned),
        )


def band(values: Sequence[float]) -> Band:
    ordered = sorted(values)
    return Band(*(ordered[round((len(ordered) - 1) * share)] for share in (LOW, 0.5, HIGH)))


def believed(usual: World, past: Past, rng: Random) -> World:
    """One world that what was seen makes plausible: expectations, moved by measurements and blurred by their doubt."""
    done = [outcome for outcome in past.outcomes.values() if outcome.status is Status.COMPLETED]
    resolved = sum(outcome.resolved for outcome in done)
    unresolved = sum(outcome.unresolved for outcome in done)
    books = resolved + unresolved + sum(outcome.hindered for outcome in done)
    return dataclasses.replace(
        usual,
        books=_about(books / len(done), 0.25 / math.sqrt(len(done)), rng) if done else _about(usual.books, 0.15, rng),
        real=_real(usual, resolved, unresolved, rng),
        decline=max(rng.gauss(usual.decline, 0.001), 0.0),
        sources=_sources(usual, past, books, rng),
        trouble=_trouble(usual.trouble, past, rng),
        person=_person(usual.person, past.waits, rng),
        measured=_seconds(past, _about(1.0, SPEED_DOUBT, rng)),
    )


def _run(plan: Plan, past: Past, usual: World, seed: int) -> _Run:
    world = believed(usual, past, Random(f"belief {seed}"))  # noqa: S311 # chance that can be repeated
    campaign = RolloutSimulation(plan, world, seed, past)
    campaign.run(lambda now: now.finished_at is not None)
    failed = sum(outcome.status is Status.FAILED for outcome in campaign.outcomes.values())
    calls = Counter(past.calls) + campaign.fortune.calls
    return _Run(campaign.finished_at, campaign.standing.phase, campaign.spent_in, calls, failed)


def _limit(runs: Sequence[_Run]) -> tuple[Limit, float]:
    """What most of the time goes by with, and its share."""
    seconds = {limit: sum(run.spent_in[limit] for run in runs) for limit in Limit}
    if not any(seconds.values()):
        return Limit.RATE, 1.0
    limit = max(seconds, key=lambda each: seconds[each])
    return limit, seconds[limit] / sum(seconds.values())


def _without_pace(plan: Plan) -> Plan:
    swift = {"months_per_day": (SWIFT, SWIFT), "hours": (0, 24 * 60)}
    return plan.model_copy(update={"phase": tuple(phase.model_copy(update=swift) for phase in plan.phase)})


def _about(value: float, doubt: float, rng: Random) -> float:
    return value * math.exp(rng.gauss(0, doubt))


def _share(seen: float, of: float, calm: float, rng: Random) -> float:
    """How often something happens that was seen so many times."""
    return rng.betavariate(HUNCH + seen, calm + max(of - seen, 0))


def _seconds(past: Past, factor: float) -> tuple[float, ...]:
    """What months took, as if all of them were slower or faster by a factor: the coming ones are others."""
    done = [attempt for attempt in past.attempts if attempt.outcome == "completed"]
    return tuple((attempt.ended - attempt.began).total_seconds() * factor for attempt in done)


def _real(usual: World, resolved: int, unresolved: int, rng: Random) -> float:
    expected = min(max(expected_rate(usual), 0.01), 0.99)
    hits = WEIGHT * expected + MONTHS_ALIKE * resolved
    misses = WEIGHT * (1 - expected) + MONTHS_ALIKE * unresolved
    return min(usual.real * rng.betavariate(hits, misses) / expected, 1.0)


def _sources(usual: World, past: Past, books: int, rng: Random) -> tuple[Lane, ...]:
    """With the requests for each book that were counted, as far as any were."""
    expected = expected_calls(usual)
    moved = []
    for lane in usual.sources:
        counted = past.calls.get(lane.name, 0)
        known = books > 0 and expected[lane.name] > 0 and counted > 0
        calls = counted / books / expected[lane.name] if known else lane.calls
        doubt = 1 / math.sqrt(counted + 10) if known else 0.3
        moved.append(dataclasses.replace(lane, calls=max(_about(calls, doubt, rng), 0.05)))
    return tuple(moved)


def _trouble(usual: Trouble, past: Past, rng: Random) -> Trouble:
    """Attempts that failed and passed, and months that failed for good."""
    failed = {month for month, outcome in past.outcomes.items() if outcome.status is Status.FAILED}
    attempts = [attempt for attempt in past.attempts if attempt.month not in failed]
    ended = Counter(attempt.outcome for attempt in attempts)
    done = sum(outcome.status is Status.COMPLETED for outcome in past.outcomes.values())
    n = len(attempts)
    return dataclasses.replace(
        usual,
        down=_share(ended["retry"], n, CALM_ATTEMPTS, rng),
        busy=_share(ended["snoozed"], n, CALM_ATTEMPTS, rng),
        lost=_share(ended["lost"], n, CALM_ATTEMPTS, rng),
        cursed=_share(len(failed), done + len(failed), CALM_MONTHS, rng),
        outages=rng.gammavariate(HUNCH, 1 / CALM_DAYS),
        minutes=_about(usual.minutes, 0.5, rng),
    )


def _person(usual: Person | None, waits: Sequence[float], rng: Random) -> Person:
    """Someone who approves, and does nothing else unasked."""
    hours = 2 * median(waits) if waits else usual.hours if usual else 24.0
    return Person(max(_about(hours, 0.4, rng), 0.1), overrides=0.0, retries=False)


def _quantile(ordered: Sequence[datetime], share: float) -> datetime | None:
    """None if there is nothing to choose from."""
    if not ordered:
        return None
    # So that the share holds for the next outcome, however few there were.
    place = min(max((len(ordered) + 1) * share - 1, 0), len(ordered) - 1)
    before, after = ordered[math.floor(place)], ordered[math.ceil(place)]
    return before + (after - before) * (place % 1)
