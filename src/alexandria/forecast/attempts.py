"""Simulated attempts at months: answers, quotas, outages and errors of a scenario on a virtual clock, drawn by seed."""

from __future__ import annotations

import bisect
import itertools
import math
import zlib
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from random import Random
from zoneinfo import ZoneInfo

from alexandria.backfill import rescuer
from alexandria.core import errors
from alexandria.core.month import Month
from alexandria.forecast.history import OtherUse
from alexandria.forecast.scenario import MonthBooks, Scenario, SimulatedBooks, SimulatedProvider, draw_outages
from alexandria.providers import client
from alexandria.providers.limits.breaker import POLICY
from alexandria.providers.limits.quota_day import calendar
from alexandria.rollout.gates import METERED_SOURCE, DailyQuota

REFUSAL_SECONDS = 1.0  # that a generator takes to refuse
HOUR_SECONDS = 3600.0
MAX_CRC_VALUE = 2**32
RESPONSE_SPREAD = 0.5  # deviation of the logarithm of a response's duration


@dataclass(frozen=True, slots=True)
class AttemptResult:
    """The books of an attempt. Of the `unchecked`, whose sources were unavailable, `late` will be resolved later."""

    resolved: int
    unresolved: int
    unchecked: int
    late: int
    requests: dict[str, int]


class WorkerLost(Exception):
    """The worker died during an attempt."""


class _Meter:
    """The pace and the quota day of a provider, in its own time zone. What others spend of a day is drawn by `seed`."""

    def __init__(self, provider: SimulatedProvider, spent: int, by_months: int, at: float, seed: int) -> None:
        self.provider, self._rate = provider, provider.rate
        self._zone, self._seed = ZoneInfo(provider.zone), seed
        self._day = calendar(at, self._zone)
        self._first, self._starts, self._ends = self._day.date, self._day.starts, self._day.ends
        self._by_months = float(by_months)  # of the present day, as the others'
        self._other_days: dict[date, tuple[float, float]] = {}
        self._use: dict[date, OtherUse] = {}
        self._others = 0.0  # drawn days are beside these
        self._others = spent - by_months - self._drawn(at)
        self.free = at

    def spent(self, at: float) -> float:
        """Units spent on the day of `at`."""
        if not self._starts <= at < self._ends:
            self._turn_to_day_of(at)
        spent = self._by_months + self._others
        return spent + self._drawn(at) if self.provider.other_use else spent

    def by_months(self, at: float) -> float:
        """Those of them that months spent."""
        if not self._starts <= at < self._ends:
            self._turn_to_day_of(at)
        return self._by_months

    def use_before(self, at: float) -> tuple[OtherUse, ...]:
        """What others have spent on the whole days that ended before `at`."""
        self.by_months(at)
        return tuple(use for day, use in self._use.items() if self._first < day < self._day.date)

    def _turn_to_day_of(self, at: float) -> None:
        self._other_days[self._day.date] = self._by_months, self._others
        self._day = calendar(at, self._zone)
        self._starts, self._ends = self._day.starts, self._day.ends
        self._by_months, self._others = self._other_days.get(self._day.date, (0.0, 0.0))

    def _drawn(self, at: float) -> float:
        """Units that others have spent on the present day, at the beginning of each hour."""
        if not self.provider.other_use:
            return 0.0
        use = self._use.get(self._day.date)
        if use is None:
            rng = Random(f"{self._seed} {self.provider.name} {self._day.date}")  # noqa: S311 # chance that can be repeated
            use = self._use[self._day.date] = rng.choice(self.provider.other_use)
        return sum(use[: int((at - self._starts) / HOUR_SECONDS) + 1])

    def left(self, at: float) -> float:
        cap = self.provider.daily_cap
        return math.inf if cap is None else max(cap - self.spent(at), 0.0)

    def resets(self, at: float) -> datetime:
        self.by_months(at)
        return datetime.fromtimestamp(self._ends, UTC)

    def send(self, requests: float, at: float, *, for_months: bool = True) -> float:
        """Send after all earlier requests, charged to the day of `at`; returns when the last one has left."""
        if not self._starts <= at < self._ends:
            self._turn_to_day_of(at)
        if for_months:
            self._by_months += requests
        else:
            self._others += requests
        free = max(self.free, at) + requests / self._rate
        self.free = free
        return free


class SimulatedAttempts:
    """The attempts of one simulation. Instants are seconds since 1970; outages are drawn for `days` days.

    Of the units `spent` on each provider's present day months have spent `by_months` (None: all).
    """

    def __init__(
        self,
        scenario: Scenario,
        seed: int,
        at: float,
        days: int,
        spent: Mapping[str, int],
        *,
        by_months: Mapping[str, int] | None = None,
    ) -> None:
        self.scenario, self.books, self._seed = scenario, SimulatedBooks(scenario, seed), seed
        self.requests: dict[Month, dict[str, int]] = defaultdict(lambda: dict.fromkeys(self._meters, 0))
        self._rng = Random(f"fortune {seed}")  # noqa: S311 # chance that can be repeated
        self._gauss = self._rng.gauss
        self.listed: set[Month] = set()  # their book lists have been bought
        self._outages: dict[str, list[tuple[float, float]]] = defaultdict(list)
        for outage in draw_outages(scenario, datetime.fromtimestamp(at, UTC), days, self._rng):
            self._outages[outage.affected].append((outage.begins.timestamp(), outage.ends.timestamp()))
        self._all_outages = sorted(outage for outages in self._outages.values() for outage in outages)
        ends = itertools.accumulate((ends for _, ends in self._all_outages), max)
        self._last_ends = [0.0, *ends]  # by the number of outages that have begun: when all of them are over
        self._calm = (at, at)  # from when until when no outage begins and none goes on, as far as is known
        shares = spent if by_months is None else by_months
        self._meters: dict[str, _Meter] = {
            provider.name: _Meter(provider, spent.get(provider.name, 0), shares.get(provider.name, 0), at, seed)
            for provider in (*scenario.generators, *scenario.sources)
        }
        self._capped = [
            (position, self._meters[source.name])
            for position, source in enumerate(scenario.sources)
            if source.daily_cap is not None
        ]
        self._whole_paths = [self.books.look_up(known, 0) for known in scenario.sets]

    def mark_listed(self, month: Month) -> None:
        """The book list of a month has been generated and stored already."""
        self.listed.add(month)

    def spent(self, at: float) -> dict[str, int]:
        """Units spent on each provider's day."""
        return {name: round(meter.spent(at)) for name, meter in self._meters.items()}

    def spent_by_months(self, at: float) -> dict[str, int]:
        """Those of them that months spent."""
        return {name: round(meter.by_months(at)) for name, meter in self._meters.items()}

    def other_use(self, at: float) -> dict[str, tuple[OtherUse, ...]]:
        """What others have spent on each provider's days before today."""
        return {name: meter.use_before(at) for name, meter in self._meters.items()}

    def quota(self, at: float) -> DailyQuota:
        """The day of the metered source."""
        meter = self._meters.get(METERED_SOURCE)
        if meter is None or meter.provider.daily_cap is None:
            return DailyQuota(None)
        return DailyQuota(meter.provider.daily_cap, round(meter.spent(at)), round(meter.by_months(at)))

    def outage_end(self, at: float, *affected: str) -> float:
        """When the present outage of one of these ends; 0 if there is none."""
        if self._is_calm(at):
            return 0.0
        ends = 0.0
        for name in affected:
            found = self._outages.get(name, ())
            position = bisect.bisect_right(found, (at, math.inf)) - 1
            if position >= 0 and found[position][1] > at:
                ends = max(ends, found[position][1])
        if not ends:
            self._find_calm(at)
        return ends

    def _is_calm(self, at: float) -> bool:
        """Whether nothing fails now, as far as is known."""
        since, until = self._calm
        return since <= at < until

    def _find_calm(self, at: float) -> None:
        """Find until when nothing fails, if nothing does now."""
        position = bisect.bisect_right(self._all_outages, (at, math.inf))
        if self._last_ends[position] <= at:
            self._calm = at, self._all_outages[position][0] if position < len(self._all_outages) else math.inf

    def answers_again(self, at: float, *affected: str) -> float:
        """When months that wait since `at` go on: with the first probe that finds the outage over; infinite if there is none."""
        ends = self.outage_end(at, *affected)
        if not ends:
            return math.inf
        begins = min(
            outages[position][0]
            for outages in (self._outages.get(name, ()) for name in affected)
            if (position := bisect.bisect_right(outages, (at, math.inf)) - 1) >= 0 and at < outages[position][1]
        )
        return POLICY.first_probe_after(begins, ends)

    def attempt(self, month: Month, now: float) -> tuple[float, AttemptResult | Exception]:
        """When an attempt that begins now ends, and its books or its error."""
        faults, drawn = self.scenario.faults, self._rng.random()
        books = self.books.month(month)
        at = now + self.scenario.overhead_seconds * math.exp(self._gauss(0, self.scenario.overhead_spread))
        if drawn < faults.worker_lost:
            return at + rescuer.HEARTBEAT_TIMEOUT, WorkerLost()
        if month not in self.listed:
            kind = self._generation_error(books, now, drawn - faults.worker_lost)
            if kind is not None:
                made, generators = self.requests[month], self.scenario.generators
                for each in generators:
                    made[each.name] += self._list_requests(month, each)
                causes = tuple(kind(each.name, "did not name a book") for each in generators)
                ends = at + (_given_up(generators) if kind is errors.ProviderDown else REFUSAL_SECONDS)
                return ends, errors.NoBooks("no generator named a book", causes)
            made = self.requests[month]
            at = max(
                [
                    self._answered(made, generator, self._list_requests(month, generator), at)
                    for generator in self.scenario.generators
                ]
            )
            self.listed.add(month)
        ends, found = self._resolved(month, books, at)
        return (self._attempt_end(now, ends) if isinstance(found, AttemptResult) else ends), found

    def recheck(self, month: Month, unchecked: int, now: float) -> bool:
        """Ask all sources about so many books of a month, if all of them can be asked now; whether that was so."""
        sources = self.scenario.sources
        if any(
            self.outage_end(now, source.name, "sources")
            or self._meters[source.name].left(now) < unchecked * source.requests_per_book
            for source in sources
        ):
            return False
        made = self.requests[month]
        for source in sources:
            self._answered(made, source, unchecked * source.requests_per_book, now, for_months=False)
        return True

    def _list_requests(self, month: Month, generator: SimulatedProvider) -> int:
        """Requests for the lists of one month, of all the generator's models; always the same for a month."""
        whole = int(generator.requests_per_month)
        if whole == generator.requests_per_month:
            return whole
        drawn = zlib.crc32(f"{self._seed} {generator.name} {month}".encode()) / MAX_CRC_VALUE
        return whole + (drawn < generator.requests_per_month - whole)

    def _generation_error(self, books: MonthBooks, now: float, drawn: float) -> type[errors.ProviderError] | None:
        faults = self.scenario.faults
        if books.fails:
            return errors.ContentRefused
        all_out = all(self.outage_end(now, generator.name, "models") for generator in self.scenario.generators)
        if drawn < faults.generators_down or all_out:
            return errors.ProviderDown
        return errors.RateLimited if drawn < faults.generators_down + faults.generators_busy else None

    def _answered(
        self, made: dict[str, int], provider: SimulatedProvider, requests: float, at: float, *, for_months: bool = True
    ) -> float:
        """When a provider has answered so many requests, of which the last takes as long as any other.

        They are added to those `made` for the month.
        """
        made[provider.name] += round(requests)
        sent = self._meters[provider.name].send(requests, at, for_months=for_months)
        if self.scenario.measured_seconds:
            return sent
        return sent + provider.response_seconds * math.exp(self._gauss(0, RESPONSE_SPREAD))

    def _resolved(self, month: Month, books: MonthBooks, at: float) -> tuple[float, AttemptResult | Exception]:
        """Look up the books of a month, each at one source after the other as far as they can be asked."""
        sources = self.scenario.sources
        failed: dict[int, errors.ProviderError] = {}
        if not self._is_calm(at):
            for position, source in enumerate(sources):
                if self.outage_end(at, source.name, "sources"):
                    failed[position] = errors.ProviderDown(source.name, "does not answer")
        down = [sources[position] for position in failed]
        asked, found = self._ask(books.known, at, failed)
        if not any(asked.values()) and (found.unresolved or found.unchecked):
            return at + _given_up(down), errors.NoSources("no source could be asked", tuple(failed.values()))
        made = self.requests[month]
        ends = max([self._answered(made, sources[i], requests, at) for i, requests in asked.items()], default=at)
        return ends, found

    def _attempt_end(self, began: float, ends: float) -> float:
        """When an attempt ends whose requests would let it end at `ends`."""
        measured = self.scenario.measured_seconds
        if not measured:
            return ends
        return max(began + self._rng.choice(measured), *(meter.free for meter in self._meters.values()))

    def _ask(
        self, known: Sequence[tuple[int, int]], at: float, failed: dict[int, errors.ProviderError]
    ) -> tuple[Mapping[int, float], AttemptResult]:
        """Requests by source, and what they find. A source whose quota is spent meanwhile joins those that `failed`."""
        sources = self.scenario.sources
        left = {position: meter.left(at) for position, meter in self._capped}
        if not failed:
            enough = self._ask_all(known, left)
            if enough is not None:
                return enough
        asked: dict[int, float] = defaultdict(float)
        found: Counter[str] = Counter()
        unavailable = sum(1 << position for position in failed)
        for bits, books in self._rng.sample(known, len(known)):
            waiting = books
            while waiting:
                path = self.books.look_up(bits, unavailable)
                batch = waiting
                for i in path.asked:
                    if i in left and left[i] < batch * sources[i].requests_per_book:
                        batch = int(left[i] / sources[i].requests_per_book)
                        if not batch:
                            until = self._meters[sources[i].name].resets(at)
                            failed[i] = errors.QuotaSpent(sources[i].name, "the day's quota is spent", until=until)
                            unavailable |= 1 << i
                            break
                if not batch:
                    continue
                for i in path.asked:
                    asked[i] += batch * sources[i].requests_per_book
                    if i in left:
                        left[i] -= batch * sources[i].requests_per_book
                found["resolved" if path.resolved else "unchecked" if path.incomplete else "unresolved"] += batch
                if path.incomplete and self.books.look_up(bits, 0).resolved:
                    found["late"] += batch
                waiting -= batch
        by_name = {sources[i].name: round(requests) for i, requests in asked.items()}
        return asked, AttemptResult(found["resolved"], found["unresolved"], found["unchecked"], found["late"], by_name)

    def _ask_all(
        self, known: Sequence[tuple[int, int]], left: Mapping[int, float]
    ) -> tuple[Mapping[int, float], AttemptResult] | None:
        """As `_ask`, if all sources can be asked about all books; None if what is `left` does not last."""
        sources, paths = self.scenario.sources, self._whole_paths
        asked, resolved, total = [0] * len(sources), 0, 0
        for bits, books in known:
            path = paths[bits]
            total += books
            if path.resolved:
                resolved += books
            for i in path.asked:
                asked[i] += books
        requests = {i: books * sources[i].requests_per_book for i, books in enumerate(asked) if books}
        for i, units in left.items():
            if i in requests and requests[i] > units:
                return None
        by_name = {sources[i].name: round(number) for i, number in requests.items()}
        return requests, AttemptResult(resolved, total - resolved, 0, 0, by_name)


def _given_up(providers: Sequence[SimulatedProvider]) -> float:
    """Seconds until the last of these, none of which answers, has been given up."""
    return max((client.silent_tries(provider.name) * provider.timeout for provider in providers), default=0.0)
