"""Books that nobody found are looked up again, and books that are named twice are one work."""

import asyncio
import contextlib
import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from alexandria.backfill.composition import compose
from alexandria.backfill.queue import JobQueue
from alexandria.backfill.source_selection import Policy, SourcePool
from alexandria.catalogue.models import Candidate, EditionRecord, Isbn13, PartialDate, SourceRecord
from alexandria.core import errors
from alexandria.core.month import Month
from alexandria.database.pool import Database
from alexandria.providers.base import Call, SuggestResult
from alexandria.providers.response_cache import ResponseCache
from tests.support.filled_months import NOVEMBER, books_of, changed, process, row_of


async def query(backfill, statement, *values):
    async with backfill.scheduler.database.transaction() as connection:
        cursor = await connection.execute(statement, values)
        return await cursor.fetchall() if cursor.description else []


# Books that nobody finds, and books that are named twice


@dataclass
class Naming:
    """A generator that names these books, whatever the month."""

    books: list[Candidate]
    name: str = "gemini"

    @property
    def label(self):
        return f"{self.name}:named"

    async def suggest(self, month, variant, count):
        return SuggestResult(tuple(dataclasses.replace(book, named_by=(self.name,)) for book in self.books))


@dataclass
class Shelf:
    """A source with these editions by the title that is asked for, or a failure."""

    holds: dict[str, list[EditionRecord]] = field(default_factory=dict)
    name: str = "open_library"
    failure: errors.ProviderError | None = None
    asked: list[str] = field(default_factory=list)
    paid: bool = False

    async def find(self, candidate: Candidate) -> Sequence[EditionRecord]:
        self.asked.append(candidate.title)
        await asyncio.sleep(0)
        if self.failure:
            raise self.failure
        return self.holds.get(candidate.title, [])


def printed_as(title, author, isbn, published="2023-11", source="open_library", **facts):
    date = PartialDate.parse(published)
    record = SourceRecord(source, isbn, datetime.now(UTC))
    return EditionRecord(record, title, authors=(author,), isbn13=Isbn13.parse(isbn), published=date, **facts)


SONG = Candidate("Prophet Song", "Paul Lynch", 2023, 11)
STING = Candidate("The Bee Sting", "Paul Murray", 2023, 11)
HOLDS = {
    "Prophet Song": [printed_as("Prophet Song", "Paul Lynch", "9780861545896")],
    "The Bee Sting": [printed_as("The Bee Sting", "Paul Murray", "9780374600303")],
}


@pytest.fixture
async def acting(database_url):
    """`acting(sources, *generators)` is a Backfill on the test's database."""
    async with contextlib.AsyncExitStack() as stack:

        async def build(sources, *generators):
            database = await stack.enter_async_context(Database(database_url))
            jobs = JobQueue(database)
            await jobs.open()
            stack.push_async_callback(jobs.aclose)
            return compose(database, jobs, generators, SourcePool(sources, Policy.BALANCED))

        yield build


def days_ago(backfill, days):
    """The same backfill with a clock that is `days` late."""
    return changed(backfill, now=lambda: datetime.now(UTC) - timedelta(days=days))


async def test_an_unresolved_book_is_looked_up_after_a_week_after_a_month_and_never_again(acting):
    shelf = Shelf()
    backfill = await acting([shelf], Naming([SONG]))
    backfill = days_ago(backfill, 100)
    await process(backfill, NOVEMBER)
    for days, looks, due in ((100, 1, 93), (92, 2, 62), (61, 3, None)):
        backfill = days_ago(backfill, days)
        if looks > 1:
            assert await backfill.follow_up.recheck() == 0
        [book] = await books_of(backfill)
        assert (book["looks"], len(shelf.asked)) == (looks, looks)
        assert (book["isbn13"], book["reason"]) == (None, "no source knows it")
        again = book["look_again_at"]
        assert (
            again is None if due is None else abs(datetime.now(UTC) - timedelta(days=due) - again) < timedelta(hours=1)
        )
    assert await backfill.follow_up.recheck() == 0
    assert len(shelf.asked) == 3


VOLUMES = [Candidate(f"Addison Mathematics, Volume {n}", "Robert Eicholz", 2023, 11) for n in (1, 2)]
SET_NUMBER = {volume.title: [printed_as(volume.title, "Robert Eicholz", "9780201270006")] for volume in VOLUMES}


async def test_a_number_that_two_books_bear_is_kept_for_one_of_them(acting):
    """A set's number in the record of each volume: both stay, and the second is not taken for the first."""
    backfill = await acting([Shelf(SET_NUMBER)], Naming(VOLUMES))
    await process(backfill, NOVEMBER)
    first, second = await books_of(backfill)
    assert (first["isbn13"], second["isbn13"]) == ("9780201270006", None)
    assert (
        second["reason"] == "its ISBN 9780201270006 proves nothing: it is also that of 'Addison Mathematics, Volume 1'"
    )
    assert first["work_id"] != second["work_id"]
    assert (await row_of(backfill))["isbns_resolved"] == 1


async def test_a_number_that_the_catalogue_holds_for_another_book_proves_nothing(acting):
    backfill = await acting([Shelf(SET_NUMBER)], Naming(VOLUMES[:1]))
    await process(backfill, NOVEMBER)
    backfill = changed(backfill, generators=[Naming(VOLUMES[1:])])
    await process(backfill, Month(2023, 12))
    [book] = await books_of(backfill, Month(2023, 12))
    assert book["isbn13"] is None
    assert book["reason"].startswith("its ISBN 9780201270006 proves nothing: the catalogue holds it as")
    titles = await query(backfill, "SELECT title FROM work WHERE EXISTS (SELECT FROM edition WHERE work_id = work.id)")
    assert [row["title"] for row in titles] == ["Addison Mathematics, Volume 1"]


async def test_a_book_that_is_not_due_is_left_alone(acting):
    shelf = Shelf()
    backfill = await acting([shelf], Naming([SONG]))
    await process(backfill, NOVEMBER)
    shelf.holds = HOLDS
    assert await backfill.follow_up.recheck() == 0
    assert len(shelf.asked) == 1


async def test_a_further_lookup_corrects_the_month(acting):
    """ISBN, counters and rate; the work that only the model's spelling had is replaced by the real one."""
    misspelt = dataclasses.replace(STING, title="The Bee Stign")
    shelf = Shelf({"Prophet Song": HOLDS["Prophet Song"]})
    backfill = await acting([shelf], Naming([SONG, misspelt]))
    backfill = days_ago(backfill, 30)
    await process(backfill, NOVEMBER)
    assert {row["title"] for row in await query(backfill, "SELECT title FROM work")} == {
        "Prophet Song",
        "The Bee Stign",
    }
    row = await row_of(backfill)
    assert (row["isbns_resolved"], row["isbns_queued"], float(row["resolution_rate"])) == (1, 1, 50.0)
    shelf.holds = {"The Bee Stign": HOLDS["The Bee Sting"]}
    backfill = days_ago(backfill, 0)
    assert await backfill.follow_up.recheck() == 1
    row = await row_of(backfill)
    assert (row["books_generated"], row["isbns_resolved"], row["isbns_queued"]) == (2, 2, 2)
    assert float(row["resolution_rate"]) == 100.0
    book = (await books_of(backfill))[1]
    assert (book["isbn13"], book["source"], book["in_month"]) == ("9780374600303", "open_library", "confirmed")
    assert (book["looks"], book["look_again_at"]) == (2, None)
    assert {row["title"] for row in await query(backfill, "SELECT title FROM work")} == {
        "Prophet Song",
        "The Bee Sting",
    }
    assert await backfill.follow_up.recheck() == 0


async def test_a_lookup_with_an_unavailable_source_does_not_count(acting):
    """A spent quota is no answer: once more when the new day has begun, as often as it takes."""
    shelf, other = Shelf(), Shelf(name="wikidata")
    backfill = await acting([shelf, other], Naming([SONG]))
    backfill = days_ago(backfill, 30)
    await process(backfill, NOVEMBER)
    shelf.failure = errors.QuotaSpent("open_library", "spent", until=datetime.now(UTC))
    for days in (20, 10):
        backfill = days_ago(backfill, days)
        assert await backfill.follow_up.recheck() == 0
        [book] = await books_of(backfill)
        assert book["looks"] == 1
        assert book["look_again_at"].date() == (datetime.now(UTC) - timedelta(days=days - 1)).date()
        assert book["unavailable"] == {"open_library": "open_library: spent"}
    shelf.failure, shelf.holds = None, HOLDS
    assert await backfill.follow_up.recheck() == 1


async def test_further_lookups_keep_to_their_budget_newest_months_first(acting):
    """Requests of today for further looks count, those of months do not; each book that is due may cost one a source."""
    shelf = Shelf()
    backfill = await acting([shelf, Shelf(name="wikidata")], Naming([SONG, STING]))
    backfill = days_ago(backfill, 30)
    await process(backfill, Month(2022, 11), NOVEMBER)
    backfill = days_ago(backfill, 0)
    answers = ResponseCache(backfill.scheduler.database)
    for month, token in (
        (NOVEMBER, None),
        (NOVEMBER, None),
        (NOVEMBER, (await query(backfill, "SELECT token FROM attempt"))[0]["token"]),
    ):
        await answers.record(Call("open_library", "/", datetime.now(UTC), 5, 1, 200, "", month, token))
    shelf.asked.clear()
    for calls, looked in (
        (2, []),
        (3, []),
        (4, ["Prophet Song"]),
        (20, ["The Bee Sting", "Prophet Song", "The Bee Sting"]),
    ):
        shelf.asked.clear()
        await changed(backfill, recheck_calls=calls).follow_up.recheck()
        assert sorted(shelf.asked) == sorted(looked)
    assert [book["looks"] for book in await books_of(backfill)] == [2, 2]


async def test_two_workers_never_look_up_the_same_book(acting):
    shelf = Shelf()
    backfill = await acting([shelf], Naming([SONG, STING]))
    backfill = days_ago(backfill, 8)  # the first further look is due, the one after it is not
    await process(backfill, NOVEMBER)
    shelf.asked.clear()
    await asyncio.gather(*(backfill.follow_up.recheck() for _ in range(4)))
    assert sorted(shelf.asked) == ["Prophet Song", "The Bee Sting"]


async def test_a_lookup_for_a_month_that_was_filled_again_changes_nothing(acting):
    """The month is done again while the source is asked: what the look finds belongs to no candidate any more."""
    shelf = Shelf()
    backfill = await acting([shelf], Naming([SONG]))
    backfill = days_ago(backfill, 30)
    await process(backfill, NOVEMBER)

    class Meanwhile(Shelf):
        async def find(self, candidate):
            if not self.asked:
                self.asked.append(candidate.title)
                await process(changed(backfill, sources=[shelf], generators=(Naming([STING]),)), NOVEMBER)
            return HOLDS[candidate.title]

    assert await changed(backfill, sources=[Meanwhile()]).follow_up.recheck() == 0
    [book] = await books_of(backfill)
    assert (book["title"], book["isbn13"]) == ("The Bee Sting", None)


async def test_one_work_from_two_generators_two_sources_and_two_months(acting):
    """Whatever the spelling, it is stored once, and the second month asks nobody."""
    spellings = [
        Candidate("The Shadow of the Wind", "Carlos Ruiz Zafón", 2004, 4),
        Candidate("SHADOW OF THE WIND, THE", "Ruiz Zafon, Carlos", 2004, 4),
        Candidate("The Shadow of the Wind: A Novel", "C. Ruiz Zafón", 2004, 4),
    ]
    one = printed_as("The Shadow of the Wind", "Carlos Ruiz Zafón", "9781594200106", "2004-04")
    twin = printed_as("The shadow of the wind", "Ruiz Zafón, Carlos", "9780753819319", "2005", source="wikidata")
    sources = [
        Shelf({spelling.title: [one] for spelling in spellings[:1]}),
        Shelf({spelling.title: [twin] for spelling in spellings}, name="wikidata"),
    ]
    backfill = await acting(sources, Naming(spellings[:1]), Naming(spellings[1:2], name="xai"))
    await process(backfill, Month(2004, 4))
    await process(changed(backfill, generators=(Naming(spellings[2:]),)), Month(2004, 5))
    assert len(await query(backfill, "SELECT id FROM work")) == 1
    assert len(await query(backfill, "SELECT id FROM contributor")) == 1
    [first] = await books_of(backfill, Month(2004, 4))
    [second] = await books_of(backfill, Month(2004, 5))
    assert first["named_by"] == ["gemini", "xai"]
    assert (second["source"], second["work_id"]) == ("catalogue", first["work_id"])
    assert (first["in_month"], second["in_month"]) == ("confirmed", "contradicted")
    assert all(len(source.asked) <= 1 for source in sources)


async def test_five_titles_that_are_not_latin_are_five_works(acting):
    """Found or not, nothing of one script folds into another, and the next month recognises each."""
    titles = [("罪と罰", "村上春樹"), ("戦争と平和", "村上春樹"), ("Война и мир", "Лев Толстой"),
              ("गोदान", "प्रेमचंद"), ("ثلاثية القاهرة", "نجيب محفوظ")]  # fmt: skip
    isbns = ["9784101010014", "9784003261811", "9785170833719", None, None]
    books = [Candidate(title, author, 2004) for title, author in titles]
    holds = {
        book.title: [printed_as(book.title, book.author, isbn, "2004")]
        for book, isbn in zip(books, isbns, strict=True)
        if isbn
    }
    shelf = Shelf(holds)
    backfill = await acting([shelf], Naming(books))
    await process(backfill, Month(2004, 4))
    assert {row["title"] for row in await query(backfill, "SELECT title FROM work")} == {book.title for book in books}
    shelf.asked.clear()
    await process(backfill, Month(2004, 5))
    assert sorted(shelf.asked) == sorted(book.title for book, isbn in zip(books, isbns, strict=True) if isbn is None)
    assert len(await query(backfill, "SELECT id FROM work")) == len(books)


async def test_other_editions_of_the_work_are_stored_as_related(acting):
    """The first printed one near the named month is the book's; the reprint and the large print are kept beside it."""
    hits = [
        printed_as("Prophet Song", "Paul Lynch", "9780802161512", "2027-01", publisher="Reprints"),
        printed_as("Prophet Song (Large Print)", "Paul Lynch", "9781420516944"),
        *HOLDS["Prophet Song"],
        printed_as("Prophet Song: A Study Guide", "Study Press", "9780374600303"),
    ]
    backfill = await acting([Shelf({"Prophet Song": hits})], Naming([SONG]))
    await process(backfill, NOVEMBER)
    rows = await query(backfill, "SELECT isbn13, related FROM edition ORDER BY related, isbn13")
    assert [(row["isbn13"], row["related"]) for row in rows] == [
        ("9780861545896", False), ("9780802161512", True), ("9781420516944", True),
    ]  # fmt: skip
    row = await row_of(backfill)
    assert (row["isbns_resolved"], row["isbns_queued"]) == (1, 1)
