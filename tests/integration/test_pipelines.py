"""What a pipeline leaves behind when its process freezes, its task is cancelled or a statement errs."""

import asyncio
import contextlib

import psycopg
import pytest

from alexandria.core import errors
from alexandria.database import pool
from alexandria.database.pool import Database

PATIENCE = "25s"  # of the session that wants the lock


async def freeze(database, url):
    """Lock a table in a pipeline and stand still until another session has it: nothing is awaited meanwhile."""
    async with database.pipelined() as connection:
        await connection.execute("LOCK TABLE backfill_log IN ACCESS EXCLUSIVE MODE")
        with psycopg.connect(url) as other:
            other.execute(f"SET lock_timeout = '{PATIENCE}'")
            other.execute("LOCK TABLE backfill_log IN ACCESS SHARE MODE")
        await connection.execute("SELECT 1")


async def insert_and_err(database):
    async with database.pipelined() as connection:
        await connection.execute("INSERT INTO backfill_log (year, month) VALUES (2023, 1)")
        await connection.execute("SELECT 1 / 0")


@pytest.mark.parametrize("bounding_version", [pool.BOUNDING_VERSION, 10**9], ids=["as it is", "an older server"])
async def test_the_locks_of_a_frozen_process_are_released(database_url, monkeypatch, bounding_version):
    monkeypatch.setattr(pool, "BOUNDING_VERSION", bounding_version)
    async with Database(database_url) as database:
        with pytest.raises(errors.DatabaseUnavailable):
            await freeze(database, database_url)
        async with database.pipelined() as connection:
            found = await connection.execute("SELECT 2 AS number")
        assert await found.fetchone() == {"number": 2}


async def freeze_reading(connected, url):
    """Read a table in a pipeline and stand still until another session has it alone."""
    async with connected() as connection, pool.pipeline(connection):
        await connection.execute("SELECT count(*) FROM backfill_log")
        with psycopg.connect(url) as other:
            other.execute(f"SET lock_timeout = '{PATIENCE}'")
            other.execute("LOCK TABLE backfill_log IN ACCESS EXCLUSIVE MODE")
        await connection.execute("SELECT 1")


@pytest.mark.parametrize("bounding_version", [pool.BOUNDING_VERSION, 10**9], ids=["as it is", "an older server"])
@pytest.mark.parametrize("connected", ["statements", "transaction"])
async def test_a_frozen_reader_stops_nobody_for_long(database_url, monkeypatch, connected, bounding_version):
    monkeypatch.setattr(pool, "BOUNDING_VERSION", bounding_version)
    async with Database(database_url) as database:
        with contextlib.suppress(errors.DatabaseUnavailable):  # nothing is held where each statement ends by itself
            await freeze_reading(getattr(database, connected), database_url)
        async with database.statements() as connection:
            found = await (await connection.execute("SELECT 2 AS number")).fetchone()
        assert found == {"number": 2}


async def test_what_was_done_before_an_error_in_a_pipeline_is_undone(database_url):
    async with Database(database_url) as database:
        with pytest.raises(errors.BadData):
            await insert_and_err(database)
        async with database.transaction() as connection:
            found = await (await connection.execute("SELECT count(*) AS count FROM backfill_log")).fetchone()
        assert found == {"count": 0}


async def repeat(database, patience=None):
    """Send one statement so often that the driver prepares it, and among them one that takes longer than the patience, in s."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(patience), database.statements() as connection, pool.pipeline(connection):
            for number in range(20):
                if patience and number == 3:
                    await connection.execute("SELECT pg_sleep(60)")
                found = await connection.execute("SELECT %s::integer AS number", [number])
        return (await found.fetchone())["number"]


async def test_a_cancelled_pipeline_leaves_no_statement_that_only_the_driver_knows(database_url):
    async with Database(database_url, size=1) as database:
        assert await repeat(database, patience=0.1) is None
        assert await repeat(database) == 19
