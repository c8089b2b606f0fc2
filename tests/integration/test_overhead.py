"""What a month costs that has nothing to ask, in round trips and rows read; benchmarks/overhead.py measures its time."""

import importlib
import time
from pathlib import Path

import psycopg

from alexandria.backfill.composition import compose
from alexandria.backfill.queue import MONTHS, JobQueue
from alexandria.backfill.queue_worker import HEARTBEAT_INTERVAL
from alexandria.backfill.repositories import months
from alexandria.backfill.resolve import recognise_all
from alexandria.backfill.scheduler import Selection
from alexandria.core.month import FIRST_YEAR, LAST_YEAR, Month
from alexandria.database.pool import Database

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
YEARS = 2023, 2024
BEAT_TRIPS = 6  # round trips of a heartbeat, and of the look for a job that it may cause


async def test_a_month_with_one_known_book_costs_few_round_trips(database_url, monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARKS)
    overhead = importlib.import_module("overhead")
    books = overhead.Books()
    async with (
        overhead.working(database_url, books, 4) as backfill,
        await psycopg.AsyncConnection.connect(database_url, autocommit=True) as connection,
    ):
        async with backfill.scheduler.database.transaction() as seeding:
            await months.seed(seeding, *YEARS)
        await overhead.completed(connection, backfill)
        known = [overhead.book(Month(YEARS[0], number))[0] for number in range(1, 13)]
        for candidates in (known[:1], known):
            trips = overhead.RoundTrips()
            with trips.counting():
                recognised = await recognise_all(candidates, backfill.scheduler.database)
            assert all(resolution for resolution, _ in recognised)
            assert trips.count == 2, f"for {len(candidates)} books"
        await connection.execute(overhead.RESET)
        began = time.monotonic()
        round_trips = await overhead.completed(connection, backfill)
        beats = (time.monotonic() - began) / HEARTBEAT_INTERVAL
    assert books.looked_up == 24, "the second time the catalogue recognises them"
    assert (round_trips - BEAT_TRIPS * beats) / 24 < 16


READ = "SELECT seq_tup_read + idx_tup_fetch FROM pg_stat_xact_user_tables WHERE relname = 'procrastinate_jobs'"


async def test_a_job_is_taken_without_reading_a_queue_that_has_just_grown(database_url):
    async with (
        Database(database_url) as database,
        await psycopg.AsyncConnection.connect(database_url, autocommit=True) as connection,
    ):
        await connection.execute("VACUUM ANALYZE procrastinate_jobs")
        queue = JobQueue(database)
        scheduler = compose(database, queue).scheduler
        async with database.transaction() as seeding:
            await months.seed(seeding, FIRST_YEAR, LAST_YEAR)
        scheduled = await scheduler.schedule(Selection(batch_size=300), "test")
        await queue.aclose()
        assert len(scheduled.jobs) == 300
        [(worker,)] = await (await connection.execute("SELECT procrastinate_register_worker_v1()")).fetchall()
        async with connection.transaction():
            taken = await connection.execute("SELECT id FROM procrastinate_fetch_job_v2(%s, %s)", ([MONTHS], worker))
            assert await taken.fetchall() == [(min(scheduled.jobs),)]
            [(read,)] = await (await connection.execute(READ)).fetchall()
    assert read < 10
