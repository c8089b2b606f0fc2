"""Decides whether a work was first published in a month: confirmed, contradicted or unknown, by the dates of sources."""

from __future__ import annotations

from collections.abc import Iterable

from alexandria.catalogue.models import EditionRecord, PartialDate
from alexandria.core.month import Month

CONFIRMED, CONTRADICTED, UNKNOWN = "confirmed", "contradicted", "unknown"


def published_in(month: Month | None, editions: Iterable[EditionRecord]) -> str:
    """Return the answer from all known editions of a work."""
    known = list(editions)
    firsts = {PartialDate(hit.first_published) for hit in known if hit.first_published}
    return dated_in(month, firsts | {hit.published for hit in known if hit.published})


def dated_in(month: Month | None, dates: Iterable[PartialDate]) -> str:
    """Return the answer from dates of a work and its editions: an earlier one contradicts, the first in the month confirms.

    Later ones prove nothing, as they may be dates of reprints; nor does a bare year that is the month's own.
    """
    if month is None:
        return UNKNOWN
    dates = set(dates)
    if any(date.year < month.year for date in dates):
        return CONTRADICTED
    months = {(date.year, date.month) for date in dates if date.month}
    if any(found < (month.year, month.month) for found in months):
        return CONTRADICTED
    return CONFIRMED if (month.year, month.month) in months else UNKNOWN
