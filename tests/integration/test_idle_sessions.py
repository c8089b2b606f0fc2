"""A limiter that nobody needs gives its connection back to the server, and opens another when it is needed again."""

import asyncio
import contextlib

import psycopg
import pytest
from psycopg_pool import AsyncConnectionPool

from alexandria.database.pool import Database
from alexandria.providers.limits.concurrency import ConcurrencyLimiter
from tests.support.lanes import X, forget_lanes, lanes_on, provider, rows, send

COUNT = "SELECT count(*) FROM pg_stat_activity WHERE application_name ~ '^alexandria (lane|places) '"


@pytest.fixture
async def url(shared_database_url):
    await asyncio.to_thread(forget_lanes, shared_database_url)
    return shared_database_url


@pytest.fixture
def soon(monkeypatch):
    for module in ("rate", "concurrency"):
        monkeypatch.setattr(f"alexandria.providers.limits.{module}.SESSION_IDLE_SECONDS", 0.3)


async def sessions(url, wanted):
    async with asyncio.timeout(20):
        while await asyncio.to_thread(rows, url, COUNT) != [(wanted,)]:  # noqa: ASYNC110  # the database sends no event
            await asyncio.sleep(0.01)


@pytest.mark.usefixtures("soon")
async def test_an_idle_rate_limiter_closes_its_session_and_opens_one_when_asked(url):
    async with lanes_on(url, provider(rate=20)) as lanes:
        for _ in range(2):
            assert await send(lanes) == 1
            await sessions(url, 0)


@pytest.mark.usefixtures("soon")
async def test_a_request_at_the_instant_of_closing_is_served(url, monkeypatch):
    """It comes while the session is being closed: nobody else would serve it."""
    async with lanes_on(url, provider(rate=20)) as lanes:
        limiter = lanes._limiters[X]
        close = limiter._session.aclose
        late: list[asyncio.Task[int]] = []

        async def aclose():
            if limiter._session.is_open and not late:
                late.append(asyncio.create_task(send(lanes)))
                await asyncio.sleep(0.01)
            await close()

        monkeypatch.setattr(limiter._session, "aclose", aclose)
        assert await send(lanes) == 1
        await sessions(url, 0)
        async with asyncio.timeout(10):
            assert await late[0] == 1


@pytest.mark.usefixtures("soon")
async def test_a_concurrency_limiter_keeps_its_session_while_a_permit_is_held(url):
    """The permits are locks of the session."""
    async with lanes_on(url, provider(rate=20)):
        limiter = ConcurrencyLimiter(url, X, 2)
        async with contextlib.aclosing(limiter):
            for _ in range(2):
                async with limiter.permit():
                    await asyncio.sleep(1.0)
                    assert await asyncio.to_thread(rows, url, COUNT) == [(1,)]
                await sessions(url, 0)


async def test_a_pool_gives_back_what_a_burst_has_opened(url, monkeypatch):
    monkeypatch.setattr("alexandria.database.pool.MAX_IDLE_SECONDS", 0.2)
    async with Database(url, size=6) as database:

        async def one():
            async with database.transaction() as connection:
                await connection.execute("SELECT pg_sleep(0.3)")

        await asyncio.gather(*(one() for _ in range(6)))
        most = database.pool.get_stats()["pool_size"]
        assert most > 1
        async with asyncio.timeout(20):
            while database.pool.get_stats()["pool_size"] > 1:  # noqa: ASYNC110  # the pool sends no event
                await asyncio.sleep(0.05)


async def test_only_a_connection_that_the_server_has_closed_is_asked_whether_it_is_there(url, monkeypatch):
    """The question is one more round trip for each transaction; a closed connection is replaced."""
    asked, check = [], AsyncConnectionPool.check_connection

    async def noted(connection):
        asked.append(connection)
        await check(connection)

    monkeypatch.setattr(AsyncConnectionPool, "check_connection", noted)
    async with Database(url, size=1) as database:
        first = await process_of(database)
        assert [await process_of(database) for _ in range(3)] == [first] * 3
        assert not asked
        with psycopg.connect(url, autocommit=True) as person:
            person.execute("SELECT pg_terminate_backend(%s, 5000)", [first])
        assert await process_of(database) != first
        assert len(asked) == 1


async def process_of(database):
    async with database.transaction() as connection:
        return connection.info.backend_pid
