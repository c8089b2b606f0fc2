"""Filters that exclude each other find nothing without reading the list; all others are left to PostgreSQL."""

import itertools

import pytest

from alexandria.catalogue import search
from alexandria.catalogue.search import UNRESOLVED, EvidenceStatus, Sort, WorkFilter

STATUSES = (None, (), (EvidenceStatus.RESOLVED,), UNRESOLVED, (EvidenceStatus.NOT_NAMED,), tuple(EvidenceStatus))
SOURCES = (None, "isbndb")
BOUNDS = (None, 40.0, 60.0)
IN_MONTHS = (None, "unknown", "confirmed", "contradicted")
# What the list can have of a work, as migrations make it: source, score and month are those of an accepted record.
ROWS = [
    *((status, "", None, "unknown") for status in EvidenceStatus if status is not EvidenceStatus.RESOLVED),
    *itertools.product([EvidenceStatus.RESOLVED], SOURCES[1:], (30.0, 40.0, 50.0, 60.0, 70.0), IN_MONTHS[1:]),
]


def matches(row, wanted):
    status, source, score, in_month = row
    return (
        (wanted.statuses is None or status in wanted.statuses)
        and wanted.source in (None, source)
        and (wanted.min_score is None or (score is not None and score >= wanted.min_score))
        and (wanted.max_score is None or (score is not None and score <= wanted.max_score))
        and wanted.in_month in (None, in_month)
    )


def test_a_filter_is_impossible_if_no_row_of_the_list_can_match_it():
    filters = [
        WorkFilter(statuses=statuses, source=source, min_score=low, max_score=high, in_month=in_month)
        for statuses, source, low, high, in_month in itertools.product(STATUSES, SOURCES, BOUNDS, BOUNDS, IN_MONTHS)
    ]
    impossible = {wanted: not any(matches(row, wanted) for row in ROWS) for wanted in filters}
    assert {wanted: wanted.is_impossible for wanted in filters} == impossible
    assert 0 < sum(impossible.values()) < len(filters)


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("wanted", "sort"),
    [(WorkFilter(statuses=UNRESOLVED, source="isbndb"), Sort.TITLE), (WorkFilter(statuses=UNRESOLVED), Sort.SCORE)],
)
async def test_an_impossible_filter_asks_the_database_nothing(wanted, sort):
    found = await search.page(None, wanted, sort, None, 50)  # type: ignore[arg-type] # it is not used
    assert (found.rows, found.last, found.cut) == ([], None, False)
