"""A provider that reports no credit is asked again after an hour and then daily, by all workers together."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from alexandria.core import errors
from alexandria.core.config import ProviderSettings
from alexandria.database.migrations import names, statements
from alexandria.database.pool import Database
from alexandria.providers.base import Call
from alexandria.providers.limits.rate import RateLimiter
from alexandria.providers.response_cache import ResponseCache

NAME = "xai"
SPENT = errors.NoCredit(NAME, "the account has no credit")
HOUR, DAY = 3600, 86400


@contextlib.asynccontextmanager
async def limiter_on(url: str) -> AsyncIterator[RateLimiter]:
    settings = ProviderSettings(
        name=NAME, base_url="", rate=100, timeout=1, daily_limit=None, daily_reserve=0, zone="UTC", key=None
    )
    async with Database(url, size=2) as database, RateLimiter(url, database.pool, {NAME: settings}) as limiter:
        yield limiter


def execute(url: str, statement: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement)


async def report(limiter: RateLimiter) -> float:
    """Report that there is no credit, as the client does; the seconds of the pause."""
    began = datetime.now(UTC)
    until = await limiter.pause(NAME, began + timedelta(hours=1), SPENT.message)
    return (until - began).total_seconds()


def let_the_pause_end(url: str) -> None:
    execute(url, "UPDATE lane SET paused_since = now() - interval '1 hour', paused_until = now() - interval '1 second'")


async def answered(url: str, status: int) -> None:
    async with Database(url, size=1) as database:
        call = Call(NAME, "/v1", datetime.now(UTC), 1, 1, status, "", None, None)
        await ResponseCache(database).record(call)


async def test_the_first_pause_is_an_hour_and_the_next_ones_a_day_for_all_workers(database_url):
    async with limiter_on(database_url) as here, limiter_on(database_url) as there:
        assert await report(here) == pytest.approx(HOUR, abs=5)
        assert await report(there) == pytest.approx(HOUR, abs=5)  # its request was under way at the same time
        let_the_pause_end(database_url)
        assert await report(there) == pytest.approx(DAY, abs=5)
        let_the_pause_end(database_url)
        await answered(database_url, 429)
        assert await report(here) == pytest.approx(DAY, abs=5)


async def test_an_answer_in_between_ends_the_series(database_url):
    async with limiter_on(database_url) as limiter:
        await report(limiter)
        let_the_pause_end(database_url)
        await answered(database_url, 200)
        assert await report(limiter) == pytest.approx(HOUR, abs=5)


async def test_requests_during_the_pause_are_refused_for_lack_of_credit(database_url):
    async with limiter_on(database_url) as here, limiter_on(database_url) as there:
        await report(here)
        with pytest.raises(errors.NoCredit, match="asked again after an hour, then once a day") as refused:
            async with there.permit(NAME):
                pass
        assert refused.value.until is not None
        assert refused.value.until - datetime.now(UTC) == pytest.approx(timedelta(hours=1), abs=timedelta(seconds=5))
        assert refused.value.message.count("asked again") == 1
        [lane] = await here.status()
        assert "no credit" in lane.pause_reason
        assert lane.paused_until is not None
        assert lane.paused_since is not None
        assert lane.paused_until - lane.paused_since >= timedelta(hours=1)  # so it is an incident


async def test_a_longer_pause_stays_and_a_shorter_one_does_not_count(database_url):
    async with limiter_on(database_url) as limiter:
        await limiter.pause(NAME, datetime.now(UTC) + timedelta(hours=5), "the day's allowance is used up")
        assert await report(limiter) == pytest.approx(5 * HOUR, abs=5)
        execute(database_url, "UPDATE lane SET paused_until = now() + interval '5 seconds', pause_reason = 'too fast'")
        assert await report(limiter) == pytest.approx(HOUR, abs=5)


async def test_many_reports_at_once_are_one_pause(database_url):
    async with limiter_on(database_url) as limiter:
        pauses = await asyncio.gather(*(report(limiter) for _ in range(8)))
        assert pauses == pytest.approx([HOUR] * 8, abs=5)


def test_a_pause_until_2082_ends_with_the_migration(database_url):
    """An earlier version took an instant for a number of seconds."""
    lane = (
        "INSERT INTO lane (name, rate, sends, win, gap, paused_until) VALUES ('{}', 1, 1, 1, 0, now() + interval '{}')"
    )
    execute(database_url, lane.format("far", "56 years"))
    execute(database_url, lane.format("near", "1 day 1 hour"))
    execute(database_url, statements(next(step for step in names() if step.endswith("pauses_of_a_day"))))
    with psycopg.connect(database_url) as connection:
        rows = connection.execute(
            "SELECT name, round(extract(epoch FROM paused_until - now()) / 3600) FROM lane"
        ).fetchall()
    assert sorted(rows) == [("far", 24), ("near", 25)]
