"""Published in this month? From whatever the sources date."""

from datetime import UTC, datetime

import pytest

from alexandria.catalogue.matching.publication_month import CONFIRMED, CONTRADICTED, UNKNOWN, dated_in, published_in
from alexandria.catalogue.models import EditionRecord, PartialDate, SourceRecord
from alexandria.core.month import Month

NOVEMBER = Month(2023, 11)
SHELF = SourceRecord("shelf", "1", datetime(2026, 11, 24, 12, tzinfo=UTC))


def dated(published=None, first=None):
    date = PartialDate(*map(int, published.split("-"))) if published else None
    return EditionRecord(SHELF, "A Book", published=date, first_published=first)


@pytest.mark.parametrize(
    ("editions", "answer"),
    [
        ([], UNKNOWN),
        ([dated()], UNKNOWN),
        ([dated("2023-11-07")], CONFIRMED),
        ([dated("2023-11")], CONFIRMED),
        ([dated("2023")], UNKNOWN),
        ([dated("2024-02"), dated("2023-11-30")], CONFIRMED),
        ([dated("2024-02")], UNKNOWN),
        ([dated("2023-12-01")], UNKNOWN),
        ([dated("2023-10-31"), dated("2023-11-07")], CONTRADICTED),
        ([dated("2022"), dated("2023-11-07")], CONTRADICTED),
        ([dated("2023-11-07", first=1998)], CONTRADICTED),
        ([dated("2023-11-07", first=2023)], CONFIRMED),
        ([dated(first=2023)], UNKNOWN),
        ([dated(first=2024)], UNKNOWN),
    ],
)
def test_the_first_edition_decides(editions, answer):
    """Later ones may be reprints, and a bare year is not precise enough to confirm a month."""
    assert published_in(NOVEMBER, editions) == answer
    dates = [date for hit in editions for date in (hit.published, hit.first_published) if date]
    assert dated_in(NOVEMBER, (PartialDate.parse(str(date)) for date in dates)) == answer


def test_nobody_asks_about_a_book_without_a_month():
    assert published_in(None, [dated("2023-11")]) == UNKNOWN
