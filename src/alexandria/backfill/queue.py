"""The job queue in the same PostgreSQL: which jobs exist, and how does a worker run them and rescue what was lost?"""

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
from procrastinate.types import JSONDict
from psycopg.errors import ForeignKeyViolation

from alexandria.backfill.repositories import months
from alexandria.backfill.repositories.months import Claim
from alexandria.backfill.scheduler import Backfill
from alexandria.core.errors import DatabaseUnavailable
from alexandria.core.month import Month
from alexandria.database.pool import Connection, Database, unavailable

log = structlog.get_logger(__name__)

# The queues: long work, short work that must not wait behind it, and what can wait for both.
MONTHS, UPKEEP, ENRICHMENT = "months", "upkeep", "enrichment"
HEARTBEAT = 1.0  # seconds between a worker's signs of life
POLL = 1.0  # seconds after which due jobs are seen at the latest
UPKEEP_AT_ONCE = 2
# Connections for the queues alone, and seconds for one to come: signs of life must not wait until months spare one.
CONNECTIONS, PATIENCE = 6, 2.0
INSIST = 10.0  # seconds after which a queue that goes on is told to stop again: Python 3.11 can lose a cancellation
SETTLE = 1.0  # seconds between looks for what could not be written while the database was away


async def _hope() -> None:
    """Nobody brings a lost server back."""


class _Briefly(logging.Handler):
    """What matters of a job is in its attempt's row; of the queue's own trouble one line is enough."""

    def emit(self, record: logging.LogRecord) -> None:
        cause = record.exc_info[1] if record.exc_info else None
        while cause is not None and cause.__cause__ is not None:
            cause = cause.__cause__
        log.warning("queue in trouble", what=record.getMessage().partition("\n")[0], cause=type(cause).__name__)


_procrastinate = logging.getLogger("procrastinate")
_procrastinate.setLevel(logging.ERROR)
_procrastinate.propagate = False
_procrastinate.addHandler(_Briefly())


@dataclass(frozen=True, slots=True)
class Periodic:
    """What one of the workers does whenever `cron` says so; the sixth field is seconds."""

    name: str
    cron: str
    act: Callable[[], Awaitable[object]]


class JobQueue:
    """The queue of one process. Enqueues by task name, so that the API needs to know none of the tasks."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._app = procrastinate.App(connector=procrastinate.PsycopgConnector())

    async def open(self) -> None:
        """Use the process's pool; the pool must be open."""
        await self._app.open_async(self._database.pool)

    async def aclose(self) -> None:
        await self._app.close_async()

    async def add_attempts(self, connection: Connection, claims: Sequence[Claim]) -> list[int]:
        deferrer = self._app.configure_task("attempt", queue=MONTHS, connection=connection)
        arguments: list[JSONDict] = [{"token": str(claim.token)} for claim in claims]
        with _reachable():
            return await deferrer.batch_defer_async(*arguments)

    async def add_wake(self, connection: Connection, month: Month, at: datetime) -> None:
        deferrer = self._app.configure_task("wake", queue=UPKEEP, schedule_at=at, connection=connection)
        with _reachable():
            await deferrer.defer_async(year=month.year, month=month.month)

    async def work(
        self,
        backfill: Backfill,
        *,
        concurrency: int,
        name: str,
        periodic: Sequence[Periodic] = (),
        heal: Callable[[], Awaitable[None]] = _hope,
    ) -> None:
        """Run jobs until cancelled; months in work are then snoozed.

        Ends when the server was lost, and `heal` has brought it back, or when others took this worker for dead: then
        the caller starts anew.
        """
        at_once = {MONTHS: concurrency, UPKEEP: UPKEEP_AT_ONCE, ENRICHMENT: 1}
        async with Database(self._database.url, size=CONNECTIONS, patience=PATIENCE, lazy=True) as own:
            apps = {queue: _app(backfill, periodic, name, ticks=queue == UPKEEP) for queue in at_once}
            parts = [_run(own, apps[queue], queue, n, name) for queue, n in at_once.items()]
            runners = [asyncio.create_task(part) for part in (*parts, _settle(backfill))]
            try:
                await asyncio.wait(runners, return_when=asyncio.FIRST_COMPLETED)
                await heal()  # meanwhile the others end: what they have to write waits for the database
            finally:
                while going := [runner for runner in runners if not runner.done()]:
                    for runner in going:
                        runner.cancel()
                    await asyncio.wait(going, timeout=INSIST)
                ended = await asyncio.gather(*runners, return_exceptions=True)
        for error in ended:
            if isinstance(error, Exception) and not isinstance(error, DatabaseUnavailable):
                raise error

    async def waiting(self) -> int:
        """Months that are claimed or due."""
        async with self._database.transaction() as connection:
            found = await months.workers(connection, POLL)
        return int(found["due"] + found["processing"])


async def _run(own: Database, app: procrastinate.App, queue: str, concurrency: int, name: str) -> None:
    with _reachable():
        await app.open_async(own.pool)
        try:
            await app.run_worker_async(
                queues=[queue],
                name=f"{name}/{queue}",
                concurrency=concurrency,
                fetch_job_polling_interval=POLL,
                shutdown_graceful_timeout=0.0,
                install_signal_handlers=False,
                update_heartbeat_interval=HEARTBEAT,
                delete_jobs="always",
            )
        except ConnectorException as wrapped:
            if not isinstance(wrapped.__cause__, ForeignKeyViolation):
                raise
            log.warning("taken for dead by another worker", queue=queue)


async def _settle(backfill: Backfill) -> None:
    while True:
        await backfill.settle()
        await asyncio.sleep(SETTLE)


@contextlib.contextmanager
def _reachable() -> Iterator[None]:
    """Loss of the server inside becomes DatabaseUnavailable, also where procrastinate has wrapped it."""
    with unavailable():
        try:
            yield
        except ConnectorException as wrapped:
            raise wrapped.__cause__ or wrapped from wrapped


def _app(backfill: Backfill, periodic: Sequence[Periodic], worker: str, *, ticks: bool) -> procrastinate.App:
    """What workers do. Each queue has an app of its own; the one that `ticks` enqueues what is periodic.

    One of them does: at every tick each asks the database whether another was first.
    """
    app = procrastinate.App(connector=procrastinate.PsycopgConnector())

    @app.task(name="attempt", queue=MONTHS)
    async def attempt(token: str) -> None:
        await backfill.process(UUID(token), worker)

    @app.task(name="wake", queue=UPKEEP)
    async def wake(year: int, month: int) -> None:
        await backfill.wake(Month(year, month))

    rescue = Periodic("rescue", "* * * * * *", backfill.rescue)
    _register(app, rescue, ticks=ticks, priority=1)  # before the months that are due
    _register(app, Periodic("look_again", "* * * * *", backfill.look_again), ticks=ticks, queue=ENRICHMENT)
    _register(app, Periodic("enrich", "* * * * *", backfill.enrich), ticks=ticks, queue=ENRICHMENT)
    for each in periodic:
        _register(app, each, ticks=ticks)
    return app


def _register(app: procrastinate.App, what: Periodic, *, ticks: bool, queue: str = UPKEEP, priority: int = 0) -> None:
    # The lock: what is late does not pile up.
    @app.task(name=what.name, queue=queue, queueing_lock=what.name, priority=priority)
    async def act(timestamp: int) -> None:  # noqa: ARG001 # procrastinate passes the tick
        await what.act()

    if ticks:
        app.periodic(cron=what.cron)(act)
