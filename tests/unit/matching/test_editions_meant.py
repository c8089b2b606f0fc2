"""Which edition of the right work is meant: publishers of one format, dates without a month, and what several sources name."""

import itertools
from dataclasses import replace

import pytest

from alexandria.catalogue.matching.editions import formats
from alexandria.catalogue.matching.kinds import AUDIO, LARGE_PRINT
from alexandria.catalogue.matching.scoring import ACCEPT, choose, same_work
from alexandria.catalogue.models import Candidate

CIRCE = Candidate("Circe", "Madeline Miller", 2018, 4)
ONE, OTHER = "9780316556347", "9780316556323"

PUBLISHERS = {
    "Thorndike Press": {LARGE_PRINT}, "Center Point Pub.": {LARGE_PRINT}, "Ulverscroft": {LARGE_PRINT}, "HarperLuxe": {LARGE_PRINT},
    "Recorded Books": {AUDIO}, "Books on Tape": {AUDIO}, "Tantor Media": {AUDIO}, "Der Hörverlag": {AUDIO}, "Doubleday": set(), "Penguin": set(),
}  # fmt: skip


@pytest.mark.parametrize("publisher", PUBLISHERS)
def test_publishers_that_make_one_format_only(publisher, record):
    assert formats(record("Circe", "Madeline Miller", publisher=publisher)) == PUBLISHERS[publisher]


def test_an_edition_of_the_year_goes_before_large_print_of_the_month(record):
    first = record("Circe", "Madeline Miller", isbn=ONE, published="2018", publisher="Little, Brown")
    large = record("Circe", "Madeline Miller", isbn=OTHER, published="2018-04", publisher="Thorndike Press")
    assert choose(CIRCE, [large, first])[0] == first


def named(record, isbn, sources, published):
    return [
        record("Circe", "Madeline Miller", isbn=isbn, source=source, published=published, language="en")
        for source in sources
    ]


@pytest.mark.parametrize(
    ("agreed", "alone", "chosen"),
    [
        ("2018-09", "2018-04", ONE),  # both are near
        (None, "2018-04", ONE),  # an undated ISBN of two sources before a dated one of one
        ("2012", "2018-04", OTHER),  # a reprint, however many sources name it
        ("2018-04", "2018-04", ONE),
    ],
)
def test_an_isbn_that_two_sources_name_goes_before_a_lone_one(agreed, alone, chosen, record):
    hits = [*named(record, ONE, ("first", "second"), agreed), *named(record, OTHER, ("third",), alone)]
    for order in (hits, hits[::-1]):
        accepted, *_ = choose(CIRCE, order)
        assert accepted is not None
        assert accepted.isbn13 == chosen


def test_an_isbn_that_a_source_lists_for_the_work_is_named_by_it(record):
    """Else a record that was asked for by its number would be alone, and lose to an undated one that two sources name."""
    listing = replace(record("Circe", "Madeline Miller", isbn=ONE, source="first", published=None), related=(OTHER,))
    by_number = [
        record("Circe", "Madeline Miller", isbn=isbn, source="second", published=published)
        for isbn, published in ((ONE, None), (OTHER, "2018-04"))
    ]
    assert choose(CIRCE, [listing, *by_number])[0] == by_number[1]


def test_the_choice_does_not_depend_on_the_order_of_the_answers(record):
    """Between editions that fit equally well, and between sources of one ISBN."""
    hits = [
        record("Circe", "Madeline Miller", isbn=isbn, source=source, published="2018-04")
        for isbn, source in itertools.product((OTHER, ONE), ("second", "first"))
    ]
    chosen = {
        (accepted.isbn13, accepted.source.provider)
        for order in itertools.permutations(hits)
        if (accepted := choose(CIRCE, order)[0])
    }
    assert chosen == {(OTHER, "first")}


def test_two_records_that_name_one_each_of_two_authors_are_one_book(record):
    hits = [
        record("S", "Doug Dorst", isbn=ONE, published="2013-10-29"),
        record("S.", "J.J. Abrams", isbn=OTHER, published="2013-10-29"),
    ]
    assert choose(Candidate("S.", "J.J. Abrams and Doug Dorst", 2013, 10), hits)[0] in hits
    assert choose(Candidate("S.", "Bob Cole", 2013, 10), hits)[0] is None


def test_an_equal_isbn_proves_nothing_for_unlike_titles(record):
    reused = [record("Flight Dynamics", "Mark Hale", isbn=ONE), record("Healing Herbs", "Ana Ruiz", isbn=ONE)]
    assert same_work(*reused).verdict != ACCEPT
    of_the_set = [record(f"Mathematics, Volume {number}", "Bob Cole", isbn=ONE) for number in (1, 2)]
    assert same_work(*of_the_set).verdict != ACCEPT
    romanised = [
        record("小原国芳選集", "小原國芳", isbn=ONE),
        record("Obara Kuniyoshi senshu", "Kuniyoshi Obara", isbn=ONE),
    ]
    assert same_work(*romanised).verdict == ACCEPT
