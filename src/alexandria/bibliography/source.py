"""The source of the bibliography: it is asked first, answers without a request, and its records are those of Open Library."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from alexandria.bibliography.lookup import NAME, BibliographyIndex
from alexandria.catalogue.models import Candidate, EditionRecord, Isbn13


class BibliographySource:
    """The source "bibliography". Its answers come from the database, so it has no client, rate limit or cached responses."""

    name = NAME
    paid = False

    def __init__(self, index: BibliographyIndex) -> None:
        self._index = index

    async def is_available(self) -> bool:
        """Whether a bibliography is loaded. Raises DatabaseUnavailable."""
        return await self._index.is_loaded()

    async def find(self, candidate: Candidate) -> Sequence[EditionRecord]:
        """Editions of the likeliest titles; [] if none is loaded. Raises DatabaseUnavailable."""
        return await self._index.find(candidate.title, (candidate.author,) if candidate.author else ())

    async def by_isbns(self, isbns: Iterable[Isbn13]) -> dict[Isbn13, EditionRecord]:
        """The editions with these ISBNs. A number of several works proves none, and is absent. Raises DatabaseUnavailable."""
        found = await self._index.by_isbns(isbns)
        return {isbn: records[0] for isbn, records in found.items() if len({each.work_key for each in records}) == 1}
