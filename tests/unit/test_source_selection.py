"""Which source is asked next, and when has enough been heard: by policy, by how busy each is, and by what went wrong."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest

from alexandria.backfill.resolve import look_up
from alexandria.backfill.source_selection import MAX_CONSECUTIVE_FAILURES, Policy, SourcePool, SourceSelector
from alexandria.catalogue.models import Candidate, EditionRecord, Isbn13, PartialDate, SourceRecord
from alexandria.core import errors

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
BOOK = Candidate("Prophet Song", "Paul Lynch", 2023, 11)
FIRST, REPRINT, LARGE = "9780861545896", "9780802161512", "9781420516944"
RATES = {"open_library": 3.0, "google_books": 1.0, "internet_archive": 1.0, "wikidata": 1.0, "isbndb": 3.0}


@dataclass
class Shelf:
    """A source with the editions of BOOK that it is given, or a failure."""

    name: str
    holds: Sequence[EditionRecord] = ()
    failure: errors.ProviderError | None = None
    asked: int = 0
    rate: float = field(init=False)
    paid: bool = field(init=False)

    def __post_init__(self):
        self.rate, self.paid = RATES[self.name], self.name == "isbndb"

    async def find(self, candidate):
        self.asked += 1
        if self.failure:
            raise self.failure
        return self.holds


AUGUST = PartialDate(2023, 8)


def edition(source, isbn=FIRST, published=AUGUST, title="Prophet Song", **facts):
    record = SourceRecord(source, isbn, NOON)
    return EditionRecord(
        record, title, authors=("Paul Lynch",), isbn13=Isbn13.parse(isbn), published=published, **facts
    )


def shelves(**holding):
    return [Shelf(name, holding.get(name, ())) for name in RATES]


def asked(sources):
    return [source.name for source in sources if source.asked]


@pytest.mark.parametrize(
    ("policy", "order"),
    [
        (Policy.FRUGAL, ["open_library", "google_books", "internet_archive", "wikidata", "isbndb"]),
        (Policy.BALANCED, ["open_library", "google_books", "isbndb", "internet_archive", "wikidata"]),
        (Policy.EXACT, ["open_library", "isbndb", "google_books", "internet_archive", "wikidata"]),
    ],
)
def test_a_policy_decides_when_a_paid_source_is_asked(policy, order):
    assert [source.name for source in SourcePool(shelves(), policy).order()] == order


def test_work_goes_to_the_lane_with_room():
    """Expected waits: what is under way, over the rate; the operator's order breaks ties."""
    desk = SourcePool(shelves(), Policy.FRUGAL)
    desk.in_flight.update({"open_library": 6, "google_books": 1, "wikidata": 3})
    assert [source.name for source in desk.order()] == [
        "internet_archive", "google_books", "open_library", "wikidata", "isbndb",
    ]  # fmt: skip


async def test_many_books_at_once_spread_over_the_free_lanes():
    """With nothing else to go by, a lane gets books in proportion to its rate."""
    gate = asyncio.Event()

    class Slow(Shelf):
        async def find(self, candidate):
            self.asked += 1
            await gate.wait()
            return [edition(self.name)]

    sources = [Slow(name) for name in RATES]
    panel = SourceSelector(SourcePool(sources, Policy.BALANCED))
    looks = [asyncio.create_task(look_up(None, BOOK, panel)) for _ in range(60)]
    await asyncio.sleep(0)
    counts = {source.name: source.asked for source in sources}
    gate.set()
    await asyncio.gather(*looks)
    assert counts == {"open_library": 30, "google_books": 10, "internet_archive": 10, "wikidata": 10, "isbndb": 0}


@pytest.mark.parametrize("policy", [Policy.FRUGAL, Policy.BALANCED])
async def test_one_source_with_the_edition_that_was_meant_is_enough(policy):
    sources = shelves(open_library=[edition("open_library")], isbndb=[edition("isbndb")])
    found = await look_up(None, BOOK, SourceSelector(SourcePool(sources, policy)))
    assert (found.isbn13, found.source, asked(sources)) == (FIRST, "open_library", ["open_library"])


@pytest.mark.parametrize(
    "other",
    [
        edition("open_library", REPRINT, PartialDate(2027, 1)),
        edition("open_library", LARGE, title="Prophet Song (Large Print)"),
        edition("open_library", REPRINT, None),
        edition("open_library", REPRINT, language="de"),
    ],
    ids=["a reprint", "large print", "undated", "in another language"],
)
async def test_for_a_better_edition_free_sources_are_asked_and_paid_ones_are_not(other):
    """The first printed edition is kept although another one was found first."""
    sources = shelves(open_library=[other], wikidata=[edition("wikidata")], isbndb=[edition("isbndb")])
    found = await look_up(None, BOOK, SourceSelector(SourcePool(sources, Policy.BALANCED)))
    assert (found.isbn13, found.source) == (FIRST, "wikidata")
    assert asked(sources) == ["open_library", "google_books", "internet_archive", "wikidata"]
    assert [hit.isbn13 for hit in found.related] == [other.isbn13]


async def test_exact_takes_an_isbn_only_when_two_sources_know_the_book_and_one_is_paid():
    free = {"open_library": [edition("open_library")], "google_books": [edition("google_books")]}
    confirmed = await look_up(
        None, BOOK, SourceSelector(SourcePool(shelves(**free, isbndb=[edition("isbndb")]), Policy.EXACT))
    )
    assert confirmed.isbn13 == FIRST
    by_free_ones = await look_up(None, BOOK, SourceSelector(SourcePool(shelves(**free), Policy.EXACT)))
    assert (by_free_ones.isbn13, by_free_ones.accepted, by_free_ones.source) == (None, None, "")
    assert "isbndb does not" in by_free_ones.reason
    assert len(by_free_ones.considered) == 2
    alone = await look_up(None, BOOK, SourceSelector(SourcePool(shelves(isbndb=[edition("isbndb")]), Policy.EXACT)))
    assert alone.isbn13 is None
    assert "only isbndb knows it" in alone.reason


async def test_exact_makes_do_with_free_sources_when_the_paid_one_cannot_be_asked():
    free = {"open_library": [edition("open_library")], "wikidata": [edition("wikidata")]}
    sources = shelves(**free)
    sources[-1].failure = errors.KeyMissing("isbndb", "no key is configured")
    found = await look_up(None, BOOK, SourceSelector(SourcePool(sources, Policy.EXACT)))
    assert (found.isbn13, found.hindered) == (FIRST, False)
    assert found.unavailable == {"isbndb": "isbndb: no key is configured"}


@pytest.mark.parametrize(
    ("failure", "tries", "hindered"),
    [
        (errors.ProviderDown("open_library", "answered 503"), MAX_CONSECUTIVE_FAILURES, True),
        (errors.BadAnswer("open_library", "no JSON"), MAX_CONSECUTIVE_FAILURES, True),
        (errors.RateLimited("open_library", "refuses for speed"), 1, True),
        (errors.QuotaSpent("open_library", "spent", until=NOON), 1, True),
        (errors.KeyRefused("open_library", "refuses us"), 1, False),
        (errors.KeyMissing("open_library", "no key"), 1, False),
    ],
)
async def test_a_source_that_fails_is_left_alone_and_named(failure, tries, hindered):
    """What passes by itself is tried a few times and leaves the book to be looked up again; what does not, does not."""
    sources = shelves(google_books=[])
    sources[0].failure = failure
    panel = SourceSelector(SourcePool(sources, Policy.BALANCED))
    for _ in range(MAX_CONSECUTIVE_FAILURES + 2):
        found = await look_up(None, BOOK, panel)
        assert (found.unavailable, found.hindered) == ({"open_library": failure.message}, hindered)
        assert "not asked: open_library" in found.reason
    assert sources[0].asked == tries


async def test_a_success_renews_the_patience_with_a_source():
    sources = shelves()
    panel = SourceSelector(SourcePool(sources, Policy.BALANCED))
    for turn in range(3 * MAX_CONSECUTIVE_FAILURES):
        sources[0].failure = (
            None if turn % MAX_CONSECUTIVE_FAILURES == 0 else errors.ProviderDown("open_library", "answered 503")
        )
        await look_up(None, BOOK, panel)
    assert sources[0].asked == 3 * MAX_CONSECUTIVE_FAILURES
