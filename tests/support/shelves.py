"""A source with the records of a test, by the title that is asked for."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from alexandria.catalogue.models import Candidate, EditionRecord, Isbn13, PartialDate, SourceRecord

SONG, STING = Candidate("Prophet Song", "Paul Lynch", 2023, 11), Candidate("The Bee Sting", "Paul Murray", 2023, 11)
RIGHT, OTHER, REPRINT, GUIDE = "9780861545896", "9780374600303", "9780802161512", "9781420516944"


def printed(title: str, author: str, isbn: str, published: str = "2023-11", publisher: str = "") -> EditionRecord:
    record = SourceRecord("open_library", f"/books/{isbn}", datetime.now(UTC))
    return EditionRecord(
        record,
        title,
        authors=(author,),
        isbn13=Isbn13.parse(isbn),
        published=PartialDate.parse(published),
        publisher=publisher,
        language="en",
    )


@dataclass
class StockedShelf:
    """A source that has these records; it answers questions about ISBNs, too."""

    holds: dict[str, Sequence[EditionRecord]] = field(default_factory=dict)
    name: str = "open_library"
    paid: bool = False
    by_isbn: dict[str, EditionRecord] = field(default_factory=dict)

    async def find(self, candidate: Candidate) -> Sequence[EditionRecord]:
        return self.holds.get(candidate.title, ())

    async def by_isbns(self, isbns: Sequence[Isbn13]) -> dict[Isbn13, EditionRecord]:
        return {isbn: self.by_isbn[isbn] for isbn in isbns if isbn in self.by_isbn}


def stocked() -> StockedShelf:
    """A shelf with both books, a study guide and a reprint."""
    song = [
        printed("Prophet Song", "Paul Lynch", RIGHT),
        printed("Prophet Song", "Paul Lynch", REPRINT, "2027-01"),
        printed("Prophet Song: A Study Guide", "Study Press", GUIDE),
    ]
    return StockedShelf({"Prophet Song": song, "The Bee Sting": [printed("The Bee Sting", "Paul Murray", OTHER)]})
