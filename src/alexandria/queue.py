"""The job queue in the same PostgreSQL: which jobs exist, and how does a worker run them and rescue what was lost?"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import procrastinate
from procrastinate.exceptions import ConnectorException
from procrastinate.types import JSONDict

from alexandria.backfill import Backfill
from alexandria.month import Month
from alexandria.store.database import Connection, Database, unavailable
from alexandria.store.months import Claim

# The queues: long work, short work that must not wait behind it, and what can wait for both.
MONTHS, UPKEEP, ENRICHMENT = "months", "upkeep", "enrichment"
HEARTBEAT = 2.0  # seconds between a worker's signs of life
POLL = 1.0  # seconds after which due jobs are seen at the latest
UPKEEP_AT_ONCE = 2
INSIST = 10.0  # seconds after which a queue that goes on is told to stop again: Python 3.11 can lose a cancellation

logging.getLogger("procrastinate").setLevel(logging.ERROR)  # what matters of a job is in its attempt's row


@dataclass(frozen=True, slots=True)
class Periodic:
    """What one of the workers does whenever `cron` says so; the sixth field is seconds."""

    name: str
    cron: str
    act: Callable[[], Awaitable[None]]


class Jobs:
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

    async def work(self, backfill: Backfill, *, concurrency: int, name: str, periodic: Sequence[Periodic] = ()) -> None:
        """Run jobs until cancelled; months in work are then snoozed. Ends, or raises DatabaseUnavailable, if the server
        is lost: then the caller starts anew.
        """
        at_once = {MONTHS: concurrency, UPKEEP: UPKEEP_AT_ONCE, ENRICHMENT: 1}
        runners = [asyncio.create_task(self._run(backfill, periodic, queue, n, name)) for queue, n in at_once.items()]
        try:
            await asyncio.wait(runners, return_when=asyncio.FIRST_COMPLETED)
        finally:
            while going := [runner for runner in runners if not runner.done()]:
                for runner in going:
                    runner.cancel()
                await asyncio.wait(going, timeout=INSIST)
            ended = await asyncio.gather(*runners, return_exceptions=True)
        for error in ended:
            if isinstance(error, Exception):
                raise error

    async def _run(
        self, backfill: Backfill, periodic: Sequence[Periodic], queue: str, concurrency: int, name: str
    ) -> None:
        """Each queue has an app of its own: procrastinate's periodic tasks cannot be shared between two workers."""
        app = procrastinate.App(connector=procrastinate.PsycopgConnector())
        _register(app, backfill, name)
        for each in periodic:
            _register_periodic(app, each)
        with _reachable():
            await app.open_async(self._database.pool)
            await app.run_worker_async(
                queues=[queue],
                name=f"{name}/{queue}",
                concurrency=concurrency,
                fetch_job_polling_interval=POLL,
                shutdown_graceful_timeout=0.0,
                install_signal_handlers=False,
                update_heartbeat_interval=HEARTBEAT,
                delete_jobs="successful",
            )

    async def waiting(self) -> int:
        """Jobs for months that are due or running."""
        jobs: list[dict[str, Any]] = list(await self._app.job_manager.list_queues_async(queue=MONTHS))
        return sum(int(queue["todo"]) + int(queue["doing"]) for queue in jobs)


@contextlib.contextmanager
def _reachable() -> Iterator[None]:
    """Loss of the server inside becomes DatabaseUnavailable, also where procrastinate has wrapped it."""
    with unavailable():
        try:
            yield
        except ConnectorException as wrapped:
            raise wrapped.__cause__ or wrapped from wrapped


def _register(app: procrastinate.App, backfill: Backfill, worker: str) -> None:
    @app.task(name="attempt", queue=MONTHS)
    async def attempt(token: str) -> None:
        await backfill.process(UUID(token), worker)

    @app.task(name="wake", queue=UPKEEP)
    async def wake(year: int, month: int) -> None:
        await backfill.wake(Month(year, month))

    @app.periodic(cron="* * * * * */2")  # the sixth field is seconds
    @app.task(name="rescue", queue=UPKEEP)
    async def rescue(timestamp: int) -> None:  # noqa: ARG001 # procrastinate passes the tick
        await backfill.rescue()

    @app.periodic(cron="* * * * *")
    @app.task(name="look_again", queue=UPKEEP)
    async def look_again(timestamp: int) -> None:  # noqa: ARG001 # as above
        await backfill.look_again()

    @app.periodic(cron="* * * * *")
    @app.task(name="enrich", queue=ENRICHMENT, queueing_lock="enrich")
    async def enrich(timestamp: int) -> None:  # noqa: ARG001 # as above
        await backfill.enrich()


def _register_periodic(app: procrastinate.App, what: Periodic) -> None:
    @app.periodic(cron=what.cron)
    @app.task(name=what.name, queue=UPKEEP, queueing_lock=what.name)
    async def act(timestamp: int) -> None:  # noqa: ARG001 # procrastinate passes the tick
        await what.act()
