"""How many round trips to PostgreSQL a month costs that has nothing to ask; benchmarks/overhead.py measures its time."""

import importlib
import time
from pathlib import Path

import psycopg

from alexandria.backfill.queue_worker import HEARTBEAT_INTERVAL
from alexandria.backfill.repositories import months
from alexandria.backfill.resolve import recognise_all
from alexandria.core.month import Month

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
