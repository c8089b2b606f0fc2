"""Every notable book of a month among all editions of the catalogue that its author wrote, and again without that book.

With the book there, the edition that is taken must be of it; without it, none may be. The catalogue keeps some books
under two works, so that an acceptance without the book may still be right: such pairs are reviewed by a person and
listed in a file, one reason each.
"""

from __future__ import annotations

import csv
import gzip
import sys
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

from alexandria.catalogue.matching.names import people
from alexandria.catalogue.matching.scoring import choose
from alexandria.catalogue.models import Candidate, EditionRecord
from labelled import Row, hit_of, interval

REVIEWED = Path(__file__).with_name("reviewed_duplicates.csv")


class AuthorShelves:
    """All editions of a catalogue, by the people who wrote them. `work` is the work of each ISBN."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self.work: dict[str, str] = {}
        self._by_author: dict[str, dict[str, EditionRecord]] = defaultdict(dict)
        for row in rows:
            authors = row["authors"].split("|")
            self.work[row["isbn13"]] = row["work_id"]
            hit = hit_of(row, authors)
            for key in keys_of(authors):
                self._by_author[key][row["isbn13"]] = hit

    def written_by(self, author: str) -> dict[str, EditionRecord]:
        return {isbn: hit for key in keys_of([author]) for isbn, hit in self._by_author[key].items()}


def keys_of(authors: Sequence[str]) -> set[str]:
    return {person.key for person in people(tuple(authors))}


def judge_months(books: Path, catalogue: Path, errors: int) -> Row:
    """The figures over all books of `books` that the catalogue holds."""
    with gzip.open(catalogue, "rt", encoding="utf-8") as text:
        shelves = AuthorShelves(csv.DictReader(text))
    with gzip.open(books, "rt", encoding="utf-8") as text:
        asked = [row for row in csv.DictReader(text) if row["isbn13"] in shelves.work]
    reviewed = {(shelves.work.get(book), shelves.work.get(taken)) for book, taken in reviewed_duplicates(REVIEWED)}
    accepted = right = 0
    taken: list[tuple[Row, EditionRecord]] = []
    for row in asked:
        author = row["authors"].split("|")[0]
        candidate = Candidate(row["title"], author, int(row["month"][:4]), int(row["month"][5:]))
        hits = shelves.written_by(author)
        chosen = choose(candidate, list(hits.values()))[0]
        own = shelves.work[row["isbn13"]]
        accepted += chosen is not None
        right += chosen is not None and shelves.work[str(chosen.isbn13)] == own
        others = [hit for isbn, hit in hits.items() if shelves.work[isbn] != own]
        other = choose(candidate, others)[0]
        if other is not None:
            taken.append((row, other))
    unreviewed = [
        (row, hit) for row, hit in taken if (shelves.work[row["isbn13"]], shelves.work[str(hit.isbn13)]) not in reviewed
    ]
    for row, hit in unreviewed[:errors]:
        print(f"{row['isbn13']} {row['title']!r} {row['authors']} {row['month']}", file=sys.stderr)
        print(f"  {hit.isbn13} {hit.heading!r} {hit.authors} {hit.published} {hit.series!r}", file=sys.stderr)
    return {
        "n": len(asked),
        "accepted": accepted,
        "right_work": right,
        "right_work_share": interval(right, accepted),
        "wrong_accepts_raw": len(taken),
        "wrong_accepts_reviewed": len(unreviewed),
        "wrong_share_reviewed": interval(len(unreviewed), len(asked)),
    }


def reviewed_duplicates(path: Path) -> set[tuple[str, str]]:
    """The pairs (ISBN of the book, ISBN taken for it) whose works are one work under two labels."""
    with path.open(encoding="utf-8", newline="") as text:
        return {(row["isbn13"], row["taken"]) for row in csv.DictReader(text)}
