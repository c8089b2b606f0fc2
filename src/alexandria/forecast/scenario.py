"""What is a campaign's world like? Providers, books, trouble and people, as numbers from which chance draws by seed."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from random import Random

from alexandria.backfill.source_selection import Policy, in_order
from alexandria.core.month import Month

RECENT = 2023  # the year whose books the sources know best


@dataclass(frozen=True, slots=True)
class Lane:
    """A provider: `rate` requests a second; months may spend `cap` units a day of `zone` (None: no limit).

    `seconds` is what half of its answers take. Of a source: it knows the share `knows` of all books, and needs `calls`
    requests for each book that reaches it. A generator has one request a month.
    """

    name: str
    rate: float
    cap: int | None = None
    zone: str = "UTC"
    seconds: float = 1.0
    paid: bool = False
    knows: float = 0.5
    calls: float = 1.0


@dataclass(frozen=True, slots=True)
class Outage:
    """From `begins` until `ends`, `whom` does not answer: a lane's name, "models", "sources" or "database"."""

    whom: str
    begins: datetime
    ends: datetime


@dataclass(frozen=True, slots=True)
class Trouble:
    """How often things go wrong. Shares are of attempts, but for `cursed`: months that fail whoever tries.

    `outages` are so many a day of each of `whom`, half of them shorter than `minutes`.
    """

    down: float = 0.0  # every generator fails
    busy: float = 0.0  # every generator says "too fast"
    lost: float = 0.0  # the worker dies
    cursed: float = 0.0
    outages: float = 0.0
    minutes: float = 20.0
    whom: tuple[str, ...] = ("models", "sources", "database")


@dataclass(frozen=True, slots=True)
class Person:
    """Who looks after the campaign every `hours` on average: approves open gates and has failed months done again.

    At each look a gate that is shut or lacks something is overridden with the chance `overrides`.
    """

    hours: float = 24.0
    overrides: float = 0.0
    retries: bool = True


@dataclass(frozen=True, slots=True)
class World:
    """All of it. `real` is the share of recent named books that exist, of which each year back loses `decline`; months
    differ by the deviation `uneven`. `slack` are seconds of a month beside its calls; if seconds of whole months were
    `measured`, those are drawn instead. `person` None: nobody looks."""

    generators: tuple[Lane, ...]
    sources: tuple[Lane, ...]
    policy: Policy = Policy.BALANCED
    at_once: int = 4
    books: float = 20.0
    real: float = 0.95
    decline: float = 0.0
    uneven: float = 0.02
    confirmed: float = 0.9
    slack: float = 5.0
    spread: float = 0.4
    measured: tuple[float, ...] = ()
    trouble: Trouble = Trouble()
    person: Person | None = Person()


@dataclass(frozen=True, slots=True)
class Latent:
    """The books of a month before anybody looks: how many are known to which sources, as a bit for each of them."""

    known: tuple[tuple[int, int], ...]
    cursed: bool
    confirmed: float

    @property
    def books(self) -> int:
        return sum(number for _, number in self.known)


@dataclass(frozen=True, slots=True)
class Walk:
    """What becomes of a book: the sources asked, by position, whether it is resolved, and whether one was missing."""

    asked: tuple[int, ...]
    resolved: bool
    hindered: bool


class Library:
    """The books of one world and seed, and how the policy walks through its sources."""

    def __init__(self, world: World, seed: int) -> None:
        self._world, self._seed = world, seed
        positions = {lane.name: position for position, lane in enumerate(world.sources)}
        ordered = in_order(world.sources, world.policy, lambda _: 0.0)
        self._order = tuple(positions[lane.name] for lane in ordered)
        self._paid = sum(1 << position for position, lane in enumerate(world.sources) if lane.paid)
        self._sets, self._weights = _sets_of_sources([lane.knows for lane in world.sources])
        self.walk = cache(self._walk)

    def month(self, month: Month) -> Latent:
        """The same for the same month, whenever it is asked for."""
        world, rng = self._world, Random(f"{self._seed} {month}")  # noqa: S311 # chance that can be repeated
        books = max(round(rng.gauss(world.books, math.sqrt(world.books) / 2)), 1)
        share = rng.gauss(world.real - world.decline * max(RECENT - month.year, 0), world.uneven)
        real = sum(rng.random() < share for _ in range(books))
        known = Counter(rng.choices(self._sets, cum_weights=self._weights, k=real))
        known[0] += books - real
        return Latent(tuple(sorted(known.items())), rng.random() < world.trouble.cursed, world.confirmed)

    def truth(self, month: Month) -> tuple[int, int]:
        """Books, and those that would be resolved if every source could be asked."""
        latent = self.month(month)
        return latent.books, sum(n for known, n in latent.known if self.walk(known, 0).resolved)

    def _walk(self, known: int, out: int) -> Walk:
        """A book that the sources of the bits `known` know, while those of the bits `out` cannot be asked."""
        asked: list[int] = []
        missing = False
        found = 0
        for position in self._order:
            if out >> position & 1:
                missing = True
                continue
            asked.append(position)
            found |= known & 1 << position
            if self._settled(found, out):
                return Walk(tuple(asked), resolved=True, hindered=False)
        return Walk(tuple(asked), resolved=False, hindered=missing)

    def _settled(self, found: int, out: int) -> bool:
        if self._world.policy is not Policy.EXACT:
            return bool(found)
        paid = self._paid & ~out
        return found.bit_count() >= 2 and bool(not paid or paid & found)


def outages(world: World, start: datetime, days: int, rng: Random) -> list[Outage]:
    """Those that begin within `days` days from `start`, in the order in which they begin."""
    found = []
    for whom in world.trouble.whom:
        day = 0.0
        while world.trouble.outages > 0:
            day += rng.expovariate(world.trouble.outages)
            if day > days:
                break
            lasts = world.trouble.minutes * math.exp(rng.gauss(0, 0.8))
            begins = start + timedelta(days=day)
            found.append(Outage(whom, begins, begins + timedelta(minutes=lasts)))
            day += lasts / (24 * 60)
    return sorted(found, key=lambda outage: (outage.begins, outage.whom))


def expected_calls(world: World) -> dict[str, float]:
    """Requests for a book at each source, if a book that reaches it needs one."""
    library = Library(world, 0)
    asks = dict.fromkeys(range(len(world.sources)), 0.0)
    for known, share in library_shares(world).items():
        for position in library.walk(known, 0).asked:
            asks[position] += share
    return {world.sources[position].name: share for position, share in asks.items()}


def expected_rate(world: World) -> float:
    """The share of recent books that are resolved if every source can be asked."""
    library = Library(world, 0)
    return sum(share for known, share in library_shares(world).items() if library.walk(known, 0).resolved)


def library_shares(world: World) -> dict[int, float]:
    """How many of all recent books are known to exactly which sources."""
    sets, cumulative = _sets_of_sources([lane.knows for lane in world.sources])
    before = [0.0, *cumulative[:-1]]
    shares = {known: world.real * (upto - since) for known, upto, since in zip(sets, cumulative, before, strict=True)}
    shares[0] += 1 - world.real
    return shares


def _sets_of_sources(knows: Sequence[float]) -> tuple[list[int], list[float]]:
    """Every set of sources, as bits, and the cumulative chance that exactly these know a real book."""
    sets = list(range(1 << len(knows)))
    cumulative, sum_so_far = [], 0.0
    for known in sets:
        sum_so_far += math.prod(share if known >> i & 1 else 1 - share for i, share in enumerate(knows))
        cumulative.append(sum_so_far)
    return sets, cumulative
