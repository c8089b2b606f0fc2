"""A database that cannot write what an attempt found or how it ended: nothing is lost, charged or paid for twice."""

import asyncio
from dataclasses import replace
from uuid import uuid4

import pytest
import structlog

from alexandria.backfill.record import record
from alexandria.backfill.repositories import months
from alexandria.core import errors
from alexandria.database.pool import Database
from alexandria.providers.response_cache import ResponseCache
from tests.support.scripted_backfill import NOVEMBER, PROPHET, Scripted, Shelf, backfill, claim, query, row_of

FULL = """CREATE FUNCTION full() RETURNS trigger LANGUAGE plpgsql AS
          $$ BEGIN RAISE EXCEPTION 'could not extend file' USING ERRCODE = '53100'; END $$"""


async def test_a_full_disk_is_a_wait_and_no_failure(database_url):
    """PostgreSQL refuses the books for want of room: the month waits, with the reason, and is completed once there is room."""
    async with backfill(database_url, [Scripted("gemini", [[PROPHET]])], [Shelf()]) as system:
        attempt = await claim(system)
        async with system.scheduler.database.transaction() as connection:
            await connection.execute(FULL)
            await connection.execute(
                "CREATE TRIGGER full_disk BEFORE INSERT ON work FOR EACH ROW EXECUTE FUNCTION full()"
            )
        await system.runner.process(attempt.token, "test")
        row = await row_of(system)
        assert (row["status"], row["retry_count"], row["error_message"]) == ("retry", 0, None)
        assert "the disk of PostgreSQL is full" in row["blocked_reason"]
        async with system.scheduler.database.transaction() as connection:
            await connection.execute("DROP TRIGGER full_disk ON work")
            await connection.execute("UPDATE backfill_log SET next_attempt_at = now() WHERE status = 'retry'")
        await system.rescuer.wake(NOVEMBER)
        await system.runner.process((await row_of(system))["attempt_token"], "test")
        assert (await row_of(system))["status"] == "completed"


async def test_an_answer_refused_by_a_full_disk_is_stored_later_and_not_paid_twice(database_url):
    """A paid answer that could not be stored is read back by the same process, and stored then."""
    async with Database(database_url) as database:
        async with database.transaction() as connection:
            await connection.execute(FULL)
            await connection.execute(
                "CREATE TRIGGER full_disk BEFORE INSERT ON answer FOR EACH ROW EXECUTE FUNCTION full()"
            )
        answers = ResponseCache(database)
        with pytest.raises(errors.DatabaseUnavailable):
            await answers.write("gemini", "key", {"prompt": 1}, {"books": [1]}, None)
        with pytest.raises(errors.DatabaseUnavailable):
            await answers.read("gemini", "key")
        async with database.transaction() as connection:
            await connection.execute("DROP TRIGGER full_disk ON answer")
        known = await answers.read("gemini", "key")
        assert known is not None
        assert known[0] == {"books": [1]}
        assert await ResponseCache(database).read("gemini", "key") == known


async def test_an_attempt_whose_end_could_not_be_written_ends_when_the_database_is_back(database_url):
    """The month is neither stuck under a worker that lives nor failed: what followed is written as soon as it can be."""
    down = errors.BadAnswer("gemini", "is not JSON")
    async with backfill(database_url, [Scripted("gemini", [down])], [Shelf()]) as patient:
        system = replace(patient, runner=replace(patient.runner, outcome_timeout=0.0))
        attempt = await claim(system)
        async with system.scheduler.database.transaction() as connection:
            await connection.execute(FULL)
            await connection.execute(
                "CREATE TRIGGER away BEFORE UPDATE OF outcome ON attempt FOR EACH ROW EXECUTE FUNCTION full()"
            )
        await system.runner.process(attempt.token, "test")
        await system.runner.flush_pending_outcomes()
        assert (await row_of(system))["attempt_token"] == attempt.token
        async with system.scheduler.database.transaction() as connection:
            await connection.execute("DROP TRIGGER away ON attempt")
        await system.runner.flush_pending_outcomes()
        row = await row_of(system)
        assert (row["status"], row["retry_count"]) == ("retry", 1)
        assert "is not JSON" in row["error_message"]
        assert system.runner._pending_outcomes == {}


AWAY_ONCE = """CREATE SEQUENCE ends;
               CREATE FUNCTION away() RETURNS trigger LANGUAGE plpgsql AS
               $$ BEGIN IF nextval('ends') = 1 THEN RAISE EXCEPTION 'away' USING ERRCODE = TG_ARGV[0]; END IF;
                        RETURN NEW; END $$"""
FULL_ONCE = "CREATE TRIGGER away BEFORE UPDATE OF outcome ON attempt FOR EACH ROW EXECUTE FUNCTION away('53100')"
OLD_ONCE = "CREATE TRIGGER away BEFORE UPDATE OF outcome ON attempt FOR EACH ROW EXECUTE FUNCTION away('42703')"
AWAY_FOR_GOOD = """CREATE SEQUENCE tries;
                   CREATE FUNCTION away() RETURNS trigger LANGUAGE plpgsql AS
                   $$ BEGIN PERFORM nextval('tries'); RAISE EXCEPTION 'away' USING ERRCODE = '53100'; END $$;
                   CREATE TRIGGER away BEFORE UPDATE OF outcome ON attempt FOR EACH ROW EXECUTE FUNCTION away()"""


async def test_an_outcome_is_kept_when_the_queue_stops_while_it_is_written(database_url):
    """The queue loses the database as well, and cancels what it runs; the process writes the outcome when it is back."""
    down = errors.BadAnswer("gemini", "is not JSON")
    async with backfill(database_url, [Scripted("gemini", [down])], [Shelf()]) as system:
        attempt = await claim(system)
        async with system.scheduler.database.transaction() as connection:
            await connection.execute(AWAY_FOR_GOOD)
        running = asyncio.create_task(system.runner.process(attempt.token, "test"))
        tried = False
        while not tried:
            async with system.scheduler.database.transaction() as connection:
                cursor = await connection.execute("SELECT is_called FROM tries")
                tried = bool((await cursor.fetchall())[0]["is_called"])
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        async with system.scheduler.database.transaction() as connection:
            await connection.execute("DROP TRIGGER away ON attempt")
        await system.runner.flush_pending_outcomes()
        row = await row_of(system)
        assert (row["status"], row["retry_count"]) == ("retry", 1)
        assert "is not JSON" in row["error_message"]


@pytest.mark.parametrize("once", [FULL_ONCE, OLD_ONCE], ids=["full disk", "old schema"])
async def test_an_attempts_end_waits_for_a_database_that_is_back_in_time(database_url, once):
    """It is written by the same worker, which has nothing left to write afterwards."""
    async with backfill(database_url, [Scripted("gemini", [[]])], [Shelf()]) as system:
        attempt = await claim(system)
        await query(system, AWAY_ONCE)
        await query(system, once)
        await system.runner.process(attempt.token, "test")
        assert (await row_of(system))["status"] == "retry"
        assert system.runner._pending_outcomes == {}


async def test_a_worker_stopped_while_its_month_is_committed_reports_it_as_completed(database_url, monkeypatch):
    """PostgreSQL has the month; the worker is stopped before it hears so, and does not report that it has lost it."""

    async def committed_unheard(*arguments, **options):
        await record(*arguments, **options)
        raise asyncio.CancelledError

    monkeypatch.setattr("alexandria.backfill.runner.record", committed_unheard)
    async with backfill(database_url, [Scripted("gemini", [[PROPHET]])], [Shelf()]) as system:
        attempt = await claim(system)
        with structlog.testing.capture_logs() as logged, pytest.raises(asyncio.CancelledError):
            await system.runner.process(attempt.token, "test")
        assert (await row_of(system))["status"] == "completed"
        assert [entry["event"] for entry in logged][-1] == "completed"
        with pytest.raises(errors.AttemptLost):
            async with system.scheduler.database.transaction() as connection:
                await months.lock(connection, uuid4())
