"""Editions of many months are completed in bulk, by rule, with their sources; what cannot be had is a row with its reason."""

import asyncio
import contextlib
import dataclasses
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

import httpx2
import pytest

from alexandria.backfill.composition import Backfill, compose
from alexandria.backfill.enrich import MAX_LOOKUPS, UNKNOWN_RETRY_DELAY
from alexandria.backfill.periodic import Periodic
from alexandria.backfill.queue import ENRICHMENT, JobQueue
from alexandria.backfill.queue_jobs import run_jobs
from alexandria.backfill.repositories import candidates, enrichment, months, source_rests
from alexandria.backfill.source_selection import Policy, SourcePool
from alexandria.catalogue.models import Candidate, EditionRecord, Isbn13, PartialDate, Resolution, SourceRecord
from alexandria.core import config, errors
from alexandria.core.month import Month
from alexandria.database.pool import Database
from alexandria.operations.enrichment import refresh
from alexandria.providers.client import ProviderClient
from alexandria.providers.isbndb import ISBNdb
from alexandria.providers.limits.lane_status import LaneStatus
from alexandria.providers.limits.rate import RateLimiter
from alexandria.providers.open_library import OpenLibrary
from alexandria.providers.response_cache import ResponseCache
from alexandria.sandbox import SandboxSettings, create_app
from alexandria.sandbox.corpus import Corpus, Edition

MAY, NOVEMBER = Month(2022, 5), Month(2023, 11)
BEE, SONG, LAKE = (Isbn13.parse(isbn) for isbn in ("9780374600303", "9780861545896", "9780063327528"))
PAPERBACK = Isbn13.parse("9780241353943")
BOOKS = {
    BEE: ("The Bee Sting", "Paul Murray"), SONG: ("Prophet Song", "Paul Lynch"), LAKE: ("Tom Lake", "Ann Patchett"),
}  # fmt: skip
WHEN = datetime(2026, 11, 1, tzinfo=UTC)


def hit(isbn: Isbn13, provider: str = "open_library", **message) -> EditionRecord:
    title, author = BOOKS[isbn]
    record = SourceRecord(provider, f"{provider} {isbn}", message.pop("at", WHEN))
    return EditionRecord(record, title, authors=(author,), isbn13=isbn, **message)


@dataclass
class Shelf:
    """A source in bulk: knows `hits`, fails with `failure`, or keeps its caller waiting until `open`."""

    name: str = "open_library"
    paid: bool = False
    hits: list[EditionRecord] = field(default_factory=list)
    failure: errors.ProviderError | None = None
    asked: list[list[Isbn13]] = field(default_factory=list)
    open: asyncio.Event = field(default_factory=asyncio.Event)
    reached: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.open.set()

    async def find(self, candidate: Candidate) -> list[EditionRecord]:
        return [one for one in self.hits if one.title == candidate.title]

    async def by_isbns(self, isbns) -> dict[Isbn13, EditionRecord]:
        self.asked.append(sorted(isbns))
        self.reached.set()
        await self.open.wait()
        if self.failure is not None:
            raise self.failure
        return {one.isbn13: one for one in self.hits if one.isbn13 in self.asked[-1]}


@contextlib.asynccontextmanager
async def backfill(url: str, *sources, policy: Policy = Policy.BALANCED) -> AsyncIterator[Backfill]:
    async with Database(url) as database:
        jobs = JobQueue(database)
        await jobs.open()
        try:
            yield compose(database, jobs, (), SourcePool(sources, policy))
        finally:
            await jobs.aclose()


async def recorded(system: Backfill, month: Month, *hits: EditionRecord) -> None:
    """A month was resolved to `hits`."""
    async with system.scheduler.database.transaction() as connection:
        await months.seed(connection, month.year, month.year)
        found = [
            Resolution(
                Candidate(one.title, one.authors[0]), one.isbn13, one.source.provider, reason="same title", accepted=one
            )
            for one in hits
        ]
        await candidates.record_month(connection, month, found, WHEN, token=uuid.uuid4())


async def rows(system: Backfill, statement, *parameters) -> list[dict[str, Any]]:
    async with system.scheduler.database.transaction() as connection:
        cursor = await connection.execute(statement, parameters)
        return await cursor.fetchall() if cursor.description else []


async def edition(system: Backfill, isbn: Isbn13) -> dict[str, Any]:
    (row,) = await rows(system, "SELECT * FROM edition WHERE isbn13 = %s", isbn)
    return row


async def provenance(system: Backfill, isbn: Isbn13) -> dict[str, str]:
    found = await rows(
        system,
        "SELECT field, provider_id FROM provenance JOIN source_record ON id = source_record_id WHERE isbn13 = %s",
        isbn,
    )
    return {row["field"]: row["provider_id"] for row in found}


async def test_editions_of_many_months_are_completed_together(database_url):
    """One bulk look-up for two months; empty and vaguer fields are filled, and each names the record it rests on."""
    more = hit(BEE, "isbndb", publisher="FSG", published=PartialDate(2023, 8, 15), pages=656, language="en",
               binding="Hardcover", subjects=("Ireland", "Families"), related=(PAPERBACK,))  # fmt: skip
    source = Shelf("isbndb", paid=True, hits=[more])
    async with backfill(database_url, source, policy=Policy.EXACT) as system:
        await recorded(system, MAY, hit(BEE, published=PartialDate(2023), publisher="Farrar"))
        await recorded(system, NOVEMBER, hit(SONG))
        assert await system.follow_up.enrich() == 1
        assert source.asked == [sorted([BEE, SONG])]
        row = await edition(system, BEE)
        assert (row["publisher"], row["published"], row["pages"]) == ("FSG", "2023-08-15", 656)
        assert (row["language"], row["binding"], row["title"]) == ("en", "Hardcover", "The Bee Sting")
        assert (row["enrich_at"], row["enrich_note"]) == (None, "")
        assert row["enriched_at"] is not None
        filled = ("publisher", "published", "pages", "language", "binding")
        assert await provenance(system, BEE) == {"title": f"open_library {BEE}"} | dict.fromkeys(
            filled, f"isbndb {BEE}"
        )
        subjects = await rows(system, "SELECT name FROM subject WHERE work_id = %s ORDER BY name", row["work_id"])
        assert [subject["name"] for subject in subjects] == ["Families", "Ireland"]
        related = await rows(system, "SELECT isbn13, other FROM related_isbn")
        assert related == [{"isbn13": BEE, "other": PAPERBACK}]
        assert await system.follow_up.enrich() == 0
        assert len(source.asked) == 1


async def test_a_bare_number_beside_an_edition_does_not_become_one(database_url):
    source = Shelf(hits=[hit(BEE, related=(PAPERBACK,))])
    async with backfill(database_url, source) as system:
        await recorded(system, MAY, hit(BEE))
        await system.follow_up.enrich()
        assert [row["isbn13"] for row in await rows(system, "SELECT isbn13 FROM edition")] == [BEE]


async def test_subjects_and_related_isbns_of_a_month_are_kept_at_once(database_url):
    """Subjects and related ISBNs of the record that resolved a book cost no further look-up, and stand once."""
    async with backfill(database_url) as system:
        found = hit(BEE, subjects=("Ireland", "IRELAND", "x" * 300), related=(PAPERBACK, BEE))
        await recorded(system, MAY, found)
        assert [row["name"] for row in await rows(system, "SELECT name FROM subject")] == ["Ireland"]
        assert [row["other"] for row in await rows(system, "SELECT other FROM related_isbn")] == [PAPERBACK]


async def test_worse_values_change_nothing(database_url):
    source = Shelf(hits=[hit(BEE, publisher="Farrar", published=PartialDate(2023))])
    async with backfill(database_url, source) as system:
        await recorded(system, MAY, hit(BEE, "isbndb", publisher="FSG", published=PartialDate(2023, 8, 15)))
        before = await edition(system, BEE)
        assert await system.follow_up.enrich() == 0
        after = await edition(system, BEE)
        kept = ("publisher", "published", "changed_at")
        assert [after[name] for name in kept] == [before[name] for name in kept]
        assert set((await provenance(system, BEE)).values()) == {f"isbndb {BEE}"}


async def test_a_spent_quota_postpones_with_its_reason_and_continues_afterwards(database_url):
    until = datetime.now(UTC) + timedelta(hours=3)
    spent = errors.QuotaSpent("isbndb", "the day's quota is used up", until=until)
    free, paid = Shelf(hits=[hit(BEE, pages=656)]), Shelf("isbndb", paid=True, failure=spent)
    async with backfill(database_url, free, paid) as system:
        await recorded(system, MAY, hit(BEE))
        assert await system.follow_up.enrich() == 1
        row = await edition(system, BEE)
        assert (row["pages"], row["enrich_at"], row["enriched_at"]) == (656, until, None)
        assert row["enrich_note"] == "isbndb: the day's quota is used up"
        await rows(system, "UPDATE edition SET enrich_at = now()")
        await system.follow_up.enrich()
        assert len(paid.asked) == 1, "it rests until the new day"
        await rows(system, "UPDATE edition SET enrich_at = now()")
        paid.failure, paid.hits = None, [hit(BEE, "isbndb", publisher="FSG")]
        await dataclasses.replace(system.follow_up, now=lambda: until).enrich()
        row = await edition(system, BEE)
        assert (row["publisher"], row["enrich_at"], row["enrich_note"]) == ("FSG", None, "")
        assert await rows(system, "SELECT * FROM enrichment_rest") == []


async def test_an_edition_unknown_to_all_sources_is_tried_again_after_a_month_and_then_left(database_url):
    source = Shelf()
    async with backfill(database_url, source) as system:
        await recorded(system, MAY, hit(BEE, publisher="FSG", published=PartialDate(2023)))
        for look in range(1, MAX_LOOKUPS + 1):
            await system.follow_up.enrich()
            row = await edition(system, BEE)
            assert (row["enrich_looks"], row["enrich_note"]) == (look, "unknown to open_library")
            due = None if look == MAX_LOOKUPS else row["enriched_at"] + UNKNOWN_RETRY_DELAY
            assert row["enrich_at"] == due
            await rows(system, "UPDATE edition SET enrich_at = now() WHERE enrich_at IS NOT NULL")
        await system.follow_up.enrich()
        assert len(source.asked) == MAX_LOOKUPS


async def test_a_month_is_recorded_while_an_enrichment_waits_for_its_source(database_url):
    """Enrichment holds no lock while it asks, and what it asks about is nobody else's meanwhile."""
    source = Shelf(hits=[hit(BEE, pages=656)])
    async with backfill(database_url, source) as system:
        await recorded(system, MAY, hit(BEE))
        source.open.clear()
        asking = asyncio.create_task(system.follow_up.enrich())
        await source.reached.wait()
        assert await system.follow_up.enrich() == 0
        await recorded(system, NOVEMBER, hit(SONG))
        source.open.set()
        assert await asking == 1
        assert source.asked == [[BEE]]
        assert (await edition(system, SONG))["enrich_at"] is not None


async def test_an_edition_that_has_gone_meanwhile_harms_no_other(database_url):
    source = Shelf(hits=[hit(BEE, pages=656), hit(SONG, pages=309, subjects=("Ireland",))])
    async with backfill(database_url, source) as system:
        await recorded(system, MAY, hit(BEE), hit(SONG))
        source.open.clear()
        asking = asyncio.create_task(system.follow_up.enrich())
        await source.reached.wait()
        await rows(system, "DELETE FROM work WHERE title = 'Prophet Song'")
        source.open.set()
        assert await asking == 1


def lane(used: int, cap: int | None) -> LaneStatus:
    reset_at = datetime(2030, 1, 1, tzinfo=UTC)
    return LaneStatus("isbndb", 3.0, None, "", date(2029, 12, 31), cap, cap, used, 0, reset_at)


@pytest.mark.parametrize(("used", "cap", "asked"), [(0, 10, 2), (4, 10, 1), (5, 10, 0), (9, 10, 0), (9, None, 2)])
async def test_months_have_their_share_of_the_day(database_url, used, cap, asked):
    """Half of the day's units are not enrichment's; what it may not ask about waits for the next day."""
    source = Shelf("isbndb", paid=True)
    async with backfill(database_url, source) as system:

        async def allowances():
            return [lane(used, cap)]

        await recorded(system, MAY, hit(BEE), hit(SONG))
        await dataclasses.replace(system.follow_up, allowances=allowances).enrich()
        assert sum(map(len, source.asked)) == asked
        waiting = await rows(system, "SELECT enrich_at FROM edition WHERE enrich_note LIKE '%%kept for months%%'")
        assert [row["enrich_at"] for row in waiting] == [lane(used, cap).reset_at] * (2 - asked)


async def test_a_person_can_ask_for_editions_again(database_url):
    """By ISBN or by age: due at once, a clean sheet, fresh answers, sources woken, and the wish on record."""
    source = Shelf(hits=[hit(BEE), hit(SONG)])
    async with backfill(database_url, source) as system:
        await recorded(system, MAY, hit(BEE), hit(SONG))
        await system.follow_up.enrich()
        known: Any = system.scheduler  # of a System the database is needed
        answers = ResponseCache(system.scheduler.database)
        for isbn in (BEE, SONG):
            await answers.write("open_library", isbn, {"base": "http://far.test", "isbn": isbn}, {}, None)
        await rows(system, "UPDATE edition SET enriched_at = now() - interval '40 days' WHERE isbn13 = %s", SONG)
        async with system.scheduler.database.transaction() as connection:
            await source_rests.keep(connection, {"isbndb": source_rests.Rest(WHEN, "down", False, 3)})
            assert await enrichment.again(connection, [], 30, dry_run=True) == 1
            assert await enrichment.again(connection, [BEE], None, dry_run=True) == 1
            assert await enrichment.again(connection, [LAKE], 60) == 0
        assert await system.follow_up.enrich() == 0
        assert await refresh(known, [], 30, "test", dry_run=False) == 1
        source.hits = [hit(BEE, pages=1), hit(SONG, pages=309)]
        assert await system.follow_up.enrich() == 1
        assert source.asked[1:] == [[SONG]]
        assert (await edition(system, SONG))["pages"] == 309
        assert await refresh(known, [BEE], None, "test", dry_run=False) == 1
        assert await rows(system, "SELECT * FROM answer") == []
        assert await rows(system, "SELECT * FROM enrichment_rest") == []
        wishes = await rows(system, "SELECT who, act, detail FROM audit ORDER BY id")
        assert [(wish["who"], wish["act"], wish["detail"]["editions"]) for wish in wishes] == [
            ("test", "enrich", 1)
        ] * 2


async def test_the_reasons_for_waiting_can_be_looked_up(database_url):
    down = Shelf(failure=errors.ProviderDown("open_library", "answered 503"))
    async with backfill(database_url, down) as system:
        await recorded(system, MAY, hit(BEE), hit(SONG))
        await system.follow_up.enrich()
        await recorded(system, NOVEMBER, hit(LAKE))
        async with system.scheduler.database.transaction() as connection:
            assert await enrichment.overview(connection) == {"due": 1, "waiting": 2, "done": 0}
            (why,) = await enrichment.waiting(connection)
        assert (why["reason"], why["editions"]) == ("open_library: answered 503", 2)


async def test_a_worker_enriches_beside_its_months(database_url):
    """A real worker of the real queue runs the job."""
    source = Shelf(hits=[hit(BEE, pages=656)])
    async with backfill(database_url, source) as system:
        jobs = system.scheduler.queue
        assert isinstance(jobs, JobQueue)
        await recorded(system, MAY, hit(BEE))
        enrich = Periodic("enrich", system.follow_up.enrich, 1.0, turn=ENRICHMENT)
        working = asyncio.create_task(run_jobs(jobs, system, concurrency=1, name="test", periodic=[enrich]))
        await asyncio.wait_for(source.reached.wait(), 20)
        while (await edition(system, BEE))["enriched_at"] is None:
            assert not working.done(), working
            await asyncio.sleep(0.02)
        working.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await working
        assert (await edition(system, BEE))["pages"] == 656


async def test_against_the_sandbox_free_answers_come_first_and_no_unit_is_spent_twice(database_url, monkeypatch):
    """Real clients, lanes and stored answers: what is filled in is the library's own, ISBNdb is paid for the rest only."""
    library = Corpus.load(SandboxSettings().books)
    shelf = [book for book in library.editions if book.publisher and book.published and book.pages][:600:10]
    async with sandboxed(database_url, monkeypatch) as (system, lanes):
        await recorded(system, MAY, *(bare(book) for book in shelf))
        assert await system.follow_up.enrich() >= 0.95 * len(shelf)
        for book in shelf:
            row = await edition(system, Isbn13.parse(book.isbn13))
            assert row["publisher"] in {"", book.publisher}
            assert book.published.startswith(row["published"] or "")
            assert row["pages"] in {None, book.pages}
            assert row["enrich_at"] is None or row["enrich_note"].startswith("unknown to")
        known = await rows(system, "SELECT isbn13 FROM edition WHERE publisher <> '' AND published IS NOT NULL")
        assert len(known) >= 0.95 * len(shelf)
        free = await rows(system, "SELECT id FROM source_record WHERE provider = 'open_library'")
        spent = await units(lanes)
        assert len(shelf) - len(free) <= spent <= len(shelf) - 0.9 * len(free)
        await rows(system, "UPDATE edition SET enrich_at = now()")
        await system.follow_up.enrich()
        assert await units(lanes) == spent
        kept = await rows(system, "SELECT body::text FROM answer")
        assert not any(word in row["body"] for row in kept for word in ("image", "synops", "overview"))


@contextlib.asynccontextmanager
async def sandboxed(url: str, monkeypatch) -> AsyncIterator[tuple[Backfill, RateLimiter]]:
    """The two sources that answer in bulk, with a sandbox at their far end."""
    names = ("isbndb", "open_library")
    for name in names:
        monkeypatch.setenv(f"ALEXANDRIA_{name.upper()}_BASE_URL", f"http://sandbox/{name}")
        monkeypatch.setenv(f"ALEXANDRIA_{name.upper()}_RATE", "400")
    monkeypatch.setenv("ISBNDB_API_KEY", "sandbox-isbndb")
    settings = config.load()
    far_end = httpx2.ASGITransport(create_app(SandboxSettings(latency_scale=0, rates=dict.fromkeys(names, 400.0))))
    async with Database(url) as database, RateLimiter(url, database.pool, settings.providers) as lanes:
        answers = ResponseCache(database)

        def way(name):
            contact = "mailto:ops@library.test"
            return ProviderClient(settings.providers[name], lanes, answers, contact=contact, version="0", inner=far_end)

        sources = SourcePool([ISBNdb(way("isbndb")), OpenLibrary(way("open_library"))], Policy.BALANCED)
        yield compose(database, JobQueue(database), (), sources, allowances=lanes.status), lanes


def bare(book: Edition) -> EditionRecord:
    """What a month may know of a book: title, authors, number."""
    record = SourceRecord("wikidata", book.isbn13, WHEN)
    return EditionRecord(record, book.title, authors=book.authors, isbn13=Isbn13.parse(book.isbn13))


async def units(lanes: RateLimiter) -> int:
    return {lane.name: lane.used for lane in await lanes.status()}["isbndb"]
