"""Draws the order of sources for a book, so that the books are spread over all of them whatever their load.

The same book has the same order in every run, under each of its usual spellings.
"""

from __future__ import annotations

import asyncio
import hashlib
import math
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

from alexandria.backfill.repositories import months
from alexandria.backfill.status import Status
from alexandria.catalogue.matching.scoring import work_key
from alexandria.catalogue.models import Candidate
from alexandria.core.provider_facts import PROVIDERS
from alexandria.database.pool import Connection, Database
from alexandria.providers.limits.lane_status import LaneStatus

UNITS_PER_MONTH = 40  # of a paid source, that a month is assumed to need where books begin at it
RENEWED_AFTER = 60.0  # seconds that weights hold
_DIGEST_BYTES = 8  # of a number that is drawn
_OPEN = (Status.PENDING, Status.PROCESSING, Status.RETRY)

Weights = Mapping[str, float]


def first_source(candidate: Candidate, weights: Weights) -> str | None:
    """Return the source that is drawn for a book, each as often as its weight says; None without any.

    Each source draws a number of its own for the book, and the least one by its weight wins. So a source that is added or
    removed changes nothing for the books that it does not win.
    """
    key = work_key(candidate.title, (candidate.author,))
    return min(weights, key=lambda name: (_drawn(key, name) / weights[name], name), default=None)


def later_order(candidate: Candidate, names: Sequence[str]) -> list[str]:
    """Return sources in the order in which they are asked after the first one.

    Those with a `later_weight` fill the places that they have in `names` in an order that is drawn for the book. Of two, each is
    the earlier one as often as its weight says. The others keep their places.
    """
    key = work_key(candidate.title, (candidate.author,))
    weights = {name: PROVIDERS[name].later_weight for name in names if name in PROVIDERS}
    sharing = [name for name in names if weights.get(name)]
    drawn = iter(sorted(sharing, key=lambda name: (_drawn(key, name) / weights[name], name)))
    return [next(drawn) if name in sharing else name for name in names]


def _drawn(key: str, name: str) -> float:
    """An exponentially distributed number: always the same for a book and a source."""
    digest = hashlib.blake2b(f"{name} {key}".encode(errors="surrogatepass"), digest_size=_DIGEST_BYTES).digest()
    return -math.log1p(-int.from_bytes(digest) / 2 ** (8 * _DIGEST_BYTES))


def weights_of(rates: Weights) -> dict[str, float]:
    """Return how often books begin at each source, relative to the others, given the requests a second that it takes."""
    drawn = {name: rate * PROVIDERS[name].first_weight for name, rate in rates.items() if name in PROVIDERS}
    return {name: weight for name, weight in drawn.items() if weight > 0}


async def _whole(_: Connection) -> float:
    return 1.0


@dataclass(eq=False, slots=True)
class FirstSources:
    """The weights by the rates that are in force, and by what is left of a paid source's day.

    `lanes` returns the state of all lanes, `quota_share` the share of the day that is for months now. Books begin at a paid
    source only while its day outlasts the months that are not filled yet.
    """

    database: Database
    names: Sequence[str]
    lanes: Callable[[], Awaitable[Sequence[LaneStatus]]]
    quota_share: Callable[[Connection], Awaitable[float]] = _whole
    _weights: Weights = field(default_factory=dict)
    _until: float = -math.inf
    _renewing: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def weights(self) -> Weights:
        """Return the weights, no older than RENEWED_AFTER."""
        async with self._renewing:
            if time.monotonic() >= self._until:
                self._weights = await self._now()
                self._until = time.monotonic() + RENEWED_AFTER
        return self._weights

    async def _now(self) -> Weights:
        lanes = [lane for lane in await self.lanes() if lane.name in self.names]
        short: list[str] = []
        if capped := [lane for lane in lanes if PROVIDERS[lane.name].paid and lane.cap is not None]:
            async with self.database.transaction() as connection:
                totals = await months.totals(connection)
                share = await self.quota_share(connection)
            needed = UNITS_PER_MONTH * sum(totals[status] for status in _OPEN)
            short = [lane.name for lane in capped if _left(lane, share) < max(needed, 1)]
        return weights_of({lane.name: lane.rate for lane in lanes if lane.name not in short})


def _left(lane: LaneStatus, share: float) -> float:
    """Units that are left today of the share of the day that is for months."""
    return (lane.cap or 0) * share - lane.used - lane.reserved
