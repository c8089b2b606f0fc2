"""Checks the ISBNs that a list gives: whether the sources' records of these numbers are of the books beside them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from alexandria.catalogue.matching.scoring import ACCEPT, CONFIRMABLE_POINTS, REFUSE, score
from alexandria.catalogue.models import Candidate, EditionRecord, Isbn13, ScoredRecord
from alexandria.core.errors import ProviderError
from alexandria.providers.base import BulkLookup, Source
from alexandria.providers.failures import failure_of


@dataclass(frozen=True, slots=True)
class IsbnFinding:
    """What the check of one ISBN found, as text. `confirmed` is the record that is of the book, if one is."""

    note: str
    confirmed: ScoredRecord | None = None


@dataclass(frozen=True, slots=True)
class GivenRecords:
    """The records of several ISBNs, and the sources that could not be asked for them."""

    records: dict[Isbn13, EditionRecord] = field(default_factory=dict)
    unavailable: tuple[str, ...] = ()

    def check(self, isbn: Isbn13, candidate: Candidate) -> IsbnFinding:
        """Whether `isbn` is an edition of the book. The list and a record that resembles it are two facts for it."""
        hit = self.records.get(isbn)
        if hit is None:
            unasked = f" (not asked: {', '.join(self.unavailable)})" if self.unavailable else ""
            return IsbnFinding(f"no source knows the given ISBN {isbn}{unasked}")
        best = score(candidate, hit)
        if best.verdict == ACCEPT or (best.verdict != REFUSE and best.fit >= CONFIRMABLE_POINTS):
            return IsbnFinding(f"the given ISBN {isbn} is of this book", best)
        authors = f" by {', '.join(hit.authors)}" if hit.authors else ""
        sure = "is of another book" if best.verdict == REFUSE else "may be of another book"
        return IsbnFinding(f"the given ISBN {isbn} {sure}: {hit.heading!r}{authors}; {'; '.join(best.reasons)}")


async def look_up_isbns(isbns: Sequence[Isbn13], sources: Sequence[Source]) -> GivenRecords:
    """Ask the sources that look up many ISBNs at once, free ones first, paid ones for what is unknown to those."""
    records: dict[Isbn13, EditionRecord] = {}
    unavailable = []
    for source in sorted(sources, key=lambda source: source.paid):
        missing = [isbn for isbn in dict.fromkeys(isbns) if isbn not in records]
        if not missing or not isinstance(source, BulkLookup):
            continue
        try:
            with failure_of(source.name):
                records |= await source.by_isbns(missing)
        except ProviderError:
            unavailable.append(source.name)
    return GivenRecords(records, tuple(unavailable))
