"""The session that owns a limiter's locks: what it knows of the server's clock, and that any error ends it."""

import asyncio
import contextlib
import time

import psycopg
import pytest

from alexandria.core import errors
from alexandria.providers.limits.session import Session


class Counted(Session):
    """Remembers its queries, and its local clock can be set ahead."""

    def __init__(self, url):
        super().__init__(url, "test", lambda: time.monotonic() + self.ahead)
        self.queries = []

    ahead = 0.0

    async def query(self, block, **values):
        self.queries.append(block)
        return await super().query(block, **values)


@contextlib.asynccontextmanager
async def session_on(url):
    session = Counted(url)
    await session.open()
    try:
        yield session
    finally:
        await session.aclose()


async def test_an_open_session_knows_the_servers_time(shared_database_url):
    async with session_on(shared_database_url) as session:
        before, earliest, latest, after = time.time(), session.clock.earliest(), session.clock.latest(), time.time()
        assert session.is_open
        assert earliest <= after
        assert latest >= before
        assert latest - earliest < 0.5
    assert not session.is_open


async def test_the_clock_is_read_again_when_it_may_have_drifted_and_only_then(shared_database_url):
    """Twenty times, because the quickest reply is the most exact: at 0.1 ms a second, a hundred seconds are 20 ms of doubt."""
    async with session_on(shared_database_url) as session:
        assert session.queries == ["session", *["clock"] * 20]
        for seconds, queries in ((0.0, 0), (100.0, 20), (10.0, 0), (20.0, 20)):
            session.ahead += seconds
            session.queries.clear()
            await session.sync_clock()
            assert len(session.queries) == queries, seconds


async def test_any_error_ends_the_session_and_with_it_its_locks(shared_database_url):
    async with session_on(shared_database_url) as session:
        with pytest.raises(psycopg.ProgrammingError):
            await session.query("rest")  # without the name that it needs
        assert not session.is_open
        with pytest.raises(errors.DatabaseUnavailable):
            await session.query("clock")
        await session.open()
        assert session.is_open
        assert (await session.query("clock"))["clock"] == pytest.approx(time.time(), abs=20)


async def test_a_session_that_is_opened_again_leaves_nothing_behind(shared_database_url):
    count = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'alexandria test'"
    async with session_on(shared_database_url) as session:
        await session.open()
        async with asyncio.timeout(20):
            while (found := _counted(shared_database_url, count)) > 1:  # noqa: ASYNC110  # the server sends no event
                await asyncio.sleep(0.01)
        assert found == 1
        await session.aclose()
        await session.aclose()


def _counted(url, statement):
    with psycopg.connect(url, autocommit=True) as connection:
        return connection.execute(statement).fetchall()[0][0]


async def test_no_query_runs_inside_the_context_between_queries(shared_database_url):
    """One that waits for a turn is cancelled for it, which costs the connection."""
    async with session_on(shared_database_url) as session:
        async with session.between_queries():
            asking = asyncio.create_task(session.query("clock"))
            assert await asyncio.wait({asking}, timeout=0.1) == (set(), {asking})
            assert session.is_open
        await asking
        assert session.is_open


async def test_a_session_that_was_never_opened_has_no_query_to_wait_for(shared_database_url):
    session = Session(shared_database_url, "test", time.monotonic)
    async with asyncio.timeout(5), session.between_queries():
        assert not session.is_open


async def test_a_server_that_is_not_there_is_unavailable():
    session = Session("postgresql://nobody@127.0.0.1:1/nothing", "test", time.monotonic)
    with pytest.raises(errors.DatabaseUnavailable):
        await session.open()
    assert not session.is_open
