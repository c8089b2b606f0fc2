"""ISBNs that a list gives are used if they are of the book beside them, and reported if they are not."""

import dataclasses
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from alexandria.backfill import resolve_list
from alexandria.backfill.lists import files
from alexandria.backfill.source_selection import Policy, SourcePool
from alexandria.catalogue.models import EditionRecord, Isbn13, PartialDate, SourceRecord
from alexandria.core import errors
from alexandria.database.pool import Database

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
SONG, ORBITAL, ELSE = (Isbn13.parse(isbn) for isbn in ("9780861545896", "9780802163622", "9780374600303"))
KNOWN = {SONG: ("Prophet Song", "Paul Lynch"), ORBITAL: ("Orbital", "Samantha Harvey")}


def record(isbn, provider):
    title, author = KNOWN[isbn]
    source = SourceRecord(provider, isbn, NOW)
    return EditionRecord(source, title, authors=(author,), isbn13=isbn, published=PartialDate(2023, 8))


@dataclass
class BulkShelf:
    """A source that knows `holds`, by title and in bulk by ISBN, or fails."""

    name: str = "open_library"
    paid: bool = False
    holds: tuple[Isbn13, ...] = tuple(KNOWN)
    failure: errors.ProviderError | None = None
    searches: list[str] = field(default_factory=list)
    lookups: list[list[Isbn13]] = field(default_factory=list)

    async def find(self, candidate):
        self.searches.append(candidate.title)
        return [record(isbn, self.name) for isbn in self.holds if KNOWN[isbn][0] == candidate.title]

    async def by_isbns(self, isbns):
        self.lookups.append(list(isbns))
        if self.failure:
            raise self.failure
        return {isbn: record(isbn, self.name) for isbn in self.lookups[-1] if isbn in self.holds}


async def answered(text, *sources, url):
    books = files.read(text.encode(), {})
    async with (
        Database(url) as database,
        aclosing(resolve_list.answers(books.lines, SourcePool(sources, Policy.BALANCED), database)) as answers,
    ):
        return [answer async for answer in answers]


async def test_a_given_isbn_that_is_of_the_book_needs_no_search(database_url):
    shelf = BulkShelf()
    text = f'Title,Author,ISBN\nProphet Song,Paul Lynch,{SONG}\nORBITAL: a novel,"Harvey, S.",0-8021-6362-9\n'
    found = await answered(text, shelf, url=database_url)
    assert [(one.isbn13, one.verdict, one.source) for one in found] == [
        (SONG, "accept", "open_library"), (ORBITAL, "accept", "open_library"),
    ]  # fmt: skip
    assert found[0].reasons[:2] == [f"the given ISBN {SONG} is of this book", "same title"]
    assert (shelf.searches, shelf.lookups) == ([], [[SONG, ORBITAL]])


async def test_an_isbn_that_the_title_contradicts_is_reported_and_the_right_one_found(database_url):
    [found] = await answered(f"Title,Author,ISBN\nProphet Song,Paul Lynch,{ORBITAL}\n", BulkShelf(), url=database_url)
    assert (found.isbn13, found.verdict) == (SONG, "accept")
    assert (
        found.reasons[0] == f"the given ISBN {ORBITAL} is of another book: 'Orbital' by Samantha Harvey; another title"
    )
    [found] = await answered(f"Title,Author,ISBN\nNo Such Book,Nemo,{ORBITAL}\n", BulkShelf(), url=database_url)
    assert (found.isbn13, found.verdict) == (None, "refuse")
    assert "is of another book" in found.reasons[0]


async def test_unknown_and_misprinted_isbns_are_reported(database_url):
    text = f"Title,Author,ISBN\nProphet Song,Paul Lynch,{ELSE}\nOrbital,Samantha Harvey,978-0-8021-6362-3\n"
    first, second = await answered(text, BulkShelf(), url=database_url)
    assert (first.isbn13, first.reasons[0]) == (SONG, f"no source knows the given ISBN {ELSE}")
    assert (second.isbn13, second.reasons[0]) == (ORBITAL, "'978-0-8021-6362-3' is no ISBN")


async def test_a_paid_source_is_asked_only_for_what_the_free_ones_do_not_know(database_url):
    free, paid = BulkShelf(holds=(SONG,)), BulkShelf("isbndb", paid=True)
    text = f"Title,Author,ISBN\nProphet Song,Paul Lynch,{SONG}\nOrbital,Samantha Harvey,{ORBITAL}\n"
    found = await answered(text, paid, free, url=database_url)
    assert [one.source for one in found] == ["open_library", "isbndb"]
    assert (free.lookups, paid.lookups) == ([[SONG, ORBITAL]], [[ORBITAL]])


@pytest.mark.parametrize(
    "failure",
    [
        errors.ProviderDown("open_library", "answered 503"),
        errors.QuotaSpent("open_library", "spent", until=NOW + timedelta(1)),
    ],
    ids=["down", "spent"],
)
async def test_a_source_that_cannot_be_asked_for_an_isbn_stops_nothing(failure, database_url):
    shelf = BulkShelf(failure=failure)
    [found] = await answered(f"Title,Author,ISBN\nProphet Song,Paul Lynch,{SONG}\n", shelf, url=database_url)
    assert (found.isbn13, found.verdict) == (SONG, "accept")
    assert found.reasons[0] == f"no source knows the given ISBN {SONG} (not asked: open_library)"


async def test_json_lines_give_isbns_too(database_url):
    line = f'{{"id": 1, "title": "Prophet Song", "author": "Paul Lynch", "isbn13": ["{ELSE}", {SONG}]}}\n'
    shelf = BulkShelf()
    [found] = await answered(line, shelf, url=database_url)
    assert (found.id, found.isbn13, shelf.searches) == (1, SONG, [])
    assert dataclasses.asdict(found).keys() == {"id", "isbn13", "verdict", "score", "source", "reasons"}
