"""What scenarios the history of a rollout makes plausible: what was expected, moved by what was measured."""

from __future__ import annotations

import dataclasses
import math
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from random import Random
from statistics import median

from alexandria.backfill.retry_policy import PROVIDERS_DOWN
from alexandria.backfill.status import Status
from alexandria.core.month import Month
from alexandria.forecast.history import History, PastAttempt
from alexandria.forecast.scenario import (
    FaultRates,
    Operator,
    Scenario,
    SimulatedProvider,
    expected_requests,
    expected_resolution_rate,
)
from alexandria.rollout.gates import MonthOutcome

ENOUGH_MONTHS = 10  # of the plan, after which other months no longer count
# How much an expectation counts beside what was measured.
EXPECTED_BOOKS = 150.0  # books that were found, or dated, as often as expected
EXPECTED_FAULT_COUNT = 0.5  # faults, in so many months, attempts or days:
EXPECTED_MONTHS, EXPECTED_ATTEMPTS, EXPECTED_DAYS = 40.0, 40.0, 10.0
# How uncertain a value is: the deviation of its logarithm.
BOOKS_DOUBT, MEASURED_BOOKS_DOUBT = 0.2, 0.25  # the latter after one month
REQUESTS_DOUBT, REQUESTS_COUNTED = 0.45, 10  # the latter are added to those counted
SPEED_DOUBT, UNMEASURED_SPEED_DOUBT = 0.2, 0.8
OUTAGE_LENGTH_DOUBT = 0.5
REVIEW_DOUBT = 0.4
OTHER_USE_DOUBT = 0.3  # after one day
DECLINE_DOUBT = 0.001  # this one is a deviation of the value itself
# How much months may differ, and how often each is expected.
MONTH_DEVIATIONS = {0.005: 1.0, 0.015: 1.5, 0.03: 2.0, 0.045: 1.5, 0.06: 1.0, 0.08: 0.7, 0.1: 0.5, 0.13: 0.3}
MIN_REQUESTS, MIN_REVIEW_HOURS = 0.05, 0.1
SUREST_RATE = 0.99


class Belief:
    """Plausible scenarios for the months of one plan. `expected` holds where nothing was measured."""

    def __init__(self, expected: Scenario, history: History) -> None:
        self._expected, self._history = expected, history
        own = [each for each in history.measured.values() if each.status in {Status.COMPLETED, Status.FAILED}]
        filled = _first_of(history.others.outcomes, ENOUGH_MONTHS - len(own))
        self._ended = own + [history.others.outcomes[month] for month in filled]
        self._completed = [each for each in self._ended if each.status is Status.COMPLETED and _books(each)]
        failed = {month for month, each in history.measured.items() if each.status is Status.FAILED}
        others = [each for each in history.others.attempts if each.month in filled]
        self._attempts = [
            *(each for each in history.attempts if each.month not in failed),
            *(each for each in others if history.others.outcomes[each.month].status is not Status.FAILED),
        ]
        self._rate = min(max(expected_resolution_rate(expected), 1 - SUREST_RATE), SUREST_RATE)
        self._expected_requests = expected_requests(expected)
        self._deviations = _deviation_weights(self._completed, self._rate)
        self._seconds = _seconds(self._attempts)
        self._faults = _FaultCounts.of(self._ended, self._attempts)
        self._list_requests = {each.name: self._requests_for_lists(each) for each in expected.generators}

    def draw(self, rng: Random) -> Scenario:
        """Draw a scenario."""
        expected, history = self._expected, self._history
        deviation = rng.choices([*self._deviations], [*self._deviations.values()])[0]
        speed = _about(1.0, SPEED_DOUBT, rng)
        return dataclasses.replace(
            expected,
            generators=tuple(self._generator(each, rng) for each in expected.generators),
            sources=tuple(self._source(each, rng) for each in expected.sources),
            books_per_month=self._books_per_month(rng),
            existing_share=self._existing_share(deviation, rng),
            overhead_seconds=_about(expected.overhead_seconds, UNMEASURED_SPEED_DOUBT, rng),
            yearly_decline=max(rng.gauss(expected.yearly_decline, DECLINE_DOUBT), 0.0),
            month_deviation=deviation,
            dated_share=self._share(
                expected.dated_share,
                [(each.confirmed + each.contradicted, each.resolved) for each in self._completed],
                rng,
            ),
            confirmed_share=self._share(
                expected.confirmed_share,
                [(each.confirmed, each.confirmed + each.contradicted) for each in self._completed],
                rng,
            ),
            faults=self._faults.draw(expected.faults, rng),
            operator=_operator(expected.operator, history.approval_hours, rng),
            measured_seconds=tuple(seconds * speed for seconds in self._seconds),
        )

    def _books_per_month(self, rng: Random) -> float:
        n = len(self._completed)
        if not n:
            return _about(self._expected.books_per_month, BOOKS_DOUBT, rng)
        books = sum(map(_books, self._completed))
        return _about(max(books / n, 1.0), MEASURED_BOOKS_DOUBT / math.sqrt(n), rng)

    def _existing_share(self, deviation: float, rng: Random) -> float:
        checked = [(each.resolved, each.resolved + each.unresolved) for each in self._completed]
        weight = _weight(checked, self._rate, deviation)
        resolved, books = (weight * sum(column) for column in zip(*checked, strict=True)) if checked else (0.0, 0.0)
        hits = EXPECTED_BOOKS * self._rate + resolved
        misses = EXPECTED_BOOKS * (1 - self._rate) + books - resolved
        return min(self._expected.existing_share * rng.betavariate(hits, misses) / self._rate, 1.0)

    def _share(self, expected: float, pairs: Sequence[tuple[int, int]], rng: Random) -> float:
        if not 0 < expected < 1 and not any(n for _, n in pairs):
            return expected
        expected = min(max(expected, 1 - SUREST_RATE), SUREST_RATE)
        hits, n = sum(hits for hits, _ in pairs), sum(n for _, n in pairs)
        return rng.betavariate(EXPECTED_BOOKS * expected + hits, EXPECTED_BOOKS * (1 - expected) + n - hits)

    def _source(self, source: SimulatedProvider, rng: Random) -> SimulatedProvider:
        """The source, with the requests for each book that the plan's own months needed.

        Those of other months count for nothing: they follow from the policy and the sources, which are known.
        """
        own = [each for each in self._history.measured.values() if each.status is Status.COMPLETED]
        books, expected = sum(map(_books, own)), self._expected_requests[source.name]
        counted = self._history.requests.get(source.name, 0)
        known = books > 0 and expected > 0 and counted > 0
        requests = counted / books / expected if known else source.requests_per_book
        doubt = 1 / math.sqrt(counted + REQUESTS_COUNTED) if known else REQUESTS_DOUBT
        requests = max(_about(requests, doubt, rng), MIN_REQUESTS)
        return dataclasses.replace(self._shared(source, rng), requests_per_book=requests)

    def _generator(self, generator: SimulatedProvider, rng: Random) -> SimulatedProvider:
        """The generator, with the requests for each month's lists that were counted."""
        usual, repeated, months = self._list_requests[generator.name]
        extra = rng.gammavariate(repeated, 1 / (EXPECTED_MONTHS + months)) if repeated else 0.0
        return dataclasses.replace(self._shared(generator, rng), requests_per_month=usual + extra)

    def _requests_for_lists(self, generator: SimulatedProvider) -> tuple[float, float, int]:
        """Requests for the lists of one month without repeated ones, those repeated, and in how many months."""
        own = {month for month, each in self._history.measured.items() if each.status is Status.COMPLETED}
        usual, counted = generator.requests_per_month, self._history.requests.get(generator.name, 0)
        if not own or not usual or any(source.name == generator.name for source in self._expected.sources):
            return usual, 0.0, 0  # which requests were for lists is not known
        again = sum(each.month in own and each.outcome in {"retry", "snoozed"} for each in self._history.attempts)
        asked = usual * (len(own) + again)  # an attempt that fails asks again
        fewer = min(counted, asked)
        expected = usual * ENOUGH_MONTHS
        return usual * (expected + fewer) / (expected + asked), max(counted - asked, 0.0), len(own)

    def _shared(self, provider: SimulatedProvider, rng: Random) -> SimulatedProvider:
        """The provider, as fast as it may be, with the days of others' use that were measured."""
        seconds = _about(provider.response_seconds, UNMEASURED_SPEED_DOUBT, rng)
        provider = dataclasses.replace(provider, response_seconds=seconds)
        days = self._history.other_use.get(provider.name, ())
        if not days:
            return provider
        factor = _about(1.0, OTHER_USE_DOUBT / math.sqrt(len(days)), rng)
        return dataclasses.replace(provider, other_use=tuple(tuple(units * factor for units in day) for day in days))


@dataclasses.dataclass(frozen=True, slots=True)
class _FaultCounts:
    """How often attempts failed and succeeded later, and months failed for good."""

    completed: int
    failed: int
    attempts: int
    outcomes: Mapping[str, int]

    @classmethod
    def of(cls, ended: Sequence[MonthOutcome], attempts: Sequence[PastAttempt]) -> _FaultCounts:
        completed = sum(each.status is Status.COMPLETED for each in ended)
        outcomes = Counter("retry" if each.code == PROVIDERS_DOWN else each.outcome for each in attempts)
        return cls(completed, len(ended) - completed, len(attempts), outcomes)

    def draw(self, expected: FaultRates, rng: Random) -> FaultRates:
        def attempts(outcome: str) -> float:
            return _fault_rate(self.outcomes.get(outcome, 0), self.attempts, EXPECTED_ATTEMPTS, rng)

        return dataclasses.replace(
            expected,
            generators_down=attempts("retry"),
            generators_busy=attempts("snoozed"),
            worker_lost=attempts("lost"),
            permanent_failure=_fault_rate(self.failed, self.completed + self.failed, EXPECTED_MONTHS, rng),
            outages_per_day=rng.gammavariate(EXPECTED_FAULT_COUNT, 1 / EXPECTED_DAYS),
            outage_minutes=_about(expected.outage_minutes, OUTAGE_LENGTH_DOUBT, rng),
        )


def draw_scenario(expected: Scenario, history: History, rng: Random) -> Scenario:
    """Draw one scenario that the history makes plausible."""
    return Belief(expected, history).draw(rng)


def uses_other_months(history: History) -> bool:
    """Whether other months count, as too few of the plan have ended."""
    ended = sum(each.status in {Status.COMPLETED, Status.FAILED} for each in history.measured.values())
    return bool(history.others.outcomes) and ended < ENOUGH_MONTHS


def _first_of(months: Collection[Month], most: int) -> set[Month]:
    return set(list(months)[: max(most, 0)])


def _books(outcome: MonthOutcome) -> int:
    return outcome.resolved + outcome.unresolved + outcome.hindered


def _about(value: float, doubt: float, rng: Random) -> float:
    return value * math.exp(rng.gauss(0, doubt))


def _fault_rate(seen: float, of: float, expected_of: float, rng: Random) -> float:
    """How often a fault happens that was seen so many times."""
    return rng.betavariate(EXPECTED_FAULT_COUNT + seen, expected_of + max(of - seen, 0))


def _seconds(attempts: Sequence[PastAttempt]) -> tuple[float, ...]:
    completed = [attempt for attempt in attempts if attempt.outcome == "completed"]
    return tuple((attempt.ended - attempt.began).total_seconds() for attempt in completed)


def _deviation_weights(completed: Sequence[MonthOutcome], rate: float) -> dict[float, float]:
    """How plausible each deviation of months is, by how their resolved books vary (beta-binomial distribution)."""
    pairs = [(each.resolved, each.resolved + each.unresolved) for each in completed]
    books = sum(n for _, n in pairs)
    mean = (EXPECTED_BOOKS * rate + sum(hits for hits, _ in pairs)) / (EXPECTED_BOOKS + books)
    logs = {
        deviation: math.log(expected) + sum(_log_likelihood(hits, n, mean, deviation) for hits, n in pairs)
        for deviation, expected in MONTH_DEVIATIONS.items()
    }
    most = max(logs.values())
    return {deviation: math.exp(log - most) for deviation, log in logs.items()}


def _log_likelihood(hits: int, n: int, mean: float, deviation: float) -> float:
    strength = max(mean * (1 - mean) / deviation**2 - 1, 1 - SUREST_RATE)
    a, b = mean * strength, (1 - mean) * strength
    return _log_beta(hits + a, n - hits + b) - _log_beta(a, b)


def _log_beta(a: float, b: float) -> float:
    return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)


def _weight(pairs: Sequence[tuple[int, int]], mean: float, deviation: float) -> float:
    """How much one book counts, as those of one month are alike."""
    if not pairs:
        return 1.0
    alike = min(deviation**2 / (mean * (1 - mean)), 1.0)
    return 1 / (1 + (sum(n for _, n in pairs) / len(pairs) - 1) * alike)


def _operator(expected: Operator | None, approval_hours: Sequence[float], rng: Random) -> Operator:
    """An operator who approves gates and does nothing else."""
    hours = 2 * median(approval_hours) if approval_hours else (expected or Operator()).review_hours
    hours = max(_about(hours, REVIEW_DOUBT, rng), MIN_REVIEW_HOURS)
    return Operator(hours, override_chance=0.0, retries_failed=False)
