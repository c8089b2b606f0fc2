"""Runs the jobs of the queue in a worker, until it is cancelled or the database is lost."""

from __future__ import annotations

import asyncio
import contextlib
import functools
from collections.abc import Awaitable, Callable, Sequence
from uuid import UUID

import procrastinate
import structlog
from procrastinate.exceptions import ConnectorException
from procrastinate.retry import RetryStrategy
from psycopg.errors import ForeignKeyViolation

from alexandria.backfill.composition import Backfill
from alexandria.backfill.periodic import Periodic, PeriodicRunner, cancel_all
from alexandria.backfill.queue import ENRICHMENT, MONTHS, UPKEEP, JobQueue, reachable
from alexandria.backfill.queue_worker import ENDED, QueueWorker
from alexandria.backfill.recovery import RECOVER
from alexandria.backfill.repositories import worker_beats
from alexandria.backfill.repositories.worker_beats import Heard
from alexandria.backfill.rescuer import HEARTBEAT_TIMEOUT, RESCUE
from alexandria.backfill.runner import Runner
from alexandria.core.errors import DatabaseFailed, DatabaseUnavailable, NotMigrated, origin
from alexandria.core.month import Month
from alexandria.database.capacity import LISTENING_CONNECTIONS
from alexandria.database.pool import Database

log = structlog.get_logger(__name__)

UPKEEP_CONCURRENCY = 2
QUEUE_CONNECTION_TIMEOUT = 2.0  # seconds to wait for a connection
FLUSH_INTERVAL = 1.0  # seconds between tries to write outcomes that the database could not take
UNENDED_RETRY_DELAY = 5  # seconds after which the job of an attempt that has not ended runs again


async def _do_nothing() -> None:
    """A lost server is not brought back."""


class _NotEnded(Exception):
    """An attempt could not begin, or how it ended could not be written: its job must stay."""


async def run_jobs(
    queue: JobQueue,
    backfill: Backfill,
    *,
    concurrency: int,
    name: str,
    periodic: Sequence[Periodic] = (),
    reconnect: Callable[[], Awaitable[None]] = _do_nothing,
) -> None:
    """Run jobs until cancelled; running months are then snoozed.

    Ends when the server was lost, and `reconnect` has brought it back, or when another worker took this one for dead: the
    caller starts it again.
    """
    at_once = {MONTHS: concurrency, UPKEEP: UPKEEP_CONCURRENCY, ENRICHMENT: 1}
    async with (
        Database(
            queue.database.url,
            size=queue.connections - LISTENING_CONNECTIONS,
            patience=QUEUE_CONNECTION_TIMEOUT,
            lazy=True,
            autocommit=True,  # the queue's fetching and finishing of a job are a statement each
        ) as own,
        contextlib.aclosing(PeriodicRunner(periodic)) as tasks,
    ):
        worker = QueueWorker(
            _app(backfill, periodic, name),
            name,
            at_once,
            functools.partial(_beat, own, backfill, tasks),
            {MONTHS: backfill.runner.lookahead.has_room},
        )
        runners = [asyncio.create_task(part) for part in (_run(own, worker), _flush(backfill.runner))]
        try:
            first, _ = await asyncio.wait(runners, return_when=asyncio.FIRST_COMPLETED)
            log.warning("the queue has stopped", reason="; ".join(filter(None, map(_reason, first))) or None)
            await reconnect()  # meanwhile the others end: what they have to write waits for the database
        finally:
            await cancel_all(runners)
            ended = await asyncio.gather(*runners, return_exceptions=True)
    for error in ended:
        if isinstance(error, Exception) and not isinstance(error, DatabaseFailed | NotMigrated):
            raise error


def _reason(ended: asyncio.Task[None]) -> str:
    error = None if ended.cancelled() else ended.exception()
    return "" if error is None else str(error) or type(error).__name__


async def _run(own: Database, worker: QueueWorker) -> None:
    with reachable():
        await worker.app.open_async(own.pool)
        try:
            async with own.transaction() as connection:
                await worker_beats.forget(connection)
            await worker.run()  # type: ignore[no-untyped-call] # procrastinate leaves it out
        except ConnectorException as wrapped:
            if not isinstance(origin(wrapped), ForeignKeyViolation):
                raise
            log.warning("taken for dead by another worker")


async def _beat(own: Database, backfill: Backfill, tasks: PeriodicRunner, worker: int) -> Heard | None:
    """Store a heartbeat, start the periodic tasks that are due or needed, and return what it found.

    Returns None if PostgreSQL took the heartbeat and nothing else.
    """
    try:
        async with own.transaction() as connection:
            heard = await worker_beats.beat(
                connection,
                worker,
                tasks.timetable(),
                silence=HEARTBEAT_TIMEOUT,
                probe_interval=backfill.recovery.probe_interval,
                rescue=RESCUE,
            )
    except DatabaseUnavailable:
        raise
    except (DatabaseFailed, NotMigrated) as refused:
        log.warning("heartbeat without a search for what is due", reason=refused.message)
        async with own.transaction() as connection:
            await worker_beats.beat_only(connection, worker)
        return None
    tasks.start(heard.claimed)
    if heard.lost:
        tasks.start([RESCUE])
    if heard.recovered or backfill.recovery.sees_new_key():
        tasks.start([RECOVER])
    return heard


async def _flush(runner: Runner) -> None:
    while True:
        await runner.flush_pending_outcomes()
        await asyncio.sleep(FLUSH_INTERVAL)


def _app(backfill: Backfill, periodic: Sequence[Periodic], worker: str) -> procrastinate.App:
    """Return the tasks of a worker."""
    app = procrastinate.App(connector=procrastinate.PsycopgConnector())

    @app.task(name="attempt", queue=MONTHS, retry=RetryStrategy(wait=UNENDED_RETRY_DELAY, retry_exceptions=[_NotEnded]))
    async def attempt(token: str) -> object:
        try:
            ended = await backfill.runner.process(UUID(token), worker)
        except asyncio.CancelledError:
            if not backfill.runner.keeps_outcome(UUID(token)):
                raise
            ended = False
        if not ended:
            raise _NotEnded
        return ENDED if backfill.runner.has_ended_job(UUID(token)) else None

    @app.task(name="wake", queue=UPKEEP)
    async def wake(year: int, month: int) -> None:
        await backfill.rescuer.wake(Month(year, month))

    for each in periodic:
        app.task(name=each.name)(_enqueued_by_earlier_versions)
    return app


async def _enqueued_by_earlier_versions(timestamp: int) -> None:
    """The job of a periodic task, from workers of earlier versions; today it needs none."""
