"""Holds the job queue in the same PostgreSQL: what is enqueued, and how a process enqueues it."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import structlog

from alexandria.backfill.repositories import months
from alexandria.backfill.repositories.months import Claim
from alexandria.backfill.retry_policy import OUTAGE_PAUSE
from alexandria.core.errors import DatabaseBusy, DatabaseFailed, DatabaseUnavailable, NotMigrated, origin
from alexandria.core.month import Month
from alexandria.database.capacity import QUEUE_CONNECTIONS
from alexandria.database.failures import reason_of, translate
from alexandria.database.pool import Connection, Database, unavailable

if TYPE_CHECKING:
    from procrastinate import App
    from procrastinate.types import JSONDict

log = structlog.get_logger(__name__)

# The queues: long work, short work that must not wait behind it, and what can wait for both, which only workers of earlier
# versions enqueue.
MONTHS, UPKEEP, ENRICHMENT = "months", "upkeep", "enrichment"
LARGE_BATCH = 20  # jobs; until PostgreSQL has counted them it plans for the queue that was, and reads all to take one
SOON_DELAY = 2 * OUTAGE_PAUSE  # a month that is due within it counts as waiting


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


class JobQueue:
    """The queue of one process. It enqueues by task name, so that the API needs none of the tasks.

    A worker has `connections` for its queues alone: heartbeats must not wait for a month to return one.
    """

    def __init__(self, database: Database, connections: int = QUEUE_CONNECTIONS) -> None:
        self.database, self.connections = database, connections
        self._app: App | None = None

    async def open(self) -> None:
        """Use the pool of the process, which must be open. Without this the first job does it, which takes longer."""
        await self._opened()

    async def aclose(self) -> None:
        if self._app is not None:
            await self._app.close_async()

    async def add_attempts(self, connection: Connection, claims: Sequence[Claim]) -> list[int]:
        app = await self._opened()
        deferrer = app.configure_task("attempt", queue=MONTHS, connection=connection)
        arguments: list[JSONDict] = [{"token": str(claim.token)} for claim in claims]
        with _enqueued():
            added = await deferrer.batch_defer_async(*arguments)
            if len(added) >= LARGE_BATCH:
                await connection.execute("ANALYZE (SKIP_LOCKED) procrastinate_jobs")
        return added

    async def add_wake(self, connection: Connection, month: Month, at: datetime) -> None:
        app = await self._opened()
        deferrer = app.configure_task("wake", queue=UPKEEP, schedule_at=at, connection=connection)
        with _enqueued():
            await deferrer.defer_async(year=month.year, month=month.month)

    async def waiting(self) -> int:
        """Return the number of months that are claimed, due, or due soon, as after an outage of the database."""
        async with self.database.transaction() as connection:
            return await months.waiting(connection, SOON_DELAY.total_seconds())

    async def _opened(self) -> App:
        if self._app is None:
            import procrastinate  # noqa: PLC0415 # most commands enqueue nothing

            app = procrastinate.App(connector=procrastinate.PsycopgConnector())
            await app.open_async(self.database.pool)
            self._app = app
        return self._app


@contextlib.contextmanager
def reachable() -> Iterator[None]:
    """Translate what PostgreSQL refuses inside, as `unavailable` does, also where procrastinate has wrapped it."""
    from procrastinate.exceptions import ConnectorException  # noqa: PLC0415 # a process that runs jobs has imported it

    with unavailable():
        try:
            yield
        except ConnectorException as wrapped:
            raise translate(origin(wrapped)) from wrapped


@contextlib.contextmanager
def _enqueued() -> Iterator[None]:
    """As `reachable`. The data of a job are ours, so whatever refuses it speaks against no month: try again later."""
    try:
        with reachable():
            yield
    except (DatabaseUnavailable, DatabaseBusy, NotMigrated):
        raise
    except DatabaseFailed as refused:
        raise DatabaseBusy(f"the job could not be enqueued: {refused.message}", hint=refused.hint) from refused
