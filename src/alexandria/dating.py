"""Was this work first published in that month? Confirmed, contradicted or unknown, from what the sources date."""

from __future__ import annotations

from collections.abc import Iterable

from alexandria.book import Hit
from alexandria.month import Month

CONFIRMED, CONTRADICTED, UNKNOWN = "confirmed", "contradicted", "unknown"


def published_in(month: Month | None, editions: Iterable[Hit]) -> str:
    """The answer from all known editions of a work: an earlier one contradicts, the first one in the month confirms.

    Later editions say nothing, for they may be reprints; nor does a bare year that is the month's own.
    """
    if month is None:
        return UNKNOWN
    editions = list(editions)
    years = {hit.first_published for hit in editions if hit.first_published}
    dates = {hit.published for hit in editions if hit.published}
    if any(year < month.year for year in years | {date.year for date in dates}):
        return CONTRADICTED
    months = {(date.year, date.month) for date in dates if date.month}
    if any(found < (month.year, month.month) for found in months):
        return CONTRADICTED
    return CONFIRMED if (month.year, month.month) in months else UNKNOWN
