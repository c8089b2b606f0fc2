"""How often books begin at each source: by the rates in force, and at a paid one while its day outlasts the months to come."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from alexandria.backfill import first_source
from alexandria.backfill.first_source import UNITS_PER_MONTH, FirstSources
from alexandria.backfill.repositories import months
from alexandria.database.pool import Database
from alexandria.providers.limits.lane_status import LaneStatus

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
SOURCES = ("open_library", "google_books", "isbndb")
FREE = {"open_library": 3.0}


def lane(name, rate, cap=None, used=0, reserved=0):
    return LaneStatus(name, rate, None, "", date(2026, 11, 24), cap, cap, used, reserved, NOON)


def lanes(left):
    """Those of all providers; ISBNdb's day has been used but for so many units."""
    return [
        lane("gemini", 2.0),
        lane("open_library", 3.0),
        lane("google_books", 1.0, 1000),
        lane("isbndb", 3.0, 1000, 990 - left, 10),
    ]


@pytest.fixture
async def twelve_months(database_url):
    """A database with twelve months, none of which is filled."""
    async with Database(database_url) as database:
        async with database.transaction() as connection:
            await months.seed(connection, 2020, 2020)
        yield database


async def weights(database, *, left, share=1.0):
    async def status():
        return lanes(left)

    async def quota_share(_):
        return share

    return await FirstSources(database, SOURCES, status, quota_share).weights()


async def test_books_begin_at_a_paid_source_while_its_day_outlasts_the_months_that_are_not_filled(twelve_months):
    needed = 12 * UNITS_PER_MONTH
    assert await weights(twelve_months, left=needed) == FREE | {"isbndb": 3.0}
    assert await weights(twelve_months, left=needed - 1) == FREE


async def test_only_the_share_of_a_rollout_counts_as_left(twelve_months):
    assert "isbndb" in await weights(twelve_months, left=990)
    assert await weights(twelve_months, left=990, share=0.4) == FREE


async def test_a_day_that_is_spent_begins_no_book_even_if_no_month_is_waiting(database_url):
    async with Database(database_url) as database:
        assert await weights(database, left=0) == FREE
        assert "isbndb" in await weights(database, left=1)


async def test_the_rates_are_looked_at_once_a_minute(twelve_months, monkeypatch):
    asked = []

    async def status():
        asked.append(1)
        return [replace(each, rate=each.rate * len(asked)) for each in lanes(990)]

    first = FirstSources(twelve_months, SOURCES, status)
    assert await first.weights() == await first.weights()
    monkeypatch.setattr(first_source, "RENEWED_AFTER", -1.0)
    assert len(asked) == 1
    later = FirstSources(twelve_months, SOURCES, status)
    assert (await later.weights())["open_library"] == 6.0
    assert (await later.weights())["open_library"] == 9.0
