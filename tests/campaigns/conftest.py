"""Fixtures of campaigns of rollouts.

raw        a connection of its own, for psql and raw facts
campaign   runs the campaign of a seed on the test's database, and returns its record
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

from alexandria.backfill.queue import JobQueue
from alexandria.database.pool import Database
from tests.support.rollout_campaign import Campaign, Record


@pytest.fixture
def raw(database_url: str) -> Iterator[psycopg.Connection[dict[str, Any]]]:
    with psycopg.connect(database_url, autocommit=True, row_factory=dict_row) as connection:
        yield connection


@pytest.fixture
async def campaign(
    database_url: str, raw: psycopg.Connection[dict[str, Any]]
) -> AsyncIterator[Callable[[int], Awaitable[Record]]]:
    async with Database(database_url, size=4) as database:
        jobs = JobQueue(database)
        await jobs.open()

        async def run(seed: int) -> Record:
            return await Campaign(database, jobs, raw, seed).run()

        yield run
        await jobs.aclose()
