"""Rate limiters of one provider on a test's database, and the requests that they let through."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import date
from typing import Any

import psycopg

from alexandria.core.config import ProviderSettings
from alexandria.database.pool import Database
from alexandria.providers.limits.quota_day import Day
from alexandria.providers.limits.rate import RateLimiter

X = "isbndb"
TODAY = Day(date(2026, 11, 24), 0.0, 4e9)  # never ends, wherever the real midnight is


def provider(rate: float, limit: int | None = None, reserve: int = 0, zone: str = "UTC") -> ProviderSettings:
    return ProviderSettings(
        name=X, base_url="", rate=rate, timeout=1, daily_limit=limit, daily_reserve=reserve, zone=zone, key=None
    )


@contextlib.asynccontextmanager
async def lanes_on(url: str, settings: ProviderSettings, **options) -> AsyncIterator[RateLimiter]:
    options.setdefault("calendar", lambda instant, zone: TODAY)
    async with Database(url, size=2) as database, RateLimiter(url, database.pool, {X: settings}, **options) as lanes:
        yield lanes


async def send(lanes: RateLimiter, units: int = 1) -> int:
    """Through the protocol that providers know; returns what was granted."""
    async with lanes.permit(X, units) as permit:
        return permit.granted


def rows(url: str, query: str) -> list[Any]:
    with psycopg.connect(url, autocommit=True) as connection:
        return connection.execute(query.encode()).fetchall()


def forget_lanes(url: str) -> None:
    rows(url, "WITH gone AS (DELETE FROM lane RETURNING 1) SELECT count(*) FROM gone")


def used(url: str) -> int:
    return sum(units for (units,) in rows(url, "SELECT used FROM quota"))


async def until(condition) -> None:
    while not condition():  # noqa: ASYNC110  # the database sends no event when a process waits for a limiter
        await asyncio.sleep(0.005)


async def waiting_in_its_turn(lanes: RateLimiter, url: str) -> asyncio.Task[int]:
    """A caller whose worker holds the lane, but may not send yet."""
    await send(lanes)
    caller = asyncio.create_task(send(lanes))
    await until(lambda: used(url) == 2)
    return caller


def windows_over(instants: list[float], sends: int, win: float = 1.0) -> int:
    ordered = sorted(instants)
    return sum(later - earlier < win for earlier, later in zip(ordered, ordered[sends:], strict=False))
