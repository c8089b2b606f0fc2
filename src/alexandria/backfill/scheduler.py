"""Schedule months, process one month, take up what was lost: the acts of the backfill, each one transaction."""

from __future__ import annotations

import asyncio
import hashlib
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Protocol
from uuid import UUID, uuid4

import structlog

from alexandria.backfill import status
from alexandria.backfill.enrich import Room, enrich
from alexandria.backfill.record import record
from alexandria.backfill.repositories import candidates, enrichment, months, pauses
from alexandria.backfill.repositories.candidates import DueCandidate
from alexandria.backfill.repositories.months import Claim, ClaimableMonth, StartedAttempt
from alexandria.backfill.resolve import look_up, resolve
from alexandria.backfill.source_selection import Policy, SourcePool, SourceSelector
from alexandria.backfill.status import Status
from alexandria.backfill.suggest import suggest
from alexandria.catalogue.models import Isbn13
from alexandria.core import errors, tracing
from alexandria.core.month import FIRST_YEAR, LAST_YEAR, Month
from alexandria.database.pool import Connection, Database
from alexandria.providers.base import BulkLookup, Generator
from alexandria.providers.limits.rate import LaneStatus
from alexandria.providers.metering import charged_to
from alexandria.providers.prompts import default_variant

log = structlog.get_logger(__name__)

LOOKS_AT_ONCE = 20  # unresolved candidates looked up together
ENRICHED_AT_ONCE = 100  # editions that sources are asked about together
PATIENCE = 10.0  # seconds for a database that is away to take the end of an attempt
# Seconds without a heartbeat after which a worker is taken for dead: several times what its event loop, importing and
# matching on a machine that is overloaded, was ever late.
LOST_AFTER = 6.0


class Queue(Protocol):
    """Where jobs wait. Both methods enqueue inside the caller's transaction."""

    async def add_attempts(self, connection: Connection, claims: Sequence[Claim]) -> list[int]:
        """One job an attempt, to be made now; returns the job ids in order."""

    async def add_wake(self, connection: Connection, month: Month, at: datetime) -> None:
        """A job that claims the month again at `at`."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Which months a schedule call is after: the newest of these years, or of `only` those that are open.

    `plan` is a dry run's, to be carried out exactly.
    """

    batch_size: int = 10
    first_year: int = FIRST_YEAR
    last_year: int = LAST_YEAR
    force_retry: bool = False
    plan: str | None = None
    only: tuple[Month, ...] | None = None


@dataclass(frozen=True, slots=True)
class Scheduled:
    """What a schedule call found or did: the months with their jobs (none on a dry run), totals after it, its plan."""

    months: tuple[ClaimableMonth, ...]
    totals: dict[Status, int]
    plan: str
    jobs: tuple[int, ...] = ()
    skipped: int = 0


async def _unlimited() -> list[LaneStatus]:
    return []


@dataclass(slots=True)
class Backfill:
    """The acts. Time and chance are passed in. Further looks may cost `look_again_calls` requests a day.

    Enrichment leaves the share `kept_for_months` of the sources' `allowances` untouched.
    """

    database: Database
    queue: Queue
    generators: Sequence[Generator] = ()
    desk: SourcePool = field(default_factory=lambda: SourcePool((), Policy.BALANCED))
    look_again_calls: int = 1000
    kept_for_months: float = 0.5
    allowances: Callable[[], Awaitable[Sequence[LaneStatus]]] = _unlimited
    now: Callable[[], datetime] = field(default=lambda: datetime.now(UTC))
    rng: random.Random = field(default_factory=random.Random)
    _unsettled: dict[UUID, BaseException] = field(default_factory=dict)

    async def preview(self, selection: Selection) -> Scheduled:
        """What `schedule` would take now; changes nothing and waits for nobody."""
        async with self.database.transaction() as connection:
            found = await _open(connection, selection, lock=False)
            return Scheduled(tuple(found), await months.totals(connection), make_plan(selection, found))

    async def schedule(self, selection: Selection, who: str) -> Scheduled:
        """Claim the newest open months and enqueue their attempts, in one transaction.

        Raises Paused, and PlanChanged if `selection.plan` can no longer be carried out exactly; then nothing was done.
        """
        async with self.database.transaction() as connection:
            done = await self.schedule_within(connection, selection, who)
        if done.months:
            log.info("scheduled", by=who, months=" ".join(str(month.key) for month in done.months))
        return done

    async def schedule_within(self, connection: Connection, selection: Selection, who: str) -> Scheduled:
        """As `schedule`, as a part of the caller's transaction."""
        pause = await pauses.paused(connection, heed=True)
        if pause is not None:
            until = pause.wait(self.now())
            raise errors.Paused(str(pause), until, hint="wait for its end, or resume", details=pause.told())
        wanted = selection.only or [month.key for month in await _open(connection, selection, lock=False)]
        found = await _lock(connection, selection)
        reopened = [m.key for m in found if m.status is Status.FAILED]
        if reopened:
            await months.reopen(connection, reopened)
            await months.audit(connection, who, "retry", {"months": [str(month) for month in reopened]})
        jobs = await self._claim(connection, [m.key for m in found])
        claimed = tuple(replace(m, status=Status.PROCESSING, error_message=None) for m in found)
        passed_over = {*wanted} - {m.key for m in found} if selection.plan is None else set()
        plan = make_plan(selection, found)
        return Scheduled(claimed, await months.totals(connection), plan, tuple(jobs), len(passed_over))

    async def wake(self, month: Month) -> None:
        """A month in retry whose time has come gets its next attempt, or waits for the end of a pause.

        Anything else is left alone.
        """
        async with self.database.transaction() as connection:
            pause = await pauses.paused(connection, heed=True)
            if await months.due(connection, month):
                await self._go_on(connection, month, pause)

    async def process(self, token: UUID, worker: str) -> None:
        """Make one attempt at one month. It ends in a row whatever happens; a token that is lost has no effect."""
        with tracing.attempt(attempt=str(token), worker=worker):
            await self._process(token, worker)

    async def _process(self, token: UUID, worker: str) -> None:
        begun = None
        try:
            begun = await self._begin(token, worker)
            if begun is not None:
                tracing.note(month=str(begun.month))
                with charged_to(begun.month, token), structlog.contextvars.bound_contextvars(month=str(begun.month)):
                    await self._walk(begun)
        except asyncio.CancelledError:
            stopped = errors.Paused("the worker was stopped; another takes over", self.now())
            await asyncio.shield(self._settle(token, stopped))
            raise
        except Exception as error:  # the worker's edge: every failure becomes a row
            if not isinstance(error, errors.AlexandriaError):
                log.exception("unexpected", attempt=str(token), month=begun and str(begun.month))
            await self._settle(token, error)

    async def settle(self) -> None:
        """Write what follows from attempts that ended while the database was away."""
        for token, error in list(self._unsettled.items()):
            if await self._settled(token, error):
                del self._unsettled[token]

    async def rescue(self) -> int:
        """Take up months whose worker or job is gone, and wake those that no job would; returns how many."""
        async with self.database.transaction() as connection:
            lost = await months.lost(connection, LOST_AFTER)
            await months.drop_dead_jobs(connection, LOST_AFTER)
            asleep = await months.unscheduled(connection, LOST_AFTER)
        taken = [await self._take_over(row["token"], outage=row["outage"]) for row in lost]
        for month in asleep:
            await self.wake(month)
        return sum(taken) + len(asleep)

    async def look_again(self) -> int:
        """Look up unresolved candidates whose time has come, within the day's budget; returns how many were found."""
        async with self.database.transaction() as connection:
            if await pauses.paused(connection):
                return 0
            left = self.look_again_calls - await candidates.spent_on_looks(connection)
            room = min(left // max(len(self.desk.sources), 1), LOOKS_AT_ONCE)  # a look may ask every source
            sought = await candidates.due(connection, room) if room > 0 else []
        panel = SourceSelector(self.desk)
        return sum(await asyncio.gather(*(self._look(one, panel) for one in sought)))

    async def enrich(self) -> int:
        """Ask sources in bulk about editions whose turn it is; returns of how many we know more than before."""
        sources = [source for source in self.desk.sources if isinstance(source, BulkLookup)]
        async with self.database.transaction() as connection:
            asks = sources and not await pauses.paused(connection)
            due = await enrichment.due(connection, ENRICHED_AT_ONCE) if asks else []
            rests = await enrichment.rests(connection) if due else {}
        if not due:
            return 0
        now, rooms = self.now(), await self._rooms()
        done = await enrich(due, sources, policy=self.desk.policy, rests=rests, rooms=rooms, now=now, rng=self.rng)
        async with self.database.transaction() as connection:
            more = await enrichment.record(connection, done.enriched, now)
            await enrichment.keep_rests(connection, done.rests)
        log.info("enriched", editions=len(due), more=more, resting=" ".join(sorted(done.rests)) or None)
        return more

    async def enrich_again(self, isbns: Sequence[Isbn13], older_than: int | None, who: str) -> int:
        """Have these editions, and those enriched more than `older_than` days ago, asked about anew; returns how many."""
        async with self.database.transaction() as connection:
            editions = await enrichment.again(connection, isbns, older_than)
            wish = {"isbns": list(isbns), "older_than_days": older_than, "editions": editions}
            await months.audit(connection, who, "enrich", wish)
        return editions

    async def _rooms(self) -> dict[str, Room]:
        """What enrichment may still spend today, by source."""
        return {
            lane.name: Room(
                max(int(lane.cap * (1 - self.kept_for_months)) - lane.used - lane.reserved, 0), lane.reset_at
            )
            for lane in await self.allowances()
            if lane.cap is not None
        }

    async def _look(self, sought: DueCandidate, panel: SourceSelector) -> bool:
        with charged_to(sought.month, None):
            resolution = await look_up(sought.month, sought.candidate, panel)
        async with self.database.transaction() as connection:
            return await candidates.finish_recheck(connection, sought, resolution, self.now())

    async def _claim(self, connection: Connection, locked: Sequence[Month]) -> list[int]:
        claims = [Claim(month, uuid4()) for month in locked]
        if not claims:
            return []
        jobs = await self.queue.add_attempts(connection, claims)
        await months.claim(connection, claims, jobs)
        return jobs

    async def _begin(self, token: UUID, worker: str) -> StartedAttempt | None:
        """The month to work on; None during a pause, for whose end it then waits. Raises AttemptLost."""
        async with self.database.transaction() as connection:
            pause = await pauses.paused(connection, heed=True)
            begun = await months.begin(connection, token, worker)
            if pause is None:
                return begun
            wait = status.Snooze(pause.wait(self.now()), str(pause), errors.Paused.code)
            await self._end(connection, token, begun.month, wait)
            return None

    async def _walk(self, begun: StartedAttempt) -> None:
        month = begun.month
        log.info("begun", attempt=str(begun.token))
        variant = begun.prompt_variant or default_variant(month)
        suggested = await suggest(month, variant, begun.batch_size, self.generators)
        log.info("suggested", candidates=len(suggested.candidates), failed="; ".join(suggested.failed) or None)
        panel = SourceSelector(self.desk)
        resolutions = await resolve(month, suggested.candidates, panel, self.database)
        note = "; ".join([*suggested.failed, *panel.lacking(resolutions)]) or None
        new = await record(self.database, month, begun.token, resolutions, variant=variant, note=note, now=self.now())
        resolved = sum(resolution.isbn13 is not None for resolution in resolutions)
        log.info("completed", books=len(resolutions), resolved=resolved, new_editions=new)
        tracing.note(outcome="completed", books=len(resolutions), resolved=resolved)

    async def _settle(self, token: UUID, error: BaseException) -> None:
        """Write what follows from an error. What cannot be written for some time is kept for `settle`."""
        last = asyncio.get_running_loop().time() + PATIENCE
        while not await self._settled(token, error):
            if asyncio.get_running_loop().time() > last:
                self._unsettled[token] = error
                return
            await asyncio.sleep(PATIENCE / 20)

    async def _settled(self, token: UUID, error: BaseException) -> bool:
        """Whether what follows from an error is written. If the month has gone to another, nothing follows."""
        try:
            async with self.database.transaction() as connection:
                month, failed_before = await months.hold(connection, token)
                decision = status.decide(error, failed_before, self.now(), self.rng)
                await self._end(connection, token, month, decision)
        except errors.AttemptLost as lost:
            log.info("attempt lost", attempt=str(token), reason=lost.message)
            tracing.note(outcome="lost")
        except (errors.DatabaseUnavailable, errors.NotMigrated):
            return False
        else:
            log.warning("attempt ended", month=str(month), decision=type(decision).__name__, reason=decision.reason)
            tracing.note(outcome=type(decision).__name__.lower())
            if not isinstance(decision, status.Snooze):
                tracing.failed(getattr(error, "code", type(error).__name__))
        return True

    async def _take_over(self, token: UUID, *, outage: bool) -> bool:
        """The month goes on at once, unless that was its last attempt; whether the lost attempt still had it."""
        async with self.database.transaction() as connection:
            pause = await pauses.paused(connection, heed=True)
            seized = await months.try_lock(connection, token)
            if seized is None:
                return False
            month, failed_before = seized
            decision = status.decide_lost(failed_before, self.now(), outage=outage)
            await _write(connection, token, decision, outcome="lost")
            if not isinstance(decision, status.GiveUp):
                await self._go_on(connection, month, pause)  # no job is needed that could be lost in its turn
        log.warning("attempt taken over", month=str(month), reason=decision.reason)
        return True

    async def _go_on(self, connection: Connection, month: Month, pause: pauses.Pause | None) -> None:
        """A month in retry that is locked gets its next attempt, or waits for the end of a pause."""
        if pause is None:
            await self._claim(connection, [month])
        else:
            await pauses.postpone(connection, month, pause.wait(self.now()), str(pause))
            await self.queue.add_wake(connection, month, pause.wait(self.now()))

    async def _end(self, connection: Connection, token: UUID, month: Month, decision: status.Decision) -> None:
        """The attempt's end, and the job that will wake its month."""
        await _write(connection, token, decision)
        if isinstance(decision, status.Retry):
            await self.queue.add_wake(connection, month, decision.at)
        elif isinstance(decision, status.Snooze):
            await self.queue.add_wake(connection, month, decision.until)


def make_plan(selection: Selection, found: Sequence[ClaimableMonth]) -> str:
    """The plan as text: what was asked and found, hashed, and the months themselves so that a difference can be told."""
    asked = f"{selection.batch_size} {selection.first_year} {selection.last_year} {selection.force_retry}"
    listed = ".".join(f"{m.year:04d}{m.month:02d}" for m in found)
    return f"{hashlib.sha256(f'{asked} {listed}'.encode()).hexdigest()[:16]}-{listed}"


def read_plan(selection: Selection) -> list[Month]:
    """The months of `selection.plan`. Raises BadInput if it is no plan, or one that was made for another request."""
    assert selection.plan is not None
    _, _, listed = selection.plan.partition("-")
    try:
        planned = [Month(int(part[:4]), int(part[4:])) for part in listed.split(".") if part]
    except (ValueError, errors.BadInput):
        planned = []
    again = make_plan(selection, [ClaimableMonth(m.year, m.month, Status.PENDING) for m in planned])
    if again != selection.plan:
        raise errors.BadInput(
            "plan: it was not made for this request",
            hint="send the plan of a dry run together with that dry run's batch_size, year_range and force_retry",
        )
    return planned


async def _write(connection: Connection, token: UUID, decision: status.Decision, outcome: str | None = None) -> None:
    match decision:
        case status.Retry():
            await months.retry(connection, token, decision, outcome=outcome or "retry")
        case status.Snooze():
            await months.snooze(connection, token, decision, outcome=outcome or "snoozed")
        case status.GiveUp():
            await months.fail(connection, token, decision, outcome=outcome or "failed")


async def _open(connection: Connection, selection: Selection, *, lock: bool) -> list[ClaimableMonth]:
    return await months.open_months(
        connection,
        limit=selection.batch_size,
        first_year=selection.first_year,
        last_year=selection.last_year,
        failed_too=selection.force_retry,
        lock=lock,
    )


async def _lock(connection: Connection, selection: Selection) -> list[ClaimableMonth]:
    """The months to claim, locked. Raises PlanChanged if they are not all the plan's."""
    if selection.only is not None:
        return await months.planned_months(connection, selection.only, failed_too=selection.force_retry)
    if selection.plan is None:
        return await _open(connection, selection, lock=True)
    planned = read_plan(selection)
    found = await months.planned_months(connection, planned, failed_too=selection.force_retry)
    missing = sorted({*planned} - {m.key for m in found}, reverse=True)
    if missing:
        now = {month: await months.one(connection, month) for month in missing}
        difference = [{"month": str(month), "status": row["status"] if row else None} for month, row in now.items()]
        raise errors.PlanChanged(
            f"{len(missing)} of the plan's {len(planned)} months can no longer be claimed",
            hint="make a new dry run and send its plan",
            details={"no_longer_open": difference},
        )
    return found
