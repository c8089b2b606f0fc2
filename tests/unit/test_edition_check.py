"""An edition that may not be the one meant is checked by the paid source: for a month in one request, and never for certain ones."""

from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest
from stdnum import ean

from alexandria.backfill.look_up import MAX_ISBNS_CHECKED, LookUp, check_editions
from alexandria.backfill.resolve import look_up
from alexandria.backfill.source_selection import Policy, SourcePool, SourceSelector
from alexandria.catalogue.curation import Refusals
from alexandria.catalogue.models import Candidate, EditionRecord, Isbn13, PartialDate, SourceRecord
from alexandria.core import errors

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
BOOK = Candidate("Prophet Song", "Paul Lynch", 2023, 8)
FIRST, REPRINT = "9780861545896", "9780802161512"
AUGUST, REPRINTED = PartialDate(2023, 8), PartialDate(2026, 3)


@dataclass
class Free:
    """A source that asks for nothing and knows some editions."""

    holds: list[EditionRecord]
    name: str = "open_library"
    paid: bool = False

    async def find(self, candidate):
        return [hit for hit in self.holds if hit.title == candidate.title]


@dataclass
class Paid:
    """The source that costs, which knows editions by their ISBNs and by a search, or fails."""

    numbered: list[EditionRecord] = field(default_factory=list)
    found: list[EditionRecord] = field(default_factory=list)
    failure: errors.ProviderError | None = None
    name: str = "isbndb"
    paid: bool = True
    bulks: list[list[str]] = field(default_factory=list)
    searches: int = 0

    async def find(self, candidate):
        self.searches += 1
        return self.found

    async def by_isbns(self, isbns):
        self.bulks.append(list(isbns))
        if self.failure:
            raise self.failure
        return {hit.isbn13: hit for hit in self.numbered if hit.isbn13 in self.bulks[-1]}


def edition(source, number, published, *, title="Prophet Song", related=()):
    return EditionRecord(
        SourceRecord(source, number, NOON),
        title,
        authors=("Paul Lynch",),
        isbn13=Isbn13.parse(number),
        published=published,
        related=tuple(map(Isbn13.parse, related)),
    )


def selector(free, paid, policy=Policy.BALANCED):
    return SourceSelector(SourcePool([Free(free), paid], policy))


def of_paid():
    return [edition("isbndb", FIRST, AUGUST), edition("isbndb", REPRINT, REPRINTED)]


@pytest.mark.parametrize("published", [None, REPRINTED, PartialDate(2020)])
async def test_an_edition_that_is_undated_or_of_another_time_gives_way_to_the_one_of_the_named_time(published):
    paid = Paid(of_paid())
    free = [edition("open_library", REPRINT, published, related=[FIRST])]
    found = await look_up(None, BOOK, selector(free, paid))
    assert found.isbn13 == FIRST
    assert paid.bulks == [[REPRINT, FIRST]]
    assert paid.searches == 0
    assert {scored.hit.source.provider for scored in found.considered} == {"open_library", "isbndb"}


@pytest.mark.parametrize("published", [AUGUST, PartialDate(2023), PartialDate(2023, 9)])
async def test_an_edition_of_the_named_time_is_not_checked(published):
    paid = Paid(of_paid())
    found = await look_up(None, BOOK, selector([edition("open_library", REPRINT, published, related=[FIRST])], paid))
    assert (found.isbn13, paid.bulks, paid.searches) == (REPRINT, [], 0)


async def test_without_a_named_year_or_with_paid_sources_as_a_last_resort_nothing_is_checked():
    free = [edition("open_library", REPRINT, None, related=[FIRST])]
    for candidate, policy in ((Candidate("Prophet Song", "Paul Lynch"), Policy.BALANCED), (BOOK, Policy.FRUGAL)):
        paid = Paid(of_paid())
        found = await look_up(None, candidate, selector(free, paid, policy))
        assert (found.isbn13, paid.bulks) == (REPRINT, [])


async def test_a_reprint_whose_other_numbers_no_source_lists_is_searched_for():
    paid = Paid([edition("isbndb", REPRINT, REPRINTED)], found=of_paid())
    found = await look_up(None, BOOK, selector([edition("open_library", REPRINT, REPRINTED)], paid))
    assert (found.isbn13, len(paid.bulks), paid.searches) == (FIRST, 1, 1)


@pytest.mark.parametrize(("held", "isbn"), [(FIRST, FIRST), (REPRINT, REPRINT)])
async def test_where_the_paid_source_knows_a_reprint_alone_one_more_source_is_asked(held, isbn):
    paid = Paid(found=[edition("isbndb", REPRINT, REPRINTED)])
    sources = [
        Free([edition(name, held, REPRINTED if held == REPRINT else None)], name)
        for name in ("open_library", "wikidata")
    ]
    asked = []

    async def at_paid():
        return {"isbndb": 1.0}

    class Heard(Free):
        async def find(self, candidate):
            asked.append(self.name)
            return await Free.find(self, candidate)

    sources = [Heard(each.holds, each.name) for each in sources]
    found = await look_up(None, BOOK, SourceSelector(SourcePool([*sources, paid], Policy.BALANCED, weights=at_paid)))
    assert (found.isbn13, asked, paid.searches, paid.bulks) == (isbn, ["open_library"], 1, [])


async def test_the_editions_of_many_books_are_checked_in_one_request():
    numbers = {"Prophet Song": (REPRINT, FIRST), "Grace": ("9780316316309", "9780316316316")}
    free = [
        edition("open_library", held, None, title=title, related=[meant]) for title, (held, meant) in numbers.items()
    ]
    paid = Paid([edition("isbndb", meant, AUGUST, title=title) for title, (_, meant) in numbers.items()])
    asked = selector(free, paid)
    begun = [await LookUp(None, Candidate(title, "Paul Lynch", 2023, 8)).prove(asked) for title in numbers]
    await check_editions(begun, asked)
    assert [each.result(asked).isbn13 for each in begun] == [meant for _, meant in numbers.values()]
    assert len(paid.bulks) == 1
    alone = [await look_up(None, each.candidate, selector(free, Paid(paid.numbered))) for each in begun]
    assert alone == [each.result(asked) for each in begun]


async def test_a_few_numbers_of_a_work_are_asked_about():
    bodies = [f"97808021{at:04d}" for at in range(MAX_ISBNS_CHECKED + 5)]
    related = [body + ean.calc_check_digit(body) for body in bodies]
    paid = Paid()
    await look_up(None, BOOK, selector([edition("open_library", REPRINT, None, related=related)], paid))
    assert len(paid.bulks[0]) == MAX_ISBNS_CHECKED
    assert paid.bulks[0][0] == REPRINT


@pytest.mark.parametrize(
    ("failure", "ending", "unavailable"),
    [
        (errors.QuotaSpent("isbndb", "the day's calls are used up", until=NOON), "chosen without asking: isbndb", True),
        (errors.KeyMissing("isbndb", "no key"), "", False),
    ],
)
async def test_without_the_paid_source_the_edition_stays_and_says_so(failure, ending, unavailable):
    paid = Paid(failure=failure)
    found = await look_up(None, BOOK, selector([edition("open_library", REPRINT, None, related=[FIRST])], paid))
    assert found.isbn13 == REPRINT
    assert found.reason.endswith(ending)
    assert ("isbndb" in found.unavailable) is unavailable


async def test_an_isbn_that_a_person_rejected_is_not_taken_by_the_check():
    refusals = Refusals(isbns={Isbn13.parse(FIRST): "rejected by a person"})
    free = [edition("open_library", REPRINT, None, related=[FIRST])]
    found = await look_up(None, BOOK, selector(free, Paid(of_paid())), refusals)
    assert found.isbn13 == REPRINT
