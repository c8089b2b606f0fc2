"""The plan that ISBNdb reports: it decides the limits that nobody has set, and never raises one that somebody has."""

import contextlib
import random
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import httpx2
import psycopg
import pytest

from alexandria.core import config, errors
from alexandria.core.provider_facts import usual_reserve
from alexandria.database.pool import Database
from alexandria.forecast.assumptions import expected_scenario
from alexandria.operations.maintenance import Maintenance
from alexandria.providers.client import ProviderClient
from alexandria.providers.isbndb import ISBNdb
from alexandria.providers.limits.rate import RateLimiter
from alexandria.providers.limits.spacing import spacing
from alexandria.providers.response_cache import ResponseCache

BASIC = {
    "api_host": "api2.isbndb.com",
    "plan_limit": {"total": 1000, "spent": 0, "left": 1000},
    "plan_name": "Basic",
    "bulk_limit": 10,
}
PREMIUM = BASIC | {"api_host": "api.premium.isbndb.com", "plan_name": "Premium", "bulk_limit": 1000}


@pytest.fixture
def database_url(shared_database_url):
    with psycopg.connect(shared_database_url, autocommit=True) as connection:
        connection.execute("DELETE FROM lane")
    return shared_database_url


class Key:
    """The far end of ISBNdb: `answer` is what /key says, `hosts` those that were asked."""

    def __init__(self, answer):
        self.answer, self.hosts, self.bulks = answer, [], []

    def __call__(self, request):
        self.hosts.append(request.url.host)
        if request.method == "POST":
            self.bulks.append(len(request.read().split(b",")))
            return httpx2.Response(200, json={"data": []})
        return self.answer if isinstance(self.answer, httpx2.Response) else httpx2.Response(200, json=self.answer)


@contextlib.asynccontextmanager
async def isbndb(url, answer, monkeypatch, **variables):
    """(status of the lane, reconcile, source, far end) of ISBNdb with these settings: `rate="2"` is ..._RATE=2."""
    monkeypatch.setenv("ISBNDB_API_KEY", "canary-key")
    for name, value in variables.items():
        monkeypatch.setenv(f"ALEXANDRIA_ISBNDB_{name.upper()}", value)
    providers = {"isbndb": config.load().providers["isbndb"]}
    key = Key(answer)
    async with Database(url, size=3) as database, RateLimiter(url, database.pool, providers) as limiter:
        client = ProviderClient(
            providers["isbndb"], limiter, ResponseCache(database), contact="", version="0",
            inner=httpx2.MockTransport(key),
        )  # fmt: skip
        source = ISBNdb(client)
        maintenance = Maintenance(database, [(source, ZoneInfo("UTC"))])

        async def status():
            return (await limiter.status())[0]

        yield status, maintenance.read_plans, source, key
        await client.aclose()


@pytest.mark.parametrize(
    ("answer", "expected", "host"),
    [
        (BASIC, (1000, 867, 1), "api2.isbndb.com"),
        (PREMIUM, (1000, 867, 3), "api.premium.isbndb.com"),
        (PREMIUM | {"api_host": "https://api.pro.isbndb.com"}, (1000, 867, 5), "api.pro.isbndb.com"),
        (PREMIUM | {"api_host": "api.evil.test"}, (1000, 867, 1), "api2.isbndb.com"),
        (BASIC | {"plan_limit": {"total": 500, "spent": 9}}, (500, 434, 1), "api2.isbndb.com"),
        (BASIC | {"plan_limit": {"total": 2000}}, (2000, 1734, 1), "api2.isbndb.com"),
        (BASIC | {"plan_limit": {"total": 50000}}, (50000, 43334, 1), "api2.isbndb.com"),
        (BASIC | {"plan_limit": {"total": "1,000"}}, (1000, 867, 1), "api2.isbndb.com"),
        (BASIC | {"plan_limit": {"total": 1000.0}}, (1000, 867, 1), "api2.isbndb.com"),
        (BASIC | {"plan_limit": {"total": "unlimited"}}, (15000, 13000, 1), "api2.isbndb.com"),
        (BASIC | {"plan_limit": {"total": -1}}, (15000, 13000, 1), "api2.isbndb.com"),
        (BASIC | {"plan_limit": None}, (15000, 13000, 1), "api2.isbndb.com"),
    ],
)
async def test_without_settings_the_plan_decides(database_url, monkeypatch, answer, expected, host):
    async with isbndb(database_url, answer, monkeypatch) as (status, read_plans, source, key):
        await read_plans()
        lane = await status()
        assert ((lane.limit, lane.cap, lane.rate), lane.plan_note) == (expected, "")
        await source.key_status()
        assert key.hosts == ["api2.isbndb.com", host]
        scenario = expected_scenario(config.load(), [lane])
        [simulated] = [each for each in scenario.sources if each.name == "isbndb"]
        assert (simulated.daily_cap, simulated.rate) == expected[1:]
    with psycopg.connect(database_url) as connection:
        row = connection.execute("SELECT sends, win, gap FROM lane WHERE name = 'isbndb'").fetchone()
    shape = spacing(expected[2])
    assert row == (shape.sends, shape.win, shape.gap)


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"daily_limit": "500"}, (500, 434, 3)),
        ({"daily_limit": "5000"}, (1000, 867, 3)),
        ({"daily_reserve": "100"}, (1000, 900, 3)),
        ({"daily_reserve": "0"}, (1000, 1000, 3)),
        ({"daily_reserve": "2000"}, (1000, 867, 3)),
        ({"rate": "0.5"}, (1000, 867, 0.5)),
        ({"base_url": "http://far.test/isbndb"}, (1000, 867, 3)),
        ({"base_url": "https://api2.isbndb.com"}, (1000, 867, 1)),
    ],
)
async def test_a_setting_goes_before_the_plan_and_the_plan_before_a_larger_limit(
    database_url, monkeypatch, variables, expected
):
    async with isbndb(database_url, PREMIUM, monkeypatch, **variables) as (status, read_plans, source, key):
        await read_plans()
        lane = await status()
        assert (lane.limit, lane.cap, lane.rate) == expected
        await source.key_status()
        assert key.hosts[1] == (key.hosts[0] if "base_url" in variables else "api.premium.isbndb.com")


async def test_a_reserve_that_leaves_nothing_of_the_plan_is_reported(database_url, monkeypatch):
    async with isbndb(database_url, BASIC, monkeypatch, daily_reserve="2000") as (status, read_plans, *_):
        await read_plans()
        note = "the reserve of 2000 units leaves none of the plan's 1000; 133 are reserved"
        assert (await status()).plan_note == note


@pytest.mark.parametrize(
    "failing",
    [httpx2.Response(503), httpx2.Response(401), httpx2.Response(200, json={}), httpx2.Response(200, text="<")],
)
async def test_without_an_answer_the_last_plan_holds_also_after_a_restart(database_url, monkeypatch, failing):
    async with isbndb(database_url, PREMIUM, monkeypatch) as (_, read_plans, *_):
        await read_plans()
    async with isbndb(database_url, failing, monkeypatch) as (status, read_plans, *_):
        await read_plans()
        lane = await status()
        assert (lane.limit, lane.cap, lane.rate, lane.plan_limit) == (1000, 867, 3, 1000)


async def test_a_key_that_its_plans_host_refuses_goes_back_to_the_usual_host(database_url, monkeypatch):
    async with isbndb(database_url, PREMIUM, monkeypatch) as (_, _, source, key):
        await source.key_status()
        key.answer = httpx2.Response(403, json={"message": "your plan has no access to this host"})
        with pytest.raises(errors.KeyRefused, match="your plan has no access"):
            await source.key_status()
        key.answer = BASIC
        await source.key_status()
        assert key.hosts == ["api2.isbndb.com", "api.premium.isbndb.com", "api2.isbndb.com"]


async def test_a_request_for_many_isbns_is_as_large_as_the_plan_allows(database_url, monkeypatch):
    first, second = ([f"9780385{number}{n:05d}" for n in range(25)] for number in (5, 6))
    async with isbndb(database_url, BASIC, monkeypatch, rate="500") as (_, read_plans, source, key):
        await source.by_isbns(first)
        assert key.bulks == [25], "the plan is not known yet"
        await read_plans()
        await source.by_isbns(second)
        assert key.bulks == [25, 10, 10, 5]


async def test_the_database_and_the_settings_compute_the_same_cap(database_url, monkeypatch):
    rng = random.Random(1)
    async with isbndb(database_url, BASIC, monkeypatch):
        pass
    with psycopg.connect(database_url, autocommit=True) as connection:
        for limit in [0, 1, 2, 7, 8, 15, 2**31 - 1, *(rng.randrange(100_000) for _ in range(50))]:
            connection.execute("UPDATE lane SET plan_limit = %s", [limit])
            row = connection.execute("SELECT lane_limit(lane), lane_cap(lane) FROM lane").fetchone()
            assert row == (limit, limit - usual_reserve(limit))
            assert row[1] > 0 or limit == 0


async def test_near_midnight_the_plan_is_read_and_the_days_count_is_not(database_url, monkeypatch):
    spent = BASIC | {"plan_limit": {"total": 1000, "spent": 999}}
    async with isbndb(database_url, spent, monkeypatch) as (status, _, source, _):
        async with Database(database_url, size=1) as database:
            midnight = datetime.combine(datetime.now(UTC).date(), datetime.min.time(), UTC)
            await Maintenance(database, [(source, ZoneInfo("UTC"))], now=lambda: midnight).read_plans()
        lane = await status()
        assert (lane.limit, lane.used) == (1000, 0)
