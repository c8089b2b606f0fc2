"""Months whose worker was lost go on, and wake-ups that were lost are made again."""

from datetime import UTC, datetime, timedelta

import pytest

from alexandria.backfill.repositories import months, pauses
from alexandria.backfill.status import Status
from alexandria.core.month import Month
from tests.support.scripted_backfill import NOVEMBER, PROPHET, Scripted, Shelf, backfill, claim, query, row_of, wakes

JOB_GONE = "DELETE FROM procrastinate_jobs WHERE task_name = 'attempt'"
SILENT = """WITH worker AS (INSERT INTO procrastinate_workers (last_heartbeat)
            VALUES (least(now(), pg_postmaster_start_time()) - interval '1 minute') RETURNING id)
            UPDATE procrastinate_jobs SET status = 'doing', worker_id = worker.id FROM worker WHERE task_name = 'attempt'"""


@pytest.mark.parametrize(("loss", "counts"), [(JOB_GONE, 1), (SILENT, 0)], ids=["job gone", "silent since an outage"])
async def test_a_month_whose_worker_died_is_taken_over(database_url, loss, counts):
    """The month goes on at once; it counts as a failed attempt unless the database itself was away meanwhile."""
    async with backfill(database_url, [Scripted("gemini", [[PROPHET]])], [Shelf()]) as system:
        await claim(system)
        async with system.scheduler.database.transaction() as connection:
            await connection.execute(loss)
        assert await system.rescuer.rescue() == 12
        row = await row_of(system)
        assert (row["status"], row["retry_count"]) == ("processing", counts)
        async with system.scheduler.database.transaction() as connection:
            gone, living = await months.attempts(connection, NOVEMBER)
        assert gone["outcome"] == "lost"
        assert gone["reason"].startswith("its worker was lost" if counts else "the database was away")
        assert (living["token"], living["outcome"]) == (row["attempt_token"], None)
        assert await system.rescuer.rescue() == 0


async def test_a_month_that_is_lost_in_a_pause_waits_for_its_end(database_url):
    """No attempt is made for it; a job will wake it then."""
    async with backfill(database_url, [Scripted("gemini", [[PROPHET]])], [Shelf()]) as system:
        await claim(system)
        until = datetime.now(UTC) + timedelta(hours=1)
        async with system.scheduler.database.transaction() as connection:
            await pauses.pause(connection, until, "ann", "lunch")
            await connection.execute(JOB_GONE)
        await system.rescuer.rescue()
        row = await row_of(system)
        assert (row["status"], row["retry_count"], row["next_attempt_at"]) == ("retry", 1, until)
        assert row["blocked_reason"].startswith("paused by ann")
        async with system.scheduler.database.transaction() as connection:
            wakes = "SELECT scheduled_at FROM procrastinate_jobs WHERE task_name = 'wake'"
            assert {wake["scheduled_at"] for wake in await (await connection.execute(wakes)).fetchall()} == {until}


async def test_a_month_that_was_lost_for_the_fifth_time_has_failed(database_url):
    """No other attempt is made, and none waits."""
    async with backfill(database_url, [Scripted("gemini", [[PROPHET]])], [Shelf()]) as system:
        await claim(system)
        await query(system, "UPDATE backfill_log SET retry_count = 4 WHERE month = 11")
        await query(system, JOB_GONE)
        assert await system.rescuer.rescue() == 12
        row = await row_of(system)
        assert (row["status"], row["retry_count"], row["error_code"]) == ("failed", 5, "worker_lost")
        assert row["error_message"] == "its worker was lost (attempt 5 of 5)"
        assert [a["outcome"] for a in await query(system, "SELECT outcome FROM attempt WHERE month = 11")] == ["lost"]
        assert await wakes(system) == []


async def test_a_rescue_that_loses_its_race_takes_nothing(database_url):
    """Another rescue holds one lost month, and another month was reset after the look: neither is touched or counted."""
    october = Month(2023, 10)
    async with backfill(database_url, [Scripted("gemini", [[PROPHET]])], [Shelf()]) as system:
        attempt = await claim(system)
        reset = (await row_of(system, october))["attempt_token"]
        await query(system, JOB_GONE)
        await query(system, "UPDATE backfill_log SET status = 'pending' WHERE month = 10")
        async with system.scheduler.database.transaction() as other:
            assert await months.try_lock(other, attempt.token)
            assert not await system.rescuer._take_over(attempt.token, outage=False)
            assert not await system.rescuer._take_over(reset, outage=False)
            assert await system.rescuer.rescue() == 10
        assert (await row_of(system))["attempt_token"] == attempt.token
        assert (await row_of(system, october))["status"] == "pending"
        outcomes = await query(system, "SELECT outcome FROM attempt WHERE month IN (10, 11) ORDER BY month")
        assert [each["outcome"] for each in outcomes] == ["superseded", None]
        assert await system.rescuer.rescue() == 1


async def test_a_rescue_wakes_an_overdue_month_and_forgets_the_jobs_of_the_dead(database_url):
    async with backfill(database_url, [Scripted("gemini", [[]])], [Shelf()]) as system:
        attempt = await claim(system)
        await system.runner.process(attempt.token, "test")
        await query(system, "DELETE FROM procrastinate_jobs WHERE task_name = 'wake'")
        await query(system, "UPDATE backfill_log SET next_attempt_at = now() - interval '1 minute' WHERE month = 11")
        assert await system.rescuer.rescue() == 1
        row = await row_of(system)
        assert (row["status"], row["retry_count"]) == ("processing", 1)
        assert await system.rescuer.rescue() == 0
        await query(system, SILENT)
        assert await system.rescuer.rescue() == 12
        assert await query(system, "SELECT id FROM procrastinate_jobs WHERE status = 'doing'") == []


async def test_a_month_that_is_not_due_is_not_woken(database_url):
    """However the job that would wake it came to be, in a pause too."""
    async with backfill(database_url, [Scripted("gemini", [[PROPHET]])], [Shelf()]) as system:
        await query(system, "INSERT INTO backfill_log (year, month) VALUES (2023, 11)")
        for pause in (False, True):
            if pause:
                async with system.scheduler.database.transaction() as connection:
                    await pauses.pause(connection, None, "ann", "lunch")
            for status in Status:
                await query(
                    system, "UPDATE backfill_log SET status = %s, next_attempt_at = now() + interval '1 hour'", status
                )
                before = await row_of(system)
                await system.rescuer.wake(NOVEMBER)
                assert await row_of(system) == before
        assert await query(system, "SELECT id FROM procrastinate_jobs") == []
