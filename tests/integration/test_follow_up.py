"""What follows once a month is recorded: how much is looked up again and enriched at a time, and who is charged for it."""

import contextlib
import dataclasses
import uuid
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime

import httpx2

from alexandria.backfill.composition import Backfill, compose
from alexandria.backfill.queue import JobQueue
from alexandria.backfill.repositories import candidates, months
from alexandria.backfill.source_selection import Policy, SourcePool
from alexandria.catalogue.models import Candidate, EditionRecord, Isbn13, Resolution, SourceRecord
from alexandria.core import config
from alexandria.core.month import Month
from alexandria.database.pool import Database
from alexandria.providers.client import ProviderClient, Request
from alexandria.providers.limits.lane_status import LaneStatus
from alexandria.providers.limits.rate import RateLimiter
from alexandria.providers.response_cache import ResponseCache

NOVEMBER = Month(2023, 11)
WHEN = datetime(2026, 11, 1, tzinfo=UTC)


class Source:
    """Knows nothing, and remembers what it was asked for."""

    paid, rate = False, 500.0

    def __init__(self, name="isbndb"):
        self.name, self.looked_up, self.enriched = name, [], []

    async def find(self, candidate):
        self.looked_up.append(candidate.title)
        return []

    async def by_isbns(self, isbns):
        self.enriched += isbns
        return {}


class Remote(Source):
    """Sends a request for each look-up."""

    def __init__(self, transport):
        super().__init__(transport.name)
        self._transport = transport

    async def find(self, candidate):
        await self._transport.fetch_uncached(Request("GET", "/search"), lambda response: response.status_code)
        return await super().find(candidate)


@contextlib.asynccontextmanager
async def backfill(url: str, *sources: Source) -> AsyncIterator[Backfill]:
    async with Database(url) as database:
        jobs = JobQueue(database)
        await jobs.open()
        try:
            yield compose(database, jobs, (), SourcePool(sources, Policy.BALANCED))
        finally:
            await jobs.aclose()


async def query(system, statement, *parameters):
    async with system.scheduler.database.transaction() as connection:
        cursor = await connection.execute(statement, parameters)
        return await cursor.fetchall() if cursor.description else []


async def recorded(system, *resolutions):
    """November was recorded with these books, and what can be done about them is due."""
    async with system.scheduler.database.transaction() as connection:
        await months.seed(connection, 2023, 2023)
        await candidates.record_month(connection, NOVEMBER, resolutions, WHEN, token=uuid.uuid4())
        await connection.execute("UPDATE candidate SET look_again_at = now() - interval '1 hour' WHERE isbn13 IS NULL")
        await connection.execute("UPDATE edition SET enrich_at = now() - interval '1 hour'")


def unresolved(count):
    return [
        Resolution(Candidate(f"{number} Roads", f"Ann {chr(65 + number)}"), None, reason="unknown")
        for number in range(count)
    ]


def resolved(count):
    for number in range(count):
        digits = f"978143{number:06d}"
        check = -sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(digits)) % 10
        isbn = Isbn13.parse(f"{digits}{check}")
        hit = EditionRecord(
            SourceRecord("wikidata", isbn, WHEN), f"{number} Roads", authors=(f"Ann {number}",), isbn13=isbn
        )
        yield Resolution(Candidate(hit.title, hit.authors[0]), isbn, "wikidata", reason="same title", accepted=hit)


async def test_twenty_books_are_looked_up_at_once_and_no_more(database_url):
    source = Source()
    async with backfill(database_url, source) as system:
        await recorded(system, *unresolved(21))
        assert await system.follow_up.recheck() == 0
        assert len(set(source.looked_up)) == len(source.looked_up) == 20
        await system.follow_up.recheck()
        assert len(set(source.looked_up)) == len(source.looked_up) == 21


async def test_a_lookup_may_ask_every_source_so_all_count_in_the_budget(database_url):
    budgets = {(2, 1): 0, (2, 2): 1, (2, 5): 2, (1, 3): 3, (1, 0): 0}  # (sources, requests a day): books looked up
    looked_up = {}
    async with backfill(database_url) as system:
        await recorded(system, *unresolved(4))
        for sources, calls in budgets:
            asked = [Source(name) for name in ("isbndb", "wikidata")[:sources]]
            pool = SourcePool(asked, Policy.BALANCED)
            follow_up = dataclasses.replace(system.follow_up, sources=pool, recheck_calls=calls)
            await query(system, "UPDATE candidate SET looks = 1, look_again_at = now() - interval '1 hour'")
            await follow_up.recheck()
            assert len({len(source.looked_up) for source in asked}) == 1
            looked_up[sources, calls] = len(asked[0].looked_up)
    assert looked_up == budgets


async def test_without_sources_nothing_fails(database_url):
    async with backfill(database_url) as system:
        await recorded(system, *unresolved(1), *resolved(1))
        assert await system.follow_up.enrich() == 0
        assert await query(system, "SELECT isbn13 FROM edition WHERE enrich_at > now()") == [], "it waits for a source"
        assert await system.follow_up.recheck() == 0


async def test_a_further_lookup_is_charged_to_the_month_and_to_no_attempt(database_url):
    """So the day's budget of further looks counts it, and that of an attempt does not."""
    async with backfill(database_url) as system:
        providers = {"wikidata": config.load().providers["wikidata"].model_copy(update={"rate": 500.0})}
        async with RateLimiter(database_url, system.scheduler.database.pool, providers) as lanes:
            far_end = httpx2.MockTransport(lambda _: httpx2.Response(200))
            answers = ResponseCache(system.scheduler.database)
            transport = ProviderClient(
                providers["wikidata"], lanes, answers, contact="ops@library.test", version="0", inner=far_end
            )
            pool = SourcePool([Remote(transport)], Policy.BALANCED)
            follow_up = dataclasses.replace(system.follow_up, sources=pool, recheck_calls=2)
            await recorded(system, *unresolved(3))
            await follow_up.recheck()
            calls = await query(system, "SELECT year, month, attempt_token FROM call")
            assert calls == [{"year": 2023, "month": 11, "attempt_token": None}] * 2
            await follow_up.recheck()
            assert len(await query(system, "SELECT id FROM call")) == 2, "the budget is spent"
            await transport.aclose()


async def test_a_hundred_editions_are_enriched_at_once_and_no_more(database_url):
    source = Source()
    async with backfill(database_url, source) as system:
        await recorded(system, *resolved(101))
        await system.follow_up.enrich()
        assert len(set(source.enriched)) == len(source.enriched) == 100
        await system.follow_up.enrich()
        assert len(set(source.enriched)) == len(source.enriched) == 101


async def test_enrichment_leaves_the_months_share_and_what_is_about_to_be_spent(database_url):
    cases = {  # (used, reserved of ten units, share of the months): editions asked about
        (0, 0, 0.5): 5, (1, 0, 0.5): 4, (0, 1, 0.5): 4, (2, 2, 0.5): 1, (4, 4, 0.5): 0, (0, 0, 0.0): 6, (0, 0, 1.0): 0,
    }  # fmt: skip
    asked = {}
    async with backfill(database_url) as system:
        await recorded(system, *resolved(6))
        for used, reserved, kept in cases:
            end = datetime(2030, 1, 1, tzinfo=UTC)
            lane = LaneStatus("isbndb", 3.0, None, "", date(2029, 12, 31), 10, 10, used, reserved, end)

            async def allowances(lane=lane):
                return [lane]

            source = Source()
            follow_up = dataclasses.replace(
                system.follow_up,
                sources=SourcePool([source], Policy.BALANCED),
                kept_for_months=kept,
                allowances=allowances,
            )
            await query(system, "UPDATE edition SET enrich_at = now() - interval '1 hour', enrich_looks = 0")
            await follow_up.enrich()
            asked[used, reserved, kept] = len(source.enriched)
    assert asked == cases
