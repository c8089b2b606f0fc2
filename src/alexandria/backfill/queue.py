"""Holds the job queue in the same PostgreSQL: which jobs exist, and how a worker runs them."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import procrastinate
import structlog
from procrastinate.exceptions import ConnectorException
from procrastinate.retry import RetryStrategy
from procrastinate.types import JSONDict
from psycopg.errors import ForeignKeyViolation

from alexandria.backfill.composition import Backfill
from alexandria.backfill.queue_worker import QueueWorker
from alexandria.backfill.repositories import months
from alexandria.backfill.repositories.months import Claim
from alexandria.backfill.retry_policy import OUTAGE_PAUSE
from alexandria.backfill.runner import Runner
from alexandria.core.errors import DatabaseBusy, DatabaseFailed, DatabaseUnavailable, NotMigrated, origin
from alexandria.core.month import Month
from alexandria.database.capacity import QUEUE_CONNECTIONS
from alexandria.database.failures import reason_of, translate
from alexandria.database.pool import Connection, Database, unavailable

log = structlog.get_logger(__name__)

# The queues: long work, short work that must not wait behind it, and what can wait for both.
MONTHS, UPKEEP, ENRICHMENT = "months", "upkeep", "enrichment"
HEARTBEAT_INTERVAL = 1.0  # seconds between a worker's heartbeats
POLL_INTERVAL = 1.0  # seconds after which due jobs are seen at the latest
UPKEEP_CONCURRENCY = 2
QUEUE_CONNECTION_TIMEOUT = 2.0  # seconds to wait for a connection
CANCEL_INTERVAL = (
    10.0  # seconds after which a queue that still runs is cancelled again: Python 3.11 can lose a cancellation
)
SOON_DELAY = 2 * OUTAGE_PAUSE  # a month that is due within it counts as waiting
FLUSH_INTERVAL = 1.0  # seconds between tries to write outcomes that the database could not take
UNENDED_RETRY_DELAY = 5  # seconds after which the job of an attempt that has not ended runs again


async def _do_nothing() -> None:
    """A lost server is not brought back."""


class _OneLineHandler(logging.Handler):
    """Logs the queue's own errors in one line: what matters about a job is in the row of its attempt."""

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        cause = None if error is None else origin(error)
        log.warning(
            "queue in trouble",
            what=record.getMessage().partition("\n")[0],
            cause=type(cause).__name__,
            reason=cause and reason_of(cause),
        )


_procrastinate = logging.getLogger("procrastinate")
_procrastinate.setLevel(logging.ERROR)
_procrastinate.propagate = False
_procrastinate.addHandler(_OneLineHandler())


@dataclass(frozen=True, slots=True)
class Periodic:
    """A task that one of the workers runs at the times of `cron`, whose sixth field is seconds."""

    name: str
    cron: str
    act: Callable[[], Awaitable[object]]
    queue: str = UPKEEP
    priority: int = 0


class _NotEnded(Exception):
    """An attempt could not begin, or how it ended could not be written: its job must stay."""


class JobQueue:
    """The queue of one process. It enqueues by task name, so that the API needs none of the tasks.

    A worker has `connections` for its queues alone: heartbeats must not wait for a month to return one.
    """

    def __init__(self, database: Database, connections: int = QUEUE_CONNECTIONS) -> None:
        self._database, self._connections = database, connections
        self._app = procrastinate.App(connector=procrastinate.PsycopgConnector())

    async def open(self) -> None:
        """Use the pool of the process, which must be open."""
        await self._app.open_async(self._database.pool)

    async def aclose(self) -> None:
        await self._app.close_async()

    async def add_attempts(self, connection: Connection, claims: Sequence[Claim]) -> list[int]:
        deferrer = self._app.configure_task("attempt", queue=MONTHS, connection=connection)
        arguments: list[JSONDict] = [{"token": str(claim.token)} for claim in claims]
        with _enqueued():
            return await deferrer.batch_defer_async(*arguments)

    async def add_wake(self, connection: Connection, month: Month, at: datetime) -> None:
        deferrer = self._app.configure_task("wake", queue=UPKEEP, schedule_at=at, connection=connection)
        with _enqueued():
            await deferrer.defer_async(year=month.year, month=month.month)

    async def work(
        self,
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
        async with Database(
            self._database.url, size=self._connections, patience=QUEUE_CONNECTION_TIMEOUT, lazy=True
        ) as own:
            apps = {queue: _app(backfill, periodic, name, ticks=queue == UPKEEP) for queue in at_once}
            parts = [_run(own, apps[queue], queue, n, name) for queue, n in at_once.items()]
            runners = [asyncio.create_task(part) for part in (*parts, _flush(backfill.runner))]
            try:
                first, _ = await asyncio.wait(runners, return_when=asyncio.FIRST_COMPLETED)
                log.warning("the queue has stopped", reason="; ".join(filter(None, map(_reason, first))) or None)
                await reconnect()  # meanwhile the others end: what they have to write waits for the database
            finally:
                while going := [runner for runner in runners if not runner.done()]:
                    for runner in going:
                        runner.cancel()
                    await asyncio.wait(going, timeout=CANCEL_INTERVAL)
                ended = await asyncio.gather(*runners, return_exceptions=True)
        for error in ended:
            if isinstance(error, Exception) and not isinstance(error, DatabaseFailed | NotMigrated):
                raise error

    async def waiting(self) -> int:
        """Return the number of months that are claimed, due, or due soon, as after an outage of the database."""
        async with self._database.transaction() as connection:
            return await months.waiting(connection, SOON_DELAY.total_seconds())


def _reason(ended: asyncio.Task[None]) -> str:
    error = None if ended.cancelled() else ended.exception()
    return "" if error is None else str(error) or type(error).__name__


async def _run(own: Database, app: procrastinate.App, queue: str, concurrency: int, name: str) -> None:
    with _reachable():
        await app.open_async(own.pool)
        try:
            worker = QueueWorker(
                app,
                queues=[queue],
                name=f"{name}/{queue}",
                concurrency=concurrency,
                fetch_job_polling_interval=POLL_INTERVAL,
                shutdown_graceful_timeout=0.0,
                install_signal_handlers=False,
                update_heartbeat_interval=HEARTBEAT_INTERVAL,
                delete_jobs="always",
            )
            await worker.run()  # type: ignore[no-untyped-call] # procrastinate leaves it out
        except ConnectorException as wrapped:
            if not isinstance(origin(wrapped), ForeignKeyViolation):
                raise
            log.warning("taken for dead by another worker", queue=queue)


async def _flush(runner: Runner) -> None:
    while True:
        await runner.flush_pending_outcomes()
        await asyncio.sleep(FLUSH_INTERVAL)


@contextlib.contextmanager
def _reachable() -> Iterator[None]:
    """Translate what PostgreSQL refuses inside, as `unavailable` does, also where procrastinate has wrapped it."""
    with unavailable():
        try:
            yield
        except ConnectorException as wrapped:
            raise translate(origin(wrapped)) from wrapped


@contextlib.contextmanager
def _enqueued() -> Iterator[None]:
    """As `_reachable`. The data of a job are ours, so whatever refuses it speaks against no month: try again later."""
    try:
        with _reachable():
            yield
    except (DatabaseUnavailable, DatabaseBusy, NotMigrated):
        raise
    except DatabaseFailed as refused:
        raise DatabaseBusy(f"the job could not be enqueued: {refused.message}", hint=refused.hint) from refused


def _app(backfill: Backfill, periodic: Sequence[Periodic], worker: str, *, ticks: bool) -> procrastinate.App:
    """Return the tasks of a worker. Each queue has an app of its own; the one that `ticks` enqueues the periodic tasks.

    Only one does: at every tick each app asks the database whether another was first.
    """
    app = procrastinate.App(connector=procrastinate.PsycopgConnector())

    @app.task(name="attempt", queue=MONTHS, retry=RetryStrategy(wait=UNENDED_RETRY_DELAY, retry_exceptions=[_NotEnded]))
    async def attempt(token: str) -> None:
        try:
            ended = await backfill.runner.process(UUID(token), worker)
        except asyncio.CancelledError:
            if not backfill.runner.keeps_outcome(UUID(token)):
                raise
            ended = False
        if not ended:
            raise _NotEnded

    @app.task(name="wake", queue=UPKEEP)
    async def wake(year: int, month: int) -> None:
        await backfill.rescuer.wake(Month(year, month))

    for each in periodic:
        _register(app, each, ticks=ticks)
    return app


def _register(app: procrastinate.App, task: Periodic, *, ticks: bool) -> None:
    # The lock keeps late runs of a task from piling up.
    @app.task(name=task.name, queue=task.queue, queueing_lock=task.name, priority=task.priority)
    async def act(timestamp: int) -> None:  # noqa: ARG001 # procrastinate passes the tick
        await task.act()

    if ticks:
        app.periodic(cron=task.cron)(act)
