"""The ledger of the day's quota beside the provider's own count, and requests that the provider does not bill."""

import asyncio
import contextlib
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import psycopg
import pytest

from alexandria.core import errors
from alexandria.core.config import ProviderSettings
from alexandria.database.pool import Database
from alexandria.operations.maintenance import MIDNIGHT_MARGIN, Maintenance
from alexandria.providers.base import KeyStatus
from alexandria.providers.limits import quota_ledger
from alexandria.providers.limits.rate import RateLimiter

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


@pytest.fixture
def database_url(shared_database_url):
    with psycopg.connect(shared_database_url, autocommit=True) as connection:
        connection.execute("DELETE FROM lane")
    return shared_database_url


class Reporting:
    """A source that reports a given usage of its day."""

    name, paid, rate = "isbndb", True, 3.0

    def __init__(self, message):
        self.report, self.asked = message, 0

    async def find(self, candidate):
        return []

    async def key_status(self):
        self.asked += 1
        if isinstance(self.report, Exception):
            raise self.report
        return self.report


@contextlib.asynccontextmanager
async def ledger(url, *, limit=15, reserve=5, at=NOON):
    """A lane on `limit` units a day, and `reconcile(report)` for it at that time of day."""
    settings = ProviderSettings(
        name="isbndb", base_url="", rate=200, timeout=1, daily_limit=limit, daily_reserve=reserve, zone="UTC", key=None
    )
    async with (
        Database(url, size=3) as database,
        RateLimiter(url, database.pool, {"isbndb": settings}, wall=lambda: at) as lanes,
    ):

        async def reconcile(message):
            source = Reporting(message)
            await Maintenance(database, [(source, ZoneInfo("UTC"))], now=lambda: at).reconcile()
            return source.asked

        yield lanes, reconcile


async def send(lanes, units=1):
    async with lanes.permit("isbndb", units) as permit:
        return permit.granted


async def seen(lanes):
    [status] = await lanes.status()
    return status


def today():
    """So that the lanes' own clock and ours agree on the day; it is never midnight."""
    return datetime.combine(datetime.now(UTC).date(), NOON.timetz())


async def test_an_unbilled_request_passes_when_the_quota_is_spent(database_url):
    """It waits for the pace alone, costs nothing, and is not refused with those who would have to pay."""
    async with ledger(database_url, limit=5, reserve=0, at=today()) as (lanes, _):
        assert await send(lanes, 5) == 5
        waiting = [asyncio.create_task(send(lanes, units)) for units in (0, 1, 0, 3, 0)]
        results = await asyncio.gather(*waiting, return_exceptions=True)
        assert [result if isinstance(result, int) else type(result) for result in results] == [
            0, errors.QuotaSpent, 0, errors.QuotaSpent, 0
        ]  # fmt: skip
        assert (await seen(lanes)).used == 5
        await lanes.pause("isbndb", today() + timedelta(minutes=5), "it answered 429")
        with pytest.raises(errors.RateLimited):
            await send(lanes, 0)


async def test_the_ledger_is_raised_to_what_the_provider_has_counted_and_never_lowered(database_url):
    async with ledger(database_url, at=today()) as (lanes, reconcile):
        await send(lanes, 4)
        await reconcile(KeyStatus(total=15, spent=9))
        assert (await seen(lanes)).used == 9
        await reconcile(KeyStatus(total=15, spent=2))
        assert (await seen(lanes)).used == 9
        assert await send(lanes, 10) == 1
        with pytest.raises(errors.QuotaSpent):
            await send(lanes)


async def test_a_reconciliation_is_reported_once(database_url):
    """Units that the provider has counted and we have not, and a plan that is smaller than configured while it is news."""
    smaller = "the plan has 14 units a day, fewer than the 15 configured; the plan's limit holds"
    cases = [
        ((15, 9), quota_ledger.Reconciled(5, "")),
        ((15, 9), quota_ledger.Reconciled(0, "")),
        ((14, 8), quota_ledger.Reconciled(0, smaller)),
        ((14, 12), quota_ledger.Reconciled(3, "")),
        ((None, None), quota_ledger.Reconciled(0, "")),
        ((14, None), quota_ledger.Reconciled(0, smaller)),
        ((16, 12), quota_ledger.Reconciled(0, "")),
    ]
    async with ledger(database_url, at=today()) as (lanes, _), Database(database_url, size=1) as database:
        await send(lanes, 4)
        found = []
        for (total, spent), _ in cases:
            async with database.transaction() as connection:
                found.append(await quota_ledger.reconcile(connection, "isbndb", today().date(), total, spent))
        assert found == [expected for _, expected in cases]
        with pytest.raises(errors.Unknown, match="isbndbb"):
            async with database.transaction() as connection:
                await quota_ledger.reconcile(connection, "isbndbb", today().date(), 15, 0)


async def test_a_plan_smaller_than_configured_applies_and_is_reported(database_url):
    """Months leave as much to people as before; a greater plan changes nothing, and news of it takes the note away."""
    async with ledger(database_url, at=today()) as (lanes, reconcile):
        await reconcile(KeyStatus(total=8, spent=0))
        status = await seen(lanes)
        assert (status.limit, status.cap, status.plan_limit) == (8, 3, 8)
        assert status.plan_note == "the plan has 8 units a day, fewer than the 15 configured; the plan's limit holds"
        assert await send(lanes, 10) == 3
        with pytest.raises(errors.QuotaSpent):
            await send(lanes)
        await reconcile(KeyStatus(total=5000, spent=3))
        status = await seen(lanes)
        assert (status.limit, status.cap, status.plan_note) == (15, 10, "")
        assert await send(lanes, 10) == 7


async def test_a_provider_that_counts_more_than_its_plan_has_is_believed(database_url):
    async with ledger(database_url, at=today()) as (lanes, reconcile):
        await reconcile(KeyStatus(total=8, spent=20))
        assert (await seen(lanes)).used == 20
        with pytest.raises(errors.QuotaSpent):
            await send(lanes)


async def test_a_provider_without_an_answer_changes_nothing(database_url):
    async with ledger(database_url, at=today()) as (lanes, reconcile):
        await reconcile(KeyStatus())
        status = await seen(lanes)
        assert (status.limit, status.cap, status.used, status.plan_note) == (15, 10, 0, "")


async def test_without_a_configured_limit_the_plans_limit_applies(database_url):
    async with ledger(database_url, limit=None, reserve=0, at=today()) as (lanes, reconcile):
        assert await send(lanes, 100) == 100
        await reconcile(KeyStatus(total=120, spent=100))
        assert await send(lanes, 100) == 20


async def test_a_failure_is_noted_and_costs_nothing(database_url):
    """The next success takes the note away; without a key there is nothing to note."""
    async with ledger(database_url, at=today()) as (lanes, reconcile):
        await reconcile(errors.KeyMissing("isbndb", "no key"))
        assert (await seen(lanes)).plan_note == ""
        await reconcile(errors.ProviderDown("isbndb", "answered 503"))
        assert (await seen(lanes)).plan_note == "not reconciled: isbndb: answered 503"
        assert await send(lanes, 2) == 2
        await reconcile(KeyStatus(total=15, spent=2))
        assert (await seen(lanes)).plan_note == ""


@pytest.mark.parametrize(("seconds", "asked"), [(-MIDNIGHT_MARGIN - 1, 1), (-MIDNIGHT_MARGIN + 1, 0), (-1, 0), (0, 0), (1, 0),
                                                (MIDNIGHT_MARGIN - 1, 0), (MIDNIGHT_MARGIN + 1, 1)])  # fmt: skip
async def test_nothing_is_taken_over_near_midnight(database_url, seconds, asked):
    """The provider might still speak of yesterday, which would spend today."""
    midnight = datetime.combine(date(2026, 11, 25), datetime.min.time(), UTC)
    async with ledger(database_url, at=midnight + timedelta(seconds=seconds)) as (_, reconcile):
        assert await reconcile(KeyStatus(total=15, spent=15)) == asked
