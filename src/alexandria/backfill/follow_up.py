"""Follows up recorded months: looks unresolved candidates up again, and enriches editions from sources in bulk."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import structlog

from alexandria.backfill.enrich import Room, enrich
from alexandria.backfill.repositories import candidates, enrichment, pauses, source_rests
from alexandria.backfill.repositories.candidates import DueCandidate
from alexandria.backfill.resolve import look_up
from alexandria.backfill.source_selection import SourcePool, SourceSelector
from alexandria.catalogue.curation import Refusals
from alexandria.core.errors import BadData, DatabaseBusy
from alexandria.database.pool import Database
from alexandria.providers.base import BulkLookup
from alexandria.providers.charging import charged_to
from alexandria.providers.limits.lane_status import LaneStatus

log = structlog.get_logger(__name__)

RECHECK_BATCH_SIZE = 20  # unresolved candidates that are looked up together
ENRICH_BATCH_SIZE = 100  # editions that sources are asked about together


async def _unlimited() -> list[LaneStatus]:
    return []


@dataclass(frozen=True, slots=True)
class FollowUp:
    """Looks up and enriches what months have recorded. The clock and the random source are passed in.

    Further look-ups cost at most `recheck_calls` requests a day. Enrichment leaves the share `kept_for_months` of each
    source's `allowances` (daily quota) untouched.
    """

    database: Database
    sources: SourcePool
    recheck_calls: int = 1000
    kept_for_months: float = 0.5
    allowances: Callable[[], Awaitable[Sequence[LaneStatus]]] = _unlimited
    now: Callable[[], datetime] = field(default=lambda: datetime.now(UTC))
    rng: random.Random = field(default_factory=random.Random)

    async def recheck(self) -> int:
        """Look up the unresolved candidates that are due, within the day's budget. Returns how many were found."""
        async with self.database.transaction() as connection:
            if await pauses.paused(connection):
                return 0
            left = self.recheck_calls - await candidates.spent_on_rechecks(connection)
            room = min(left // max(len(self.sources.sources), 1), RECHECK_BATCH_SIZE)  # each may ask every source
            due = await candidates.due(connection, room) if room > 0 else []
            refused = [await candidates.refusals(connection, one.candidate) for one in due]
        selector = SourceSelector(self.sources)
        asked = zip(due, refused, strict=True)
        return sum(await asyncio.gather(*(self._recheck(one, selector, known) for one, known in asked)))

    async def enrich(self) -> int:
        """Ask sources in bulk about the editions that are due. Returns how many have better fields than before."""
        local = self.sources.local
        sources = [source for source in self.sources.sources if isinstance(source, BulkLookup)]
        if local is not None and await local.is_available():
            sources.insert(0, local)
        async with self.database.transaction() as connection:
            asks = sources and not await pauses.paused(connection)
            due = await enrichment.due(connection, ENRICH_BATCH_SIZE) if asks else []
            rests = await source_rests.rests(connection) if due else {}
        if not due:
            return 0
        now, rooms = self.now(), await self._rooms()
        done = await enrich(due, sources, policy=self.sources.policy, rests=rests, rooms=rooms, now=now, rng=self.rng)
        async with self.database.transaction() as connection:
            more = await enrichment.record(connection, done.enriched, now)
            await source_rests.keep(connection, done.rests)
        log.info("enriched", editions=len(due), more=more, resting=" ".join(sorted(done.rests)) or None)
        return more

    async def _recheck(self, due: DueCandidate, selector: SourceSelector, refusals: Refusals) -> bool:
        with charged_to(due.month, None):
            resolution = await look_up(due.month, due.candidate, selector, refusals)
        try:
            async with self.database.transaction() as connection:
                return await candidates.finish_recheck(connection, due, resolution, self.now())
        except (DatabaseBusy, BadData) as refused:  # the others' results must not be lost with it
            log.warning("result not stored", book=due.candidate.title, month=str(due.month), reason=refused.message)
            return False

    async def _rooms(self) -> dict[str, Room]:
        """Return what enrichment may still spend today, by source."""
        return {
            lane.name: Room(
                max(int(lane.cap * (1 - self.kept_for_months)) - lane.used - lane.reserved, 0), lane.reset_at
            )
            for lane in await self.allowances()
            if lane.cap is not None
        }
