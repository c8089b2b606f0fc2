"""How many round trips to PostgreSQL a month costs that has nothing to ask; benchmarks/overhead.py measures its time."""

import importlib
from pathlib import Path

import psycopg

from alexandria.backfill.repositories import months

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
YEARS = 2023, 2024


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
        await connection.execute(overhead.RESET)
        round_trips = await overhead.completed(connection, backfill)
    assert books.looked_up == 24, "the second time the catalogue recognises them"
    assert round_trips / 24 < 32, "with a few for heartbeats"
