"""Every class of SQLSTATE at every place that enqueues a job: nothing hangs, nothing is charged, and it goes on afterwards."""

import asyncio
import contextlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
import structlog
from psycopg.rows import dict_row

from alexandria.backfill import worker
from alexandria.backfill.composition import Backfill, compose
from alexandria.backfill.control import Control, RetrySelection
from alexandria.backfill.periodic import Periodic
from alexandria.backfill.queue import JobQueue
from alexandria.backfill.repositories import months, pauses
from alexandria.backfill.repositories.months import Claim
from alexandria.backfill.rescuer import RESCUE
from alexandria.backfill.retry_policy import Snooze
from alexandria.backfill.scheduler import Selection
from alexandria.core import errors
from alexandria.core.month import Month
from alexandria.database.pool import Database
from alexandria.providers.base import SuggestResult

NOVEMBER = Month(2023, 11)
# One of each class, and of class 53 each code.
STATES = [
    "02000",
    "03000",
    "08006",
    "09000",
    "0A000",
    "0B000",
    "0F001",
    "0L000",
    "0P000",
    "0Z002",
    "20000",
    "21000",
    "22001",
    "22P05",
    "23502",
    "23503",
    "23505",
    "23514",
    "24000",
    "25000",
    "25006",
    "25P02",
    "26000",
    "27000",
    "28000",
    "28P01",
    "2B000",
    "2D000",
    "2F003",
    "34000",
    "38000",
    "39000",
    "3B001",
    "3D000",
    "3F000",
    "40001",
    "40P01",
    "42501",
    "42601",
    "42703",
    "42P01",
    "44000",
    "53000",
    "53100",
    "53200",
    "53300",
    "53400",
    "54000",
    "55000",
    "55006",
    "55P03",
    "57000",
    "57014",
    "57P01",
    "57P03",
    "58000",
    "58030",
    "72000",
    "F0000",
    "HV000",
    "P0000",
    "P0001",
    "XX000",
    "XX001",
]
# What a running queue meets: of each of our own classes of error at least one.
MET = ("40001", "53100", "55P03", "22001", "23514", "42501", "42P01", "57P01", "58030", "XX000")
REFUSE = (Path(__file__).parents[1] / "refused_jobs.sql").read_text(encoding="utf-8")


class Silent:
    """A generator that names no book: a failed attempt."""

    name = label = "gemini"

    async def suggest(self, month: Month, variant: str, count: int) -> SuggestResult:  # as generators do
        return SuggestResult(())


class Field:
    """A backfill on a database that refuses jobs on request."""

    def __init__(
        self, database: Database, backfill: Backfill, jobs: JobQueue, own: psycopg.AsyncConnection[dict[str, Any]]
    ) -> None:
        self.database, self.backfill, self.jobs, self._own = database, backfill, jobs, own
        self.control = Control(database, jobs)

    async def sql(self, statement, *parameters):
        """On a connection of the test: a transaction of the pool asks the server four times as much, thousands of times."""
        cursor = await self._own.execute(statement, parameters or None)
        return await cursor.fetchall() if cursor.description else []

    async def refuse(self, state):
        await self.sql("UPDATE refused SET code = %s", state)

    async def refusals(self):
        [row] = await self.sql("SELECT CASE WHEN is_called THEN last_value ELSE 0 END AS count FROM refusals")
        return row["count"]

    async def month(self):
        [row] = await self.sql("SELECT * FROM backfill_log WHERE (year, month) = (2023, 11)")
        return row

    async def claimed(self):
        """Claims November again, whatever its state; returns the attempt."""
        await self.sql("DELETE FROM procrastinate_jobs")
        await self.sql("UPDATE backfill_log SET status = 'pending', retry_count = 0 WHERE status <> 'pending'")
        async with self.database.transaction() as connection:
            await self.backfill.scheduler.claim(connection, [NOVEMBER])
        return Claim(NOVEMBER, (await self.month())["attempt_token"])

    async def lose(self, state):
        """November is claimed again, its job is gone, and from that instant no other is taken."""
        await self.sql("UPDATE backfill_log SET status = 'pending', retry_count = 0 WHERE status <> 'pending'")
        async with self.database.transaction() as connection:
            await self.backfill.scheduler.claim(connection, [NOVEMBER])
            await connection.execute("DELETE FROM procrastinate_jobs")
            await connection.execute("UPDATE refused SET code = %s", [state])

    async def waiting(self, code="quota_spent", due=timedelta(minutes=-1)):
        """November waits, with no job to wake it."""
        claim = await self.claimed()
        async with self.database.transaction() as connection:
            wait = Snooze(datetime.now(UTC) + due, "isbndb: spent", code)
            await months.snooze(connection, claim.token, wait)
        await self.sql("DELETE FROM procrastinate_jobs")


@contextlib.asynccontextmanager
async def opened(url, *generators):
    own = await psycopg.AsyncConnection.connect(url, autocommit=True, row_factory=dict_row)
    async with own, Database(url) as database:
        jobs = JobQueue(database)
        await jobs.open()
        backfill = compose(database, jobs, generators)
        backfill = replace(backfill, runner=replace(backfill.runner, outcome_timeout=0.0))
        field = Field(database, backfill, jobs, own)
        async with database.transaction() as connection:
            await months.seed(connection, 2023, 2023)
            await connection.execute(REFUSE)
            await connection.execute("ALTER TABLE refused ALTER code DROP NOT NULL; INSERT INTO refused VALUES (NULL)")
        try:
            yield field
        finally:
            await jobs.aclose()


async def schedule(field):
    await field.backfill.scheduler.schedule(Selection(batch_size=1), "ann")


async def retry(field):
    await field.control.retry(RetrySelection((NOVEMBER,)), "ann")


async def pause(field):
    await field.control.pause(datetime.now(UTC) + timedelta(minutes=5), "lunch", "ann")


async def resume(field):
    await field.control.resume("ann")


async def wake(field):
    await field.backfill.rescuer.wake(NOVEMBER)


BY_PEOPLE = {
    schedule: lambda field: field.sql("UPDATE backfill_log SET status = 'pending'"),
    retry: lambda field: field.waiting(due=timedelta(hours=1)),
    pause: lambda field: field.waiting("paused", timedelta(hours=1)),
    resume: lambda field: field.waiting("paused", timedelta(hours=1)),
    wake: lambda field: field.waiting(),
}


@pytest.mark.long
async def test_an_act_whose_job_is_refused_does_nothing_and_reports_the_reason(database_url, cases):
    """With the server's own reason, as an error of ours: an outage, something to try again, or a schema that is too old."""
    async with opened(database_url) as field:
        with cases() as case:
            for act, prepare in BY_PEOPLE.items():
                for state in STATES:
                    with case(act.__name__, state):
                        await field.refuse(None)
                        await prepare(field)
                        before = await field.month()
                        await field.refuse(state)
                        with pytest.raises(errors.AlexandriaError, match=r"no job today|UniqueViolation") as refused:
                            await asyncio.wait_for(act(field), 10)
                        kinds = errors.DatabaseUnavailable | errors.DatabaseBusy | errors.NotMigrated
                        assert isinstance(refused.value, kinds)
                        state_of = getattr(errors.origin(refused.value), "sqlstate", None)
                        assert state in {state_of, "23505"}  # procrastinate keeps that one to itself
                        assert await field.month() == before


async def test_an_attempt_whose_wakeup_is_refused_keeps_its_outcome(database_url, cases):
    """A month that failed once: it stays claimed by its attempt, and what follows is written when jobs are taken again."""
    async with opened(database_url, Silent()) as field:
        with cases() as case:
            for state in STATES:
                with case(state):
                    await field.refuse(None)
                    claim = await field.claimed()
                    await field.refuse(state)
                    assert not await asyncio.wait_for(field.backfill.runner.process(claim.token, "test"), 20)
                    row = await field.month()
                    assert (row["status"], row["attempt_token"], row["retry_count"]) == ("processing", claim.token, 0)
                    await field.refuse(None)
                    assert await field.backfill.runner.process(claim.token, "test"), "its job runs again"
                    row = await field.month()
                    assert (row["status"], row["retry_count"], row["error_code"]) == ("retry", 1, "no_books")
                    assert not field.backfill.runner.keeps_outcome(claim.token)


async def test_a_month_that_must_wait_for_a_pause_loses_nothing_if_that_is_refused(database_url, cases):
    """The attempt begins in a pause, and the job that would end the wait is refused."""
    async with opened(database_url, Silent()) as field:
        with cases() as case:
            for state in STATES:
                with case(state):
                    await field.refuse(None)
                    claim = await field.claimed()
                    async with field.database.transaction() as connection:
                        await pauses.pause(connection, None, "ann", "lunch")
                    await field.refuse(state)
                    await asyncio.wait_for(field.backfill.runner.process(claim.token, "test"), 20)
                    assert (await field.month())["status"] == "processing"
                    await field.refuse(None)
                    await field.backfill.runner.flush_pending_outcomes()
                    await field.backfill.runner.process(claim.token, "test")
                    row = await field.month()
                    assert (row["status"], row["retry_count"]) == ("retry", 0)


async def test_a_refused_rescue_charges_nothing_and_is_repeated(database_url, cases):
    async with opened(database_url) as field:
        with cases() as case:
            for state in STATES:
                with case(state):
                    await field.refuse(None)
                    claim = await field.claimed()
                    await field.sql("DELETE FROM procrastinate_jobs")
                    await field.sql("DELETE FROM periodic_run")
                    await field.refuse(state)
                    with contextlib.suppress(errors.DatabaseUnavailable):
                        assert await asyncio.wait_for(field.backfill.rescuer.rescue(), 10) == 0
                    assert (await field.month())["attempt_token"] == claim.token
                    assert await field.sql("SELECT * FROM periodic_run") == [], "it has not done all that it had to do"
                    await field.refuse(None)
                    assert await field.backfill.rescuer.rescue() == 1
                    assert len(await field.sql("SELECT * FROM periodic_run")) == 1


async def until(true, what, seconds=30.0):
    end = asyncio.get_running_loop().time() + seconds
    while not await true():
        assert asyncio.get_running_loop().time() < end, f"waited in vain: {what}"
        await asyncio.sleep(0.05)


@pytest.mark.timeout(1200)
async def test_a_worker_outlives_every_refusal_and_obeys(database_url):
    """Its event loop runs on all the time, it takes up the lost month when jobs are taken again, and stops when it must."""
    stop, longest = asyncio.Event(), 0.0

    async def pulse():
        nonlocal longest
        while True:
            before = asyncio.get_running_loop().time()
            await asyncio.sleep(0.05)
            longest = max(longest, asyncio.get_running_loop().time() - before)

    async with opened(database_url, Silent()) as field:
        periodic = [Periodic(RESCUE, field.backfill.rescuer.rescue)]
        beating = asyncio.create_task(pulse())
        with structlog.testing.capture_logs() as logged:
            working = asyncio.create_task(
                worker.work(
                    field.jobs,
                    field.backfill,
                    stop,
                    concurrency=2,
                    periodic=periodic,
                    reconnect=field.database.ping,
                )
            )
            for state in MET:
                before = await field.refusals()
                await field.lose(state)

                async def met(before=before):
                    return await field.refusals() >= before + 2

                await until(met, f"{state} at a job")
                assert not working.done(), state
                await field.refuse(None)

                async def ended():
                    return (await field.month())["status"] == "retry"

                await until(ended, f"the month goes on after {state}")
                row = await field.month()
                assert row["retry_count"] <= 2, "a lost job and a month without books, and nothing else"
            stop.set()
            await asyncio.wait_for(working, 10)
        beating.cancel()
    assert longest < 5
    assert "month not rescued" in {entry["event"] for entry in logged}
    assert not [entry for entry in logged if entry["event"] == "unexpected"]
