"""Which of two values stays, whom is asked about what, and what follows when a source cannot answer."""

import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from alexandria.backfill.enrich import FIRST_PAUSE, MAX_LOOKUPS, MAX_PAUSE, UNKNOWN_RETRY_DELAY, Room, better, enrich
from alexandria.backfill.repositories.enrichment import FIELDS, Holding
from alexandria.backfill.repositories.source_rests import Rest
from alexandria.backfill.source_selection import Policy
from alexandria.catalogue.models import EditionRecord, Isbn13, PartialDate, SourceRecord
from alexandria.core import errors

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
BEE, OTHER = Isbn13.parse("9780374600303"), Isbn13.parse("9780241353943")


def by(provider, *, days_ago=0):
    return SourceRecord(provider, "an id", NOW - timedelta(days=days_ago))


YEAR, MONTH, DAY = PartialDate(2023), PartialDate(2023, 8), PartialDate(2023, 8, 15)
NEW_YEAR = PartialDate(2023, 1, 1)


@pytest.mark.parametrize(
    ("name", "held", "message", "wins"),
    [
        ("publisher", ("", None), ("FSG", "open_library"), True),
        ("publisher", ("FSG", "open_library"), ("", "isbndb"), False),
        ("publisher", ("FSG", "open_library"), ("FSG", "isbndb"), False),
        ("publisher", ("Farrar", "open_library"), ("FSG", "isbndb"), True),
        ("publisher", ("FSG", "isbndb"), ("Farrar", "open_library"), False),
        ("publisher", ("FSG", "isbndb"), ("Farrar", "a newcomer"), False),
        ("publisher", ("FSG", "a newcomer"), ("Farrar", "internet_archive"), True),
        ("publisher", ("of no known source", None), ("FSG", "internet_archive"), True),
        ("pages", (None, None), (656, "open_library"), True),
        ("pages", (656, "open_library"), (None, "isbndb"), False),
        ("pages", (650, "open_library"), (656, "isbndb"), True),
        ("pages", (656, "isbndb"), (650, "open_library"), False),
        ("language", ("en", "isbndb"), ("ja", "open_library"), True),
        ("language", ("ja", "open_library"), ("en", "isbndb"), False),
        ("binding", ("Hardcover", "open_library"), ("Unknown Binding", "isbndb"), False),
        ("binding", ("Unknown Binding", "isbndb"), ("Hardcover", "open_library"), True),
        ("subtitle", ("", None), ("A Novel", "isbndb"), True),
        ("published", (None, None), (YEAR, "open_library"), True),
        ("published", (YEAR, "isbndb"), (MONTH, "open_library"), True),
        ("published", (MONTH, "isbndb"), (DAY, "internet_archive"), True),
        ("published", (DAY, "open_library"), (MONTH, "isbndb"), False),
        ("published", (MONTH, "open_library"), (YEAR, "isbndb"), False),
        ("published", (YEAR, "open_library"), (NEW_YEAR, "isbndb"), False),
        ("published", (NEW_YEAR, "isbndb"), (MONTH, "open_library"), True),
        ("published", (MONTH, "open_library"), (NEW_YEAR, "isbndb"), False),
        ("published", (DAY, "open_library"), (PartialDate(2024), "isbndb"), False),
        ("published", (YEAR, "isbndb"), (PartialDate(2011, 5, 1), "open_library"), False),
        ("published", (YEAR, "open_library"), (PartialDate(2024, 5, 1), "isbndb"), True),
        ("published", (DAY, "open_library"), (PartialDate(2023, 9, 1), "isbndb"), True),
        ("published", (DAY, "isbndb"), (PartialDate(2023, 9, 1), "open_library"), False),
    ],
)
def test_the_better_value_wins(name, held, message, wins):
    """Something over nothing, more precise over less, then the better source; a worse value never."""
    held_by = by(held[1]) if held[1] else None
    assert better(name, held[0], held_by, message[0], by(message[1])) is wins


@pytest.mark.parametrize(("days_ago", "wins"), [(1, True), (0, False), (-1, False)])
def test_of_one_sources_records_the_later_wins(days_ago, wins):
    """A correction replaces the same source's earlier value, an old answer never its newer one."""
    assert better("pages", 650, by("isbndb", days_ago=days_ago), 656, by("isbndb")) is wins


def test_a_correction_by_the_same_source_does_not_cost_precision():
    assert not better("published", DAY, by("isbndb", days_ago=9), PartialDate(2024), by("isbndb"))


@dataclass
class Shelf:
    """A source that knows some hits by ISBN, or fails."""

    name: str = "open_library"
    paid: bool = False
    hits: dict[Isbn13, EditionRecord] = field(default_factory=dict)
    failure: errors.ProviderError | None = None
    asked: list[list[Isbn13]] = field(default_factory=list)

    async def find(self, candidate):
        raise NotImplementedError

    async def by_isbns(self, isbns):
        self.asked.append(list(isbns))
        if self.failure is not None:
            raise self.failure
        return {isbn: self.hits[isbn] for isbn in self.asked[-1] if isbn in self.hits}


def hit(provider="open_library", *, isbn=BEE, title="The Bee Sting", **message):
    return EditionRecord(by(provider), title, authors=("Paul Murray",), isbn13=isbn, **message)


def holding(isbn=BEE, *, related=False, asked_before=False, looks=0, sources=None, **held):
    fields = dict.fromkeys(FIELDS, "") | {"published": None, "pages": None} | held
    return Holding(isbn, 1, "The Bee Sting", ("Paul Murray",), related, asked_before, looks, fields, sources or {})


async def go(*sources, holdings=None, policy=Policy.BALANCED, rests=None, rooms=None):
    return await enrich(
        holdings or [holding()],
        sources,
        policy=policy,
        rests=rests or {},
        rooms=rooms or {},
        now=NOW,
        rng=random.Random(1),
    )


KNOWN = {"publisher": "FSG", "published": DAY}


@pytest.mark.parametrize(
    ("policy", "free_says", "held", "paid_is_asked"),
    [
        (Policy.FRUGAL, {}, {}, False),
        (Policy.BALANCED, {}, {}, True),
        (Policy.BALANCED, KNOWN, {}, False),
        (Policy.BALANCED, {}, {"fields": KNOWN}, False),
        (Policy.BALANCED, {}, {"related": True}, False),
        (Policy.BALANCED, {}, {"sources": {"title": by("isbndb")}}, False),
        (Policy.BALANCED, {}, {"sources": {"title": by("isbndb")}, "asked_before": True}, True),
        (Policy.EXACT, KNOWN, {"related": True}, True),
    ],
)
async def test_the_policy_decides_what_is_paid_for(policy, free_says, held, paid_is_asked):
    """Frugal never pays, exact always, balanced for what is essential and what no free source knew."""
    free, paid = Shelf(hits={BEE: hit(**free_says)}), Shelf("isbndb", paid=True)
    held = held | held.pop("fields", {}) if "fields" in held else held
    await go(paid, free, holdings=[holding(**held)], policy=policy)
    assert free.asked == [[BEE]]
    assert bool(paid.asked) is paid_is_asked


async def test_facts_of_two_sources_are_merged_with_the_source_of_each_field():
    free = Shelf(hits={BEE: hit(pages=650, language="en")})
    paid = Shelf("isbndb", paid=True, hits={BEE: hit("isbndb", pages=656, **KNOWN)})
    (one,) = (await go(free, paid)).enriched
    assert one.fields == {"pages": 656, "language": "en", **KNOWN}
    assert {name: source.provider for name, source in one.sources.items()} == {
        "pages": "isbndb", "language": "open_library", "publisher": "isbndb", "published": "isbndb",
    }  # fmt: skip
    assert (one.done, one.again_at, one.note, len(one.hits)) == (True, None, "", 2)


async def test_a_better_value_is_not_replaced_by_the_next_source():
    """ISBNdb's newer value of the language is compared with Open Library's, not with its own older one."""
    free = Shelf(hits={BEE: hit(language="ja")})
    paid = Shelf("isbndb", paid=True, hits={BEE: hit("isbndb", language="de")})
    held = holding(language="en", sources={"language": by("isbndb", days_ago=9)})
    (one,) = (await go(free, paid, holdings=[held], policy=Policy.EXACT)).enriched
    assert one.fields == {"language": "ja"}


async def test_a_record_of_another_book_under_the_same_number_is_not_believed():
    """The number alone proves nothing: its title must not contradict the title that we hold."""
    source = Shelf(hits={BEE: hit(title="Gardening for Beginners", pages=96)})
    (one,) = (await go(source)).enriched
    assert (one.fields, one.hits) == ({}, ())
    assert one.note == "unknown to open_library; open_library takes the ISBN for 'Gardening for Beginners'"


@pytest.mark.parametrize("looks", range(MAX_LOOKUPS))
async def test_an_unknown_edition_is_due_again_after_a_month_and_then_never(looks):
    (one,) = (await go(Shelf(), holdings=[holding(looks=looks)])).enriched
    assert (one.done, one.looks, one.note) == (True, looks + 1, "unknown to open_library")
    assert one.again_at == (NOW + UNKNOWN_RETRY_DELAY if looks + 1 < MAX_LOOKUPS else None)


async def test_a_spent_quota_is_a_wait_with_its_reason_and_loses_no_answer():
    """The free source's facts are kept, and the edition waits for the other source that it needs."""
    until = NOW + timedelta(hours=12)
    paid = Shelf("isbndb", paid=True, failure=errors.QuotaSpent("isbndb", "spent", until=until))
    done = await go(Shelf(hits={BEE: hit(pages=656)}), paid)
    (one,) = done.enriched
    assert one.fields == {"pages": 656}
    assert (one.done, one.again_at, one.looks, one.note) == (False, until, 0, "isbndb: spent")
    assert done.rests == {"isbndb": Rest(until, "isbndb: spent", permanent=False, failures=1)}


@pytest.mark.parametrize(("failures", "rest"), [(0, FIRST_PAUSE), (1, 2 * FIRST_PAUSE), (40, MAX_PAUSE)])
async def test_a_failing_source_is_paused_longer_each_time(failures, rest):
    down = Shelf(failure=errors.ProviderDown("open_library", "answered 503"))
    before = {"open_library": Rest(NOW, "before", permanent=False, failures=failures)} if failures else {}
    done = await go(down, rests=before)
    assert done.rests["open_library"] == Rest(NOW + rest, "open_library: answered 503", False, failures + 1)
    assert (done.enriched[0].again_at, done.enriched[0].looks) == (NOW + rest, 0)


async def test_a_paused_source_is_not_asked_and_continues_after_an_answer():
    resting = {"open_library": Rest(NOW + FIRST_PAUSE, "down", permanent=False, failures=1)}
    source = Shelf(hits={BEE: hit(**KNOWN)})
    done = await go(source, rests=resting)
    assert (source.asked, done.rests, done.enriched[0].note) == ([], resting, "down")
    over = {"open_library": Rest(NOW, "down", permanent=False, failures=1)}
    assert (await go(source, rests=over)).rests == {}
    assert source.asked == [[BEE]]


async def test_without_a_key_the_free_source_alone_decides():
    """Waiting does not fix a missing key: the edition is done, with a note of the missing source."""
    paid = Shelf("isbndb", paid=True, failure=errors.KeyMissing("isbndb", "no key is configured"))
    done = await go(Shelf(hits={BEE: hit(pages=656)}), paid)
    (one,) = done.enriched
    assert (one.done, one.again_at, one.note) == (True, None, "isbndb: no key is configured")
    assert done.rests["isbndb"].permanent


async def test_without_an_available_source_the_edition_waits_a_day_and_no_lookup_counts():
    refused = Shelf(failure=errors.KeyRefused("open_library", "refuses our User-Agent"))
    (one,) = (await go(refused)).enriched
    assert (one.done, one.again_at, one.looks) == (False, NOW + MAX_PAUSE, 0)
    assert one.note == "open_library: refuses our User-Agent"


async def test_the_rest_of_the_daily_quota_is_kept_for_months():
    """With room for one unit one edition is asked about; the other waits until there is room again."""
    until = NOW + timedelta(hours=12)
    paid = Shelf("isbndb", paid=True, hits={BEE: hit("isbndb", **KNOWN)})
    done = await go(paid, holdings=[holding(), holding(OTHER)], rooms={"isbndb": Room(1, until)})
    assert paid.asked == [[BEE]]
    assert [(one.done, one.again_at) for one in done.enriched] == [(True, None), (False, until)]
    assert "kept for months" in done.enriched[1].note
    assert done.rests == {}
