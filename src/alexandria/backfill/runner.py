"""Runs one attempt at one month, from the claimed job to the row that records how the attempt ended."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

import structlog

from alexandria.backfill.lookahead import Lookahead
from alexandria.backfill.record import record
from alexandria.backfill.repositories import months, pauses
from alexandria.backfill.repositories.months import StartedAttempt
from alexandria.backfill.resolve import resolve
from alexandria.backfill.retry_policy import OUTCOMES, Decision, GiveUp, Retry, Snooze, decide
from alexandria.backfill.scheduler import Queue
from alexandria.backfill.source_selection import SourcePool, SourceSelector
from alexandria.backfill.suggest import suggest
from alexandria.core import errors, tracing
from alexandria.core.month import Month
from alexandria.core.stall import StallMonitor
from alexandria.database.pool import Connection, Database
from alexandria.providers.base import Generator
from alexandria.providers.charging import charged_to
from alexandria.providers.prompts import default_variant

log = structlog.get_logger(__name__)

# Months that are recorded at once: the catalogue has one writer, for which all others would wait on a connection each, and a
# month that a session in psql has locked must not keep the others.
MAX_RECORDING = 2
OUTCOME_TIMEOUT = 10.0  # seconds that the end of an attempt waits for a database that is away, before it is kept
STOP_TIMEOUT = 3.0  # the same while the worker is being stopped, which must not take long
OUTCOME_RETRY_DELAY = 0.5  # seconds between two tries to write it


@dataclass(frozen=True, slots=True)
class Runner:
    """Runs attempts. The clock and the random source are passed in; `stall` notices when this process stands still.

    `lookahead` decides whether another month is begun beside those in progress.
    """

    database: Database
    queue: Queue
    generators: Sequence[Generator]
    sources: SourcePool
    now: Callable[[], datetime] = field(default=lambda: datetime.now(UTC))
    rng: random.Random = field(default_factory=random.Random)
    outcome_timeout: float = OUTCOME_TIMEOUT
    stall: StallMonitor = field(default_factory=StallMonitor)
    lookahead: Lookahead = field(default_factory=Lookahead)
    _pending_outcomes: dict[UUID, BaseException] = field(default_factory=dict)
    _stalled_attempts: set[UUID] = field(default_factory=set)
    _ended_jobs: set[UUID] = field(default_factory=set)
    _recording: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(MAX_RECORDING))

    async def process(self, token: UUID, worker: str) -> bool:
        """Make one attempt at one month. It always ends in a row; a token that was lost has no effect.

        Returns False if the row could not be written yet: call this again later.
        """
        with tracing.attempt(attempt=str(token), worker=worker):
            return await self._process(token, worker)

    async def flush_pending_outcomes(self) -> None:
        """Write the outcomes of attempts that ended while the database was away."""
        for token in list(self._pending_outcomes):
            await self._flush(token)

    def keeps_outcome(self, token: UUID) -> bool:
        """Return whether the attempt has ended, but the database did not take how."""
        return token in self._pending_outcomes

    def has_ended_job(self, token: UUID) -> bool:
        """Return, once, whether the attempt has completed its month, and so ended its job as well."""
        ended = token in self._ended_jobs
        self._ended_jobs.discard(token)
        return ended

    async def begin(self, token: UUID, worker: str) -> StartedAttempt | None:
        """Start the attempt and return it; during a pause snooze its month and return None. Raises AttemptLost."""
        started = await months.begin_unless_paused(self.database, token, worker)
        if started is not None:
            return started
        async with self.database.transaction() as connection:
            pause = await pauses.paused(connection, lock=True)
            if pause is None:
                return await months.begin(connection, token, worker)
            await months.lock(connection, token)  # before its attempt, as a hand-made reset locks them: no deadlock
            started = await months.begin(connection, token, worker)
            wait = Snooze(pause.wait(self.now()), str(pause), errors.Paused.code)
            await self._end(connection, token, started.month, wait)
            return None

    async def finish(self, token: UUID, error: BaseException, *, within: float | None = None) -> None:
        """Write what follows from an error. If the database stays away, `flush_pending_outcomes` writes it later.

        `within`: seconds to try it now, if not `outcome_timeout`.
        """
        deadline = asyncio.get_running_loop().time() + (self.outcome_timeout if within is None else within)
        try:
            while (refused := await self._write_outcome(token, error)) is not None:
                # Another session's lock on the month must not keep this worker from others.
                if isinstance(refused, errors.DatabaseBusy) or asyncio.get_running_loop().time() > deadline:
                    self._pending_outcomes[token] = error
                    log.warning("outcome not written yet", attempt=str(token), reason=refused.message)
                    return
                await asyncio.sleep(OUTCOME_RETRY_DELAY)
        except asyncio.CancelledError:  # the queue, too, has lost the database, and was stopped
            self._pending_outcomes[token] = error
            raise

    async def _process(self, token: UUID, worker: str) -> bool:
        if self.keeps_outcome(token):
            return await self._flush(token)
        started, began_at = None, self.stall.now()
        try:
            try:
                started = await self.begin(token, worker)
            except errors.DatabaseBusy as busy:
                log.warning("attempt not begun", attempt=str(token), reason=busy.message)
                return False
            if started is not None:
                month = str(started.month)
                tracing.note(month=month)
                with charged_to(started.month, token), structlog.contextvars.bound_contextvars(month=month):
                    await self._fill(started)
        except asyncio.CancelledError:
            self._note_stall(token, began_at)
            stopped = errors.Paused("the worker was stopped; another takes over", self.now())
            try:
                await asyncio.shield(self.finish(token, stopped, within=STOP_TIMEOUT))
            except asyncio.CancelledError:  # again, as Python 3.11 can lose the first; its job must stay
                self._pending_outcomes[token] = stopped
            raise
        except Exception as error:  # the worker's edge: every failure becomes a row
            if not isinstance(error, errors.AlexandriaError) or type(error) is errors.DatabaseFailed:
                log.exception("unexpected", attempt=str(token), month=started and str(started.month))
            self._note_stall(token, began_at)
            await self.finish(token, error)
        return not self.keeps_outcome(token)

    def _note_stall(self, token: UUID, began_at: float) -> None:
        if self.stall.stalled_since(began_at):
            self._stalled_attempts.add(token)

    async def _fill(self, started: StartedAttempt) -> None:
        """Suggest, resolve and record the month's books."""
        month = started.month
        log.info("begun", attempt=str(started.token))
        variant = started.prompt_variant or default_variant(month)
        suggested = await suggest(month, variant, started.batch_size, self.generators)
        log.info("suggested", candidates=len(suggested.candidates), failed="; ".join(suggested.failed) or None)
        with self.lookahead.looking_up():
            selector = SourceSelector(self.sources)
            resolutions = await resolve(month, suggested.candidates, selector, self.database)
            note = "; ".join([*suggested.failed, *selector.lacking(resolutions)]) or None
            async with self._recording:
                done = await record(
                    self.database,
                    month,
                    started.token,
                    resolutions,
                    variant=variant,
                    note=note,
                    now=self.now(),
                    partial=suggested.partial,
                )
        self._ended_jobs.add(started.token)
        log.info("completed", books=done.generated, resolved=done.resolved, new_editions=done.new)
        tracing.note(outcome="completed", books=done.generated, resolved=done.resolved)

    async def _flush(self, token: UUID) -> bool:
        """Write an outcome that was kept, and return whether that was possible."""
        error = self._pending_outcomes.get(token)
        if error is not None and await self._write_outcome(token, error) is not None:
            return False
        self._pending_outcomes.pop(token, None)
        return True

    async def _write_outcome(self, token: UUID, error: BaseException) -> errors.AlexandriaError | None:
        """Write what follows from an error; if the database refuses that, return why.

        If the month has gone to another attempt, nothing follows but that a stall of this process does not count.
        """
        try:
            async with self.database.transaction() as connection:
                month, failed_before = await months.lock(connection, token)
                waited = await months.outage_waits(connection, token)
                decision = decide(error, failed_before, self.now(), self.rng, waited)
                await self._end(connection, token, month, decision)
        except errors.AttemptCompleted:
            log.info("completed", attempt=str(token))
            tracing.note(outcome="completed")
        except errors.AttemptLost as lost:
            log.info("attempt lost", attempt=str(token), reason=lost.message)
            tracing.note(outcome="lost")
            return await self._spare(token)
        except (errors.DatabaseFailed, errors.NotMigrated) as refused:
            return refused
        else:
            self._stalled_attempts.discard(token)
            outcome = OUTCOMES[type(decision)]
            log.warning("attempt ended", month=str(month), outcome=outcome, reason=decision.reason)
            tracing.note(outcome=outcome)
            if not isinstance(decision, Snooze):
                tracing.failed(getattr(error, "code", type(error).__name__))
        return None

    async def _spare(self, token: UUID) -> errors.AlexandriaError | None:
        """Take back that a stalled attempt counted as lost; if the database refuses that, return why."""
        if token not in self._stalled_attempts:
            return None
        try:
            async with self.database.transaction() as connection:
                spared = await months.spare(connection, token)
                if spared is not None and spared[1]:
                    await self.queue.add_wake(connection, spared[0], self.now())
        except (errors.DatabaseFailed, errors.NotMigrated) as refused:
            return refused
        self._stalled_attempts.discard(token)
        return None

    async def _end(self, connection: Connection, token: UUID, month: Month, decision: Decision) -> None:
        """End the attempt, and enqueue the job that wakes its month."""
        await months.end(connection, token, decision)
        match decision:
            case Retry(at=at):
                await self.queue.add_wake(connection, month, at)
            case Snooze(until=until):
                await self.queue.add_wake(connection, month, until)
            case GiveUp():
                pass
