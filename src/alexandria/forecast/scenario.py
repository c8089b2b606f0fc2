"""Scenarios that a rollout is simulated in: providers, books, faults and an operator, as numbers to draw from by seed."""

from __future__ import annotations

import math
from bisect import bisect_right
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from random import Random

from alexandria.backfill import source_selection
from alexandria.backfill.source_selection import Policy, in_order
from alexandria.core.config import Settings
from alexandria.core.month import Month
from alexandria.core.provider_facts import PublishedLimits
from alexandria.forecast.history import OtherUse

BEST_KNOWN_YEAR = 2023  # the sources know its books best; the share that exists declines with each year before it
OUTAGE_SPREAD = 0.8  # deviation of the logarithm of an outage's length
MAX_SEED_VALUE = 2**64  # of the books of a simulation, to which the number of the month is added
LEAST_WEIGHT = 0.1  # of the distribution of months that could not differ more
DEFAULT_POLICY = Policy(Settings.model_fields["policy"].default)
DEFAULT_CONCURRENCY: int = Settings.model_fields["concurrency"].default
DEFAULT_TIMEOUT: float = PublishedLimits.model_fields["timeout"].default


@dataclass(frozen=True, slots=True)
class SimulatedProvider:
    """A provider: `rate` requests a second, `daily_cap` units a day of `zone` for months (None: no limit).

    Half of its answers take less than `response_seconds`; a request without an answer is given up after `timeout`
    seconds. A source has the share `coverage` of all books, and needs `requests_per_book` for each book that it is asked
    about; a generator needs `requests_per_month`, at least one for each of its models. A day of `other_use`, drawn from
    these, is what others than months spend of the units.
    """

    name: str
    rate: float
    daily_cap: int | None = None
    zone: str = "UTC"
    response_seconds: float = 1.0
    paid: bool = False
    coverage: float = 0.5
    requests_per_book: float = 1.0
    requests_per_month: float = 1.0
    timeout: float = DEFAULT_TIMEOUT
    other_use: tuple[OtherUse, ...] = ()


@dataclass(frozen=True, slots=True)
class Outage:
    """`affected` does not answer from `begins` until `ends`: a provider, "models", "sources" or "database"."""

    affected: str
    begins: datetime
    ends: datetime


@dataclass(frozen=True, slots=True)
class FaultRates:
    """How often things go wrong, as shares of attempts; `permanent_failure` is the share of months that always fail.

    Each of `affected` has `outages_per_day`, half of them shorter than `outage_minutes`.
    """

    generators_down: float = 0.0  # every generator fails
    generators_busy: float = 0.0  # every generator refuses for speed
    worker_lost: float = 0.0
    permanent_failure: float = 0.0
    outages_per_day: float = 0.0
    outage_minutes: float = 20.0
    affected: tuple[str, ...] = ("models", "sources", "database")


@dataclass(frozen=True, slots=True)
class Operator:
    """A person who checks the rollout every `review_hours` on average, approves gates and retries failed months.

    At each review a gate that failed or lacks data is overridden with the chance `override_chance`.
    """

    review_hours: float = 24.0
    override_chance: float = 0.0
    retries_failed: bool = True


@dataclass(frozen=True, slots=True)
class Scenario:
    """Everything that a simulated rollout meets; `operator` is None if no person checks it.

    `existing_share` of the named recent books exist, less `yearly_decline` for each year back; months differ by
    `month_deviation`. Sources date the share `dated_share` of the resolved books, and confirm the month of
    `confirmed_share` of those. A month takes `overhead_seconds` beside its requests. If `measured_seconds` of whole months are
    known, the durations are drawn from those instead. A bibliography has the share `local_coverage` of the existing books; to
    ask it costs nothing.
    """

    generators: tuple[SimulatedProvider, ...]
    sources: tuple[SimulatedProvider, ...]
    policy: Policy = DEFAULT_POLICY
    concurrency: int = DEFAULT_CONCURRENCY
    books_per_month: float = 20.0
    existing_share: float = 0.95
    yearly_decline: float = 0.0
    month_deviation: float = 0.02
    dated_share: float = 1.0
    confirmed_share: float = 0.9
    overhead_seconds: float = 5.0
    overhead_spread: float = 0.4
    measured_seconds: tuple[float, ...] = ()
    faults: FaultRates = FaultRates()
    operator: Operator | None = Operator()
    local_coverage: float = 0.0

    @property
    def coverages(self) -> list[float]:
        """The share of the existing books that each source has, and last that of the bibliography if there is one."""
        local = [self.local_coverage] if self.local_coverage else []
        return [source.coverage for source in self.sources] + local

    @property
    def sets(self) -> range:
        """Every set of sources that may have a book, as bits; the highest is that of a bibliography."""
        return range(1 << len(self.coverages))


@dataclass(frozen=True, slots=True)
class MonthBooks:
    """The books of a month before any lookup: how many are known to which sources, as a bit for each of them."""

    known: tuple[tuple[int, int], ...]
    fails: bool  # every attempt at the month fails

    @property
    def total(self) -> int:
        return sum(number for _, number in self.known)


@dataclass(frozen=True, slots=True)
class LookupPath:
    """The lookup of one book: the sources asked, by position, whether it was resolved, and whether a source was missing."""

    asked: tuple[int, ...]
    resolved: bool
    incomplete: bool


class SimulatedBooks:
    """The books of one scenario and seed, and the order in which the policy asks its sources about them."""

    def __init__(self, scenario: Scenario, seed: int) -> None:
        self._scenario = scenario
        self._rng, self._seed = Random(), Random(seed).randrange(MAX_SEED_VALUE)  # noqa: S311 # chance that can be repeated
        positions = {source.name: position for position, source in enumerate(scenario.sources)}
        ordered = in_order(scenario.sources, scenario.policy)
        self._order = tuple(positions[source.name] for source in ordered)
        self._paid = sum(1 << position for position, source in enumerate(scenario.sources) if source.paid)
        self._local = 1 << len(scenario.sources)
        self._weights = _sets_of_sources(scenario)[1]
        self.look_up = cache(self._look_up)
        self.month = cache(self._month)

    def _month(self, month: Month) -> MonthBooks:
        """The books of a month; every call returns the same."""
        scenario, rng = self._scenario, self._rng
        rng.seed(self._seed + hash(month))
        mean = scenario.books_per_month
        books = max(round(rng.gauss(mean, math.sqrt(mean) / 2)), 1)
        years_back = max(BEST_KNOWN_YEAR - month.year, 0)
        share = draw_share(
            scenario.existing_share - scenario.yearly_decline * years_back, scenario.month_deviation, rng
        )
        existing = draw_hits(books, share, rng)
        numbers, weights, last = [0] * len(self._weights), self._weights, len(self._weights) - 1
        random, total = rng.random, weights[-1]
        for _ in range(existing):
            numbers[bisect_right(weights, random() * total, 0, last)] += 1
        numbers[0] += books - existing
        known = tuple([(bits, number) for bits, number in enumerate(numbers) if number or not bits])
        return MonthBooks(known, rng.random() < scenario.faults.permanent_failure)

    def resolvable(self, month: Month) -> tuple[int, int]:
        """How many books of a month would be resolved if every source could be asked, and how many there are."""
        books = self.month(month)
        return sum(n for known, n in books.known if self.look_up(known, 0).resolved), books.total

    def _look_up(self, known: int, unavailable: int) -> LookupPath:
        """The lookup of a book that the sources of the bits `known` have, without those of the bits `unavailable`."""
        asked: list[int] = []
        missing = False
        found = known & self._local
        if self._enough(found, unavailable):
            return LookupPath((), resolved=True, incomplete=False)
        for position in self._order:
            if unavailable >> position & 1:
                missing = True
                continue
            asked.append(position)
            found |= known & 1 << position
            if self._enough(found, unavailable):
                return LookupPath(tuple(asked), resolved=True, incomplete=False)
        return LookupPath(tuple(asked), resolved=False, incomplete=missing)

    def _enough(self, found: int, unavailable: int) -> bool:
        """Whether the policy accepts a book that the sources of the bits `found` confirm."""
        if self._scenario.policy is not Policy.EXACT:
            return bool(found)
        paid = self._paid & ~unavailable
        return found.bit_count() >= source_selection.EXACT_SOURCES and bool(not paid or paid & found)


def draw_share(mean: float, deviation: float, rng: Random) -> float:
    """A share of one month, around the `mean` of all months. None is below 0 or above 1."""
    if not 0 < mean < 1 or not deviation:
        return mean
    # A beta distribution; its deviation is less than that of months of which each has all or nothing.
    strength = max(mean * (1 - mean) / deviation**2 - 1, LEAST_WEIGHT)
    return rng.betavariate(mean * strength, (1 - mean) * strength)


def draw_hits(n: int, share: float, rng: Random) -> int:
    """How many of `n` draws hit, each with the chance `share`: a binomial distribution."""
    rare = min(share, 1 - share)  # as each draw of it takes time
    drawn = 0
    if rare > 0:
        log_miss, log, random = math.log1p(-rare), math.log, rng.random
        place = int(log(1 - random()) / log_miss) + 1
        while place <= n:  # from one to the next one
            drawn += 1
            place += int(log(1 - random()) / log_miss) + 1
    return n - drawn if share > 0.5 else drawn


def draw_outages(scenario: Scenario, start: datetime, days: int, rng: Random) -> list[Outage]:
    """The outages that begin within `days` days from `start`, in the order in which they begin."""
    faults = scenario.faults
    found = []
    for affected in faults.affected:
        day = 0.0
        while faults.outages_per_day > 0:
            day += rng.expovariate(faults.outages_per_day)
            if day > days:
                break
            length = timedelta(minutes=faults.outage_minutes * math.exp(rng.gauss(0, OUTAGE_SPREAD)))
            begins = start + timedelta(days=day)
            found.append(Outage(affected, begins, begins + length))
            day += length / timedelta(days=1)
    return sorted(found, key=lambda outage: (outage.begins, outage.affected))


def expected_requests(scenario: Scenario) -> dict[str, float]:
    """Requests for a book at each source, if a book that it is asked about needs one."""
    books = SimulatedBooks(scenario, 0)
    asked = dict.fromkeys(range(len(scenario.sources)), 0.0)
    for known, share in source_set_shares(scenario).items():
        for position in books.look_up(known, 0).asked:
            asked[position] += share
    return {scenario.sources[position].name: share for position, share in asked.items()}


def expected_resolution_rate(scenario: Scenario) -> float:
    """The share of recent books that are resolved if every source can be asked."""
    books = SimulatedBooks(scenario, 0)
    return sum(share for known, share in source_set_shares(scenario).items() if books.look_up(known, 0).resolved)


def source_set_shares(scenario: Scenario) -> dict[int, float]:
    """The share of recent books that exactly the sources of each set of bits have."""
    sets, cumulative = _sets_of_sources(scenario)
    before = [0.0, *cumulative[:-1]]
    existing = scenario.existing_share
    shares = {known: existing * (upto - since) for known, upto, since in zip(sets, cumulative, before, strict=True)}
    shares[0] += 1 - existing
    return shares


def _sets_of_sources(scenario: Scenario) -> tuple[list[int], list[float]]:
    """Every set of sources, as bits, and the cumulative chance that exactly these have an existing book."""
    sets, coverages = list(scenario.sets), scenario.coverages
    cumulative, sum_so_far = [], 0.0
    for known in sets:
        sum_so_far += math.prod(share if known >> i & 1 else 1 - share for i, share in enumerate(coverages))
        cumulative.append(sum_so_far)
    return sets, cumulative
