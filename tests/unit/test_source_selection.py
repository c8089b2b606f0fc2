"""Which sources are asked about a book, and whose records decide: by policy and by what went wrong, never by load."""

import asyncio
import itertools
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import pytest

from alexandria.backfill.first_source import later_order
from alexandria.backfill.resolve import look_up
from alexandria.backfill.source_selection import MAX_CONSECUTIVE_FAILURES, Policy, SourcePool, SourceSelector
from alexandria.catalogue.models import Candidate, EditionRecord, Isbn13, PartialDate, SourceRecord
from alexandria.core import errors
from alexandria.core.provider_facts import PROVIDERS

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
BOOK = Candidate("Prophet Song", "Paul Lynch", 2023, 11)
FIRST, REPRINT, LARGE = "9780861545896", "9780802161512", "9781420516944"
NAMES = ("open_library", "google_books", "internet_archive", "wikidata", "isbndb")


@dataclass
class Shelf:
    """A source with the editions of BOOK that it is given, or a failure."""

    name: str
    holds: Sequence[EditionRecord] = ()
    failure: errors.ProviderError | None = None
    asked: int = 0
    paid: bool = field(init=False)

    def __post_init__(self):
        self.paid = self.name == "isbndb"

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
    return [Shelf(name, holding.get(name, ())) for name in NAMES]


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
def test_a_policy_sets_the_order_in_which_sources_are_asked(policy, order):
    assert [source.name for source in SourcePool(shelves(), policy).order(BOOK, {})] == order


@pytest.mark.parametrize("policy", Policy)
async def test_equal_books_get_one_answer_whatever_else_is_under_way(policy):
    """Each source knows another edition, and answers sooner or later by chance: forty equal books, all at once."""
    chance = random.Random(1)  # delays

    class Slow(Shelf):
        async def find(self, candidate):
            for _ in range(chance.randrange(20)):
                await asyncio.sleep(0)
            return await super().find(candidate)

    isbns = (REPRINT, FIRST, LARGE, "9780802163622", "9781035418275")
    held = {name: [edition(name, isbn, None)] for name, isbn in zip(NAMES, isbns, strict=True)}
    selector = SourceSelector(SourcePool([Slow(name, held[name]) for name in NAMES], policy))
    found = await asyncio.gather(*(look_up(None, BOOK, selector) for _ in range(40)))
    assert all(other == found[0] for other in found)
    assert found[0].isbn13 is not None


@pytest.mark.parametrize("policy", [Policy.FRUGAL, Policy.BALANCED])
@pytest.mark.parametrize("isbn", [FIRST, REPRINT])
async def test_the_first_source_that_knows_the_book_chooses_its_edition(policy, isbn):
    """No source behind it is asked, so none of them decides in one run and not in the next."""
    sources = shelves(google_books=[edition("google_books", isbn, None)], wikidata=[edition("wikidata")])
    found = await look_up(None, BOOK, SourceSelector(SourcePool(sources, policy)))
    assert (found.isbn13, found.source) == (isbn, "google_books")
    assert asked(sources) == ["open_library", "google_books"]


async def test_of_the_editions_that_a_source_knows_the_meant_one_is_chosen():
    held = [
        edition("open_library", LARGE, title="Prophet Song (Large Print)"),
        edition("open_library", REPRINT, PartialDate(2027, 1)),
        edition("open_library"),
    ]
    for shelved in itertools.permutations(held):
        sources = shelves(open_library=shelved)
        found = await look_up(None, BOOK, SourceSelector(SourcePool(sources, Policy.BALANCED)))
        assert found.isbn13 == FIRST
        assert {hit.isbn13 for hit in found.related} == {REPRINT, LARGE}


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


async def test_an_edition_under_another_title_does_not_end_the_search():
    """A translation is taken where no source has an edition with the title named."""
    foreign = edition("open_library", REPRINT, title="Das Lied", other_titles=("Prophet Song",), first_published=2023)
    own = edition("wikidata", title="Prophet Song")
    for held, isbn in (([own], FIRST), ([], REPRINT)):
        sources = shelves(open_library=[foreign], wikidata=held)
        found = await look_up(None, BOOK, SourceSelector(SourcePool(sources, Policy.BALANCED)))
        assert found.isbn13 == isbn
        assert len(asked(sources)) == len(NAMES)


@pytest.mark.parametrize(
    ("failure", "marked"),
    [
        (errors.KeyMissing("isbndb", "no key is configured"), False),
        (errors.ProviderDown("isbndb", "answered 503"), True),
    ],
)
async def test_exact_makes_do_with_free_sources_when_the_paid_one_cannot_be_asked(failure, marked):
    """At its first failure as at its later ones, and the edition is marked unless there is no key at all."""
    free = {"open_library": [edition("open_library")], "wikidata": [edition("wikidata")]}
    sources = shelves(**free)
    sources[-1].failure = failure
    selector = SourceSelector(SourcePool(sources, Policy.EXACT))
    for _ in range(MAX_CONSECUTIVE_FAILURES + 1):
        found = await look_up(None, BOOK, selector)
        assert (found.isbn13, found.hindered) == (FIRST, marked)
        assert found.unavailable == {"isbndb": failure.message}
        assert found.reason.endswith("; chosen without asking: isbndb") is marked


async def test_an_edition_that_was_chosen_without_a_source_says_so():
    """Open Library, asked first, would have chosen another one."""
    sources = shelves(open_library=[edition("open_library")], google_books=[edition("google_books", REPRINT)])
    sources[0].failure = errors.ProviderDown("open_library", "answered 503")
    without = await look_up(None, BOOK, SourceSelector(SourcePool(sources, Policy.BALANCED)))
    assert without.isbn13 == REPRINT
    assert without.reason.endswith("; chosen without asking: open_library")
    sources[0].failure = None
    found = await look_up(None, BOOK, SourceSelector(SourcePool(sources, Policy.BALANCED)))
    assert found.isbn13 == FIRST
    assert "without" not in found.reason


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


# The source at which a book begins

EVENLY = dict.fromkeys(NAMES, 1.0)


def begun(book, policy, weights=EVENLY):
    return [source.name for source in SourcePool(shelves(), policy).order(book, weights)]


def test_books_begin_at_each_source_in_proportion_to_its_weight():
    books = [Candidate(f"Title {number}", "Ann Author") for number in range(3000)]
    drawn = Counter(
        begun(book, Policy.BALANCED, {"open_library": 3.0, "isbndb": 2.0, "wikidata": 1.0})[0] for book in books
    )
    shares = {"open_library": 3 / 6, "isbndb": 2 / 6, "wikidata": 1 / 6}
    assert {name: number / len(books) for name, number in drawn.items()} == pytest.approx(shares, abs=0.03)


@pytest.mark.parametrize("spelt", [("PROPHET SONG", "Lynch, Paul"), ("Prophet song.", "Paul Lynch")])
def test_a_book_begins_at_one_source_however_it_is_spelt(spelt):
    for number in range(30):
        weights = {name: 1.0 + (position + number) % 5 for position, name in enumerate(NAMES)}
        assert begun(Candidate(*spelt), Policy.BALANCED, weights) == begun(BOOK, Policy.BALANCED, weights)


def test_a_source_without_a_share_changes_nothing_for_the_books_of_the_others():
    books = [Candidate(f"Title {number}", "Ann Author") for number in range(200)]
    for book in books:
        if (first := begun(book, Policy.BALANCED)[0]) != "wikidata":
            assert begun(book, Policy.BALANCED, {name: 1.0 for name in NAMES if name != "wikidata"})[0] == first


def test_the_paid_source_begins_books_by_one_policy_and_keeps_its_place_in_the_others():
    books = [Candidate(f"Title {number}", "Ann Author") for number in range(200)]
    places = {policy: {begun(book, policy).index("isbndb") for book in books} for policy in Policy}
    assert places == {Policy.FRUGAL: {4}, Policy.BALANCED: {0, 3}, Policy.EXACT: {1}}
    without = {name: 1.0 for name in NAMES if name != "isbndb"}
    assert {begun(book, Policy.BALANCED, without).index("isbndb") for book in books} == {2}


def test_sources_behind_the_first_one_change_places_as_often_as_their_weights_say():
    books = [Candidate(f"Title {number}", "Ann Author") for number in range(2000)]
    at_open_library, at_isbndb = ({"open_library": 1.0}, {"isbndb": 1.0})
    orders = Counter(tuple(begun(book, Policy.FRUGAL, at_open_library)) for book in books)
    usual = ("open_library", "google_books", "internet_archive", "wikidata", "isbndb")
    other = ("open_library", "internet_archive", "google_books", "wikidata", "isbndb")
    weights = [PROVIDERS[name].later_weight for name in ("google_books", "internet_archive")]
    assert orders.keys() == {usual, other}
    assert orders[usual] / len(books) == pytest.approx(weights[0] / sum(weights), abs=0.03)
    for book in books[:200]:
        behind = begun(book, Policy.BALANCED, at_isbndb)[1:]
        assert behind == begun(book, Policy.FRUGAL, at_open_library)[:-1]


@pytest.mark.parametrize("spelt", [("PROPHET SONG", "Lynch, Paul"), ("Prophet song.", "Paul Lynch")])
def test_the_order_behind_the_first_one_is_that_of_the_book_however_it_is_spelt(spelt, monkeypatch):
    for number in range(30):
        drawn = replace(PROVIDERS["internet_archive"], later_weight=0.2 + number / 10)
        monkeypatch.setitem(PROVIDERS, "internet_archive", drawn)
        assert begun(Candidate(*spelt), Policy.BALANCED) == begun(BOOK, Policy.BALANCED)


def test_sources_that_do_not_change_places_keep_the_order_that_is_set():
    names = ("wikidata", "internet_archive", "isbndb", "google_books", "open_library")
    for number in range(200):
        book = Candidate(f"Title {number}", "Ann Author")
        order = later_order(book, names)
        assert sorted(order) == sorted(names)
        assert [order.index(name) for name in ("wikidata", "isbndb", "open_library")] == [0, 2, 4]
        assert later_order(book, ["wikidata", "google_books"]) == ["wikidata", "google_books"]


@dataclass
class WideShelf(Shelf):
    """A source that may know a book by a wider search alone."""

    wider: Sequence[EditionRecord] = ()
    asked_widely: int = 0

    async def find_widely(self, candidate):
        self.asked_widely += 1
        if self.failure:
            raise self.failure
        return self.wider


async def test_a_wider_search_comes_after_all_others_and_at_one_source_alone():
    wide = [WideShelf("open_library", wider=[edition("open_library")]), WideShelf("google_books")]
    last = Shelf("wikidata", [edition("wikidata", REPRINT)])
    known = await look_up(None, BOOK, SourceSelector(SourcePool([*wide, last], Policy.BALANCED)))
    assert (known.isbn13, [each.asked_widely for each in wide]) == (REPRINT, [0, 0])
    last.holds = ()
    found = await look_up(None, BOOK, SourceSelector(SourcePool([*wide, last], Policy.BALANCED)))
    assert (found.isbn13, [each.asked_widely for each in wide]) == (FIRST, [1, 0])
    wide[0].failure = errors.ProviderDown("open_library", "answered 503")
    wide[1].wider = [edition("google_books")]
    instead = await look_up(None, BOOK, SourceSelector(SourcePool([*wide, last], Policy.BALANCED)))
    assert (instead.source, [each.asked_widely for each in wide]) == ("google_books", [1, 1])


async def test_an_empty_shelf_of_known_records_is_not_searched_widely():
    """What a source has found under the words named it would find again."""
    other = WideShelf(
        "open_library", [edition("open_library", title="Quite Another Book")], wider=[edition("open_library")]
    )
    found = await look_up(None, BOOK, SourceSelector(SourcePool([other], Policy.BALANCED)))
    assert (found.isbn13, other.asked_widely) == (None, 0)
