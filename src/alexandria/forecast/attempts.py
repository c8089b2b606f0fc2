"""What befalls an attempt in a world? Answers, quotas, outages and errors on a virtual clock, drawn by seed."""

from __future__ import annotations

import bisect
import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from random import Random
from zoneinfo import ZoneInfo

from alexandria.core import errors
from alexandria.core.month import Month
from alexandria.forecast.scenario import Lane, Latent, Library, World, outages
from alexandria.providers.limits.quota_day import calendar
from alexandria.rollout import decisions

METERED = "isbndb"  # whose day a plan divides
SILENCE = 6.0  # seconds after which a lost worker is missed
TIMEOUT = 30.0  # seconds after which a model that is down is given up


@dataclass(frozen=True, slots=True)
class Books:
    """What an attempt found. `late` are the hindered ones that the missing sources will resolve."""

    resolved: int
    unresolved: int
    hindered: int
    late: int
    calls: dict[str, int]


class Lost(Exception):
    """The worker died."""


class _Meter:
    """A lane's pace and its day, by the provider's clock."""

    def __init__(self, lane: Lane, spent: int, at: float) -> None:
        self.lane = lane
        self._zone = ZoneInfo(lane.zone)
        self._day = calendar(at, self._zone)
        self._spent: dict[date, float] = {self._day.date: float(spent)}
        self.free = at

    def spent(self, at: float) -> float:
        """Units of the day of `at`."""
        if not self._day.starts <= at < self._day.ends:
            self._day = calendar(at, self._zone)
        return self._spent.get(self._day.date, 0.0)

    def room(self, at: float) -> float:
        return float("inf") if self.lane.cap is None else max(self.lane.cap - self.spent(at), 0.0)

    def resets(self, at: float) -> datetime:
        self.spent(at)
        return datetime.fromtimestamp(self._day.ends, UTC)

    def send(self, requests: float, at: float) -> float:
        """When the last of them has left, behind all that were sent before; they are of the day of `at`."""
        self._spent[self._day.date] = self.spent(at) + requests
        self.free = max(self.free, at) + requests / self.lane.rate
        return self.free


class SimulatedAttempts:
    """Of one campaign. Instants are seconds since 1970; outages are known `days` days ahead."""

    def __init__(self, world: World, seed: int, at: float, days: int, spent: Mapping[str, int]) -> None:
        self.world, self.library = world, Library(world, seed)
        self.calls: Counter[str] = Counter()
        self._rng = Random(f"fortune {seed}")  # noqa: S311 # chance that can be repeated
        self._listed: set[Month] = set()
        self._outages: dict[str, list[tuple[float, float]]] = defaultdict(list)
        for outage in outages(world, datetime.fromtimestamp(at, UTC), days, self._rng):
            self._outages[outage.whom].append((outage.begins.timestamp(), outage.ends.timestamp()))
        self._meters = {
            lane.name: _Meter(lane, spent.get(lane.name, 0), at) for lane in (*world.generators, *world.sources)
        }

    def named(self, month: Month) -> None:
        """Its list was named and stored already."""
        self._listed.add(month)

    def spent(self, at: float) -> dict[str, int]:
        """Units of each provider's day."""
        return {name: round(meter.spent(at)) for name, meter in self._meters.items()}

    def quota(self, at: float) -> decisions.Quota:
        meter = self._meters.get(METERED)
        if meter is None or meter.lane.cap is None:
            return decisions.Quota(None)
        return decisions.Quota(meter.lane.cap, round(meter.spent(at)))

    def out(self, at: float, *whom: str) -> float:
        """When the outage of one of these ends that lasts; 0 if there is none."""
        ends = 0.0
        for one in whom if self._outages else ():
            found = self._outages.get(one, ())
            position = bisect.bisect_right(found, (at, math.inf)) - 1
            if position >= 0 and found[position][1] > at:
                ends = max(ends, found[position][1])
        return ends

    def attempt(self, month: Month, now: float) -> tuple[float, Books | Exception]:
        """When an attempt that begins now ends, and how."""
        trouble, drawn = self.world.trouble, self._rng.random()
        latent = self.library.month(month)
        at = now + self.world.slack * self._times(self.world.spread)
        if drawn < trouble.lost:
            return at + SILENCE, Lost()
        if month not in self._listed:
            names = [lane.name for lane in self.world.generators]
            kind = self._why_no_list(names, latent, now, drawn - trouble.lost)
            if kind is not None:
                self.calls.update(names)
                causes = tuple(kind(name, "did not name a book") for name in names)
                down = kind is errors.ProviderDown
                return at + (TIMEOUT if down else 1.0), errors.NoBooks("no generator named a book", causes)
            at = max(self._answered(lane, 1, at) for lane in self.world.generators)
            self._listed.add(month)
        ends, found = self._resolved(latent, at)
        return (self._lasts(now, ends) if isinstance(found, Books) else ends), found

    def _why_no_list(
        self, names: Sequence[str], latent: Latent, now: float, drawn: float
    ) -> type[errors.ProviderError] | None:
        trouble = self.world.trouble
        if latent.cursed:
            return errors.ContentRefused
        if drawn < trouble.down or all(self.out(now, name, "models") for name in names):
            return errors.ProviderDown
        return errors.RateLimited if drawn < trouble.down + trouble.busy else None

    def _answered(self, lane: Lane, requests: float, at: float) -> float:
        """When a lane has answered so many requests, the last of which takes as long as any."""
        self.calls[lane.name] += round(requests)
        left = self._meters[lane.name].send(requests, at)
        return left if self.world.measured else left + lane.seconds * self._times(0.5)

    def _times(self, spread: float) -> float:
        """A factor around 1, log-normal."""
        return math.exp(self._rng.gauss(0, spread))

    def look_again(self, hindered: int, now: float) -> bool:
        """Whether all sources could be asked about so many books now; then they were."""
        sources = self.world.sources
        if any(
            self.out(now, lane.name, "sources") or self._meters[lane.name].room(now) < hindered * lane.calls
            for lane in sources
        ):
            return False
        for lane in sources:
            self._answered(lane, hindered * lane.calls, now)
        return True

    def _resolved(self, latent: Latent, at: float) -> tuple[float, Books | Exception]:
        """The month's books, each asked of one source after the other as far as they can be asked."""
        sources = self.world.sources
        failed: dict[int, errors.ProviderError] = {}
        for position, lane in enumerate(sources):
            if self.out(at, lane.name, "sources"):
                failed[position] = errors.ProviderDown(lane.name, "does not answer")
        asked, books = self._ask(latent.known, at, failed)
        if not any(asked.values()):
            causes = tuple(failed.values())
            return at + TIMEOUT, errors.NoSources("no source could be asked", causes)
        ends = max(self._answered(sources[position], requests, at) for position, requests in asked.items())
        return ends, books

    def _lasts(self, began: float, ends: float) -> float:
        """When an attempt ends that by its calls would end at `ends`."""
        if not self.world.measured:
            return ends
        return max(began + self._rng.choice(self.world.measured), *(meter.free for meter in self._meters.values()))

    def _ask(
        self, known: Sequence[tuple[int, int]], at: float, failed: dict[int, errors.ProviderError]
    ) -> tuple[Mapping[int, float], Books]:
        """Requests by source, and what they find. Sources whose day is spent meanwhile join those that `failed`."""
        sources = self.world.sources
        asked: dict[int, float] = defaultdict(float)
        rooms = {i: self._meters[lane.name].room(at) for i, lane in enumerate(sources) if lane.cap is not None}
        found: Counter[str] = Counter()
        out = sum(1 << position for position in failed)
        for bits, books in self._rng.sample(known, len(known)):
            left = books
            while left:
                walk = self.library.walk(bits, out)
                some = left
                for i in walk.asked:
                    if i in rooms and rooms[i] < some * sources[i].calls:
                        some = int(rooms[i] / sources[i].calls)
                        if not some:
                            until = self._meters[sources[i].name].resets(at)
                            failed[i] = errors.QuotaSpent(sources[i].name, "the day is spent", until=until)
                            out |= 1 << i
                            break
                if not some:
                    continue
                for i in walk.asked:
                    asked[i] += some * sources[i].calls
                    if i in rooms:
                        rooms[i] -= some * sources[i].calls
                found["resolved" if walk.resolved else "hindered" if walk.hindered else "unresolved"] += some
                if walk.hindered and self.library.walk(bits, 0).resolved:
                    found["late"] += some
                left -= some
        by_name = {sources[i].name: round(requests) for i, requests in asked.items()}
        return asked, Books(found["resolved"], found["unresolved"], found["hindered"], found["late"], by_name)
