"""Makes dumps as Open Library publishes them, from the sandbox's books: five columns a line, with the quirks of real ones.

`plain_dump` is clean; each function of QUIRKS gives the lines of one quirk, with the ISBNs that a load must have and those
that it must not have.
"""

from __future__ import annotations

import csv
import functools
import gzip
import json
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from importlib import resources
from pathlib import Path
from typing import Any

from stdnum import ean as stdnum_ean

from alexandria.catalogue.models import Isbn13

MODIFIED = (datetime.now(UTC) - timedelta(days=30)).strftime("%Y-%m-%dT%H:%M:%S.625462")
AUTHOR, WORK, EDITION = "/type/author", "/type/work", "/type/edition"
LANGUAGES = {"en": "eng", "de": "ger", "fr": "fre", "es": "spa", "it": "ita", "ja": "jpn", "ru": "rus"}
# Numbers of invented records begin here, above those of the books.
FIRST_QUIRK_NUMBER = 95_000_000
_CROWD_NUMBER = 20_000  # the records of a crowd have numbers from here on
LONG_LINE_BYTES = 1_200_000


@dataclass
class Dump:
    """The lines of the three files of a dump. `kept` are ISBNs that a load must have, `absent` those it must not have."""

    authors: list[str] = field(default_factory=list)
    works: list[str] = field(default_factory=list)
    editions: list[str] = field(default_factory=list)
    kept: set[str] = field(default_factory=set)
    absent: set[str] = field(default_factory=set)

    def add(self, other: Dump) -> Dump:
        for name in ("authors", "works", "editions"):
            getattr(self, name).extend(getattr(other, name))
        self.kept |= other.kept
        self.absent |= other.absent
        return self

    def write(self, folder: Path, *, packed: bool = True) -> list[Path]:
        """Write the three files; returns their paths."""
        paths = []
        for name in ("authors", "works", "editions"):
            data = "".join(f"{line}\n" for line in getattr(self, name)).encode("utf-8", "surrogatepass")
            path = folder / f"ol_dump_{name}.txt{'.gz' if packed else ''}"
            path.write_bytes(gzip.compress(data, 1) if packed else data)
            paths.append(path)
        return paths


def line(kind: str, key: str, record: dict[str, Any], modified: str = MODIFIED) -> str:
    """One line of a dump."""
    whole = {
        "type": {"key": kind},
        "key": key,
        **record,
        "last_modified": {"type": "/type/datetime", "value": modified},
    }
    return "\t".join((kind, key, "3", modified, json.dumps(whole)))


def author(number: int, name: str, **more: Any) -> str:
    return line(AUTHOR, f"/authors/OL{number}A", {"name": name, **more})


def work(number: int, title: str, authors: list[int], **more: Any) -> str:
    """A work, with its authors by key and role as works have them."""
    people = [{"type": {"key": "/type/author_role"}, "author": {"key": f"/authors/OL{each}A"}} for each in authors]
    return line(WORK, f"/works/OL{number}W", {"title": title, "authors": people, **more})


def edition(number: int, title: str, work_number: int | None, **more: Any) -> str:
    """An edition, with its work by key."""
    modified = more.pop("modified", MODIFIED)
    works = {"works": [{"key": f"/works/OL{work_number}W"}]} if work_number else {}
    return line(EDITION, f"/books/OL{number}M", {"title": title, **works, **more}, modified)


def rows() -> list[dict[str, str]]:
    """The books of the sandbox, without a number of printed music that is among them."""
    return [dict(row) for row in _rows()]


@functools.cache
def _rows() -> list[dict[str, str]]:
    text = resources.files("alexandria.sandbox").joinpath("sample_books.csv").read_text(encoding="utf-8")
    return [row for row in csv.DictReader(text.splitlines()) if Isbn13.read(row["isbn13"])]


def plain_dump(books: list[dict[str, str]] | None = None) -> Dump:
    """A clean dump of books: each author, work and edition once, with the number of its line in the file."""
    dump, people, works = Dump(), dict[str, int](), dict[str, int]()
    for number, book in enumerate(rows() if books is None else books, 1):
        names = [name for name in book["authors"].split("|") if name]
        for name in names:
            if name not in people:
                people[name] = len(people) + 1
                dump.authors.append(author(people[name], name))
        if book["work_id"] not in works:
            works[book["work_id"]] = len(works) + 1
            dump.works.append(work(works[book["work_id"]], book["title"], [people[name] for name in names]))
        dump.editions.append(_edition_of(book, number, works[book["work_id"]]))
        dump.kept.add(book["isbn13"])
    return dump


def _edition_of(book: dict[str, str], number: int, work_number: int) -> str:
    facts: dict[str, Any] = {
        "isbn_13": [book["isbn13"]],
        "publishers": [book["publisher"]] if book["publisher"] else [],
    }
    if book["subtitle"]:
        facts["subtitle"] = book["subtitle"]
    if book["published"]:
        facts["publish_date"] = book["published"]
    if book["pages"]:
        facts["number_of_pages"] = int(book["pages"])
    if book["language"] in LANGUAGES:
        facts["languages"] = [{"key": f"/languages/{LANGUAGES[book['language']]}"}]
    return edition(number, book["title"], work_number, **facts)


def isbn13(number: int) -> str:
    """A valid ISBN of a range that no book of the sandbox has."""
    body = f"9791{number % 10**8:08d}"
    return body + str(stdnum_ean.calc_check_digit(body))


# Each quirk makes records with numbers from `n` on.


def redirected_work(n: int) -> Dump:
    """A work was merged into another; the edition still names the old one, whose authors are the new one's."""
    moved = line("/type/redirect", f"/works/OL{n}W", {"location": f"/works/OL{n + 1}W"})
    return Dump([author(n, "Mara Quill")], [moved, work(n + 1, "The Merged Work", [n])],
                [edition(n, "The Merged Work", n, isbn_13=[isbn13(n)])], {isbn13(n)})  # fmt: skip


def redirected_author(n: int) -> Dump:
    """An author was merged into another; the work still names the old one."""
    moved = line("/type/redirect", f"/authors/OL{n}A", {"location": f"/authors/OL{n + 1}A"})
    return Dump([moved, author(n + 1, "Odo Fenn")], [work(n, "The Merged Author", [n])],
                [edition(n, "The Merged Author", n, isbn_13=[isbn13(n)])], {isbn13(n)})  # fmt: skip


def deleted(n: int) -> Dump:
    """Deleted and merged editions stand in the file too, and are none."""
    gone = line("/type/delete", f"/books/OL{n}M", {"isbn_13": [isbn13(n)], "title": "Deleted"})
    moved = line("/type/redirect", f"/books/OL{n + 1}M", {"location": "/books/OL1M", "isbn_13": [isbn13(n + 1)]})
    return Dump(editions=[gone, moved], absent={isbn13(n), isbn13(n + 1)})


def isbn10_only(n: int) -> Dump:
    """Old records have ten digits, with a small x or hyphens."""
    return Dump(works=[work(n, "Ten Digits", [])],
                editions=[edition(n, "Ten Digits", n, isbn_10=["0-8044-2957-x"])], kept={"9780804429573"})  # fmt: skip


def wrong_isbn(n: int) -> Dump:
    """A number with a wrong check digit, a placeholder and printed music are no ISBNs."""
    bad = ["9780374600304", "9780000000002", "9790260000438", "n/a", ""]
    return Dump(editions=[edition(n, "Wrong Number", None, isbn_13=bad, isbn_10=[None, 7])], absent={"9780374600304"})


def missing_work(n: int) -> Dump:
    """An edition of no work, and one of a work that the file of works lacks; each names its own author by key."""
    own = [{"key": f"/authors/OL{n}A"}]
    return Dump([author(n, "Ines Vale")], [],
                [edition(n, "Of No Work", None, isbn_13=[isbn13(n)], authors=own),
                 edition(n + 1, "Of a Lost Work", n + 7, isbn_13=[isbn13(n + 1)], authors=own)],
                {isbn13(n), isbn13(n + 1)})  # fmt: skip


def free_dates(n: int) -> Dump:
    """Dates as people write them; the months among them must survive."""
    dates = ["March 2009", "Apr 22, 2008", "c1998", "2003?", "[19--]", "2017-11-30", "20 Mai 2001", "", "n.d."]
    return Dump(works=[work(n, "Dated Freely", [])],
                editions=[edition(n + at, "Dated Freely", n, isbn_13=[isbn13(n + at)], publish_date=date)
                          for at, date in enumerate(dates)],
                kept={isbn13(n + at) for at in range(len(dates))})  # fmt: skip


def nul_characters(n: int) -> Dump:
    """PostgreSQL stores no NUL, no lone half of a character, and its own separators only escaped."""
    return Dump([author(n, "Nul\0 Author")], [work(n, "A\0B", [n])],
                [edition(n, "A\0Title\twith \\ tabs\nand lines", n, isbn_13=[isbn13(n)], publishers=["P\0ress\\N"])],
                {isbn13(n)})  # fmt: skip


def long_line(n: int) -> Dump:
    """A record of more than a megabyte, as of a long table of contents."""
    contents = [{"title": "x" * 1000} for _ in range(LONG_LINE_BYTES // 1000)]
    return Dump(works=[work(n, "A Long Record", [])],
                editions=[edition(n, "A Long Record", n, isbn_13=[isbn13(n)], table_of_contents=contents)],
                kept={isbn13(n)})  # fmt: skip


def author_forms(n: int) -> Dump:
    """Works name authors as objects, as bare keys, or as nothing that can be read."""
    old = line(WORK, f"/works/OL{n}W", {"title": "Old Form", "authors": [{"author": f"/authors/OL{n}A"}]})
    none = line(WORK, f"/works/OL{n + 1}W", {"title": "No Form", "authors": [{"type": "/type/author_role"}, None, 3]})
    return Dump([author(n, "Tilda Rook")], [old, none],
                [edition(n, "Old Form", n, isbn_13=[isbn13(n)]), edition(n + 1, "No Form", n + 1, isbn_13=[isbn13(n + 1)])],
                {isbn13(n), isbn13(n + 1)})  # fmt: skip


def shared_isbn(n: int) -> Dump:
    """Two works whose editions bear one number, as of a publisher that used it twice."""
    return Dump([author(n, "Ada North"), author(n + 1, "Ben South")],
                [work(n, "First Owner", [n]), work(n + 1, "Second Owner", [n + 1])],
                [edition(n, "First Owner", n, isbn_13=[isbn13(n)]), edition(n + 1, "Second Owner", n + 1, isbn_13=[isbn13(n)])],
                {isbn13(n)})  # fmt: skip


def several_isbns(n: int) -> Dump:
    """One record with the numbers of hardcover and paperback: which is meant cannot be known."""
    return Dump(works=[work(n, "Both Bindings", [])],
                editions=[edition(n, "Both Bindings", n, isbn_13=[isbn13(n), isbn13(n + 1)])],
                kept={isbn13(n), isbn13(n + 1)})  # fmt: skip


def broken_lines(n: int) -> Dump:
    """Lines that are cut off, that are no JSON, or that hold another type of record."""
    return Dump(editions=[f"{EDITION}\t/books/OL{n}M\t3", f'{EDITION}\t/books/OL{n + 1}M\t3\t{MODIFIED}\t{{"title": ',
                          f"{EDITION}\t/books/OL{n + 2}M\t3\t{MODIFIED}\t[1]", line("/type/page", "/about", {}), ""])  # fmt: skip


def odd_types(n: int) -> Dump:
    """Fields that have another type than usual."""
    return Dump(works=[work(n, "Odd Types", [])],
                editions=[edition(n, "Odd Types", n, isbn_13=isbn13(n), publish_date=1999, publishers="One Press",
                                  number_of_pages="320", languages="eng", physical_format=["Paperback"]),
                          edition(n + 1, "", n, isbn_13=[isbn13(n + 1)])],
                kept={isbn13(n)}, absent={isbn13(n + 1)})  # fmt: skip


def translated(n: int) -> Dump:
    """Two editions of a work, one of which names the original; the title of the work is that of no edition."""
    original = {
        "translation_of": "Vier Eulen im Regen",
        "translated_from": [{"key": "/languages/ger"}],
        "publish_date": "1997",
    }
    return Dump([author(n, "Gerda Volk")], [work(n, "Quatre hiboux sous la pluie", [n])],
                [edition(n, "Four Owls in the Rain", n, isbn_13=[isbn13(n)], languages=[{"key": "/languages/eng"}], **original),
                 edition(n + 1, "Cuatro búhos", n, isbn_13=[isbn13(n + 1)], other_titles=["Cuatro lechuzas", None],
                         languages=[{"key": "/languages/spa"}])],
                {isbn13(n), isbn13(n + 1)})  # fmt: skip


QUIRKS = (redirected_work, redirected_author, deleted, isbn10_only, wrong_isbn, missing_work, free_dates, nul_characters,
          long_line, author_forms, shared_isbn, several_isbns, broken_lines, odd_types, translated)  # fmt: skip


def number_of(quirk: str) -> int:
    """The number of the first record of a quirk in `dump_with_quirks`."""
    return FIRST_QUIRK_NUMBER + 100 * [each.__name__ for each in QUIRKS].index(quirk)


def dump_with_quirks(books: list[dict[str, str]] | None = None) -> Dump:
    """A dump with every quirk once."""
    dump = plain_dump(books)
    for at, quirk in enumerate(QUIRKS):
        dump.add(quirk(FIRST_QUIRK_NUMBER + 100 * at))
    return dump


def crowd(size: int, seed: int = 1) -> Iterator[tuple[str, str]]:
    """Yield (file, line) of invented authors, works and editions around the real books: five editions for four works.

    Titles are made of the words of real ones, so that most are distinct and all are plausible. Every tenth edition has
    another title than its work, and every twenty-fifth names an original one.
    """
    books, rng = rows(), random.Random(seed)
    words = [word for book in books for word in book["title"].split()]
    given, family = zip(
        *(names for book in books if len(names := book["authors"].split("|")[0].split(" ", 1)) == 2), strict=False
    )
    works: list[str] = []
    for number in range(1, size + 1):
        if number % 5:
            works.append(" ".join(rng.choice(words) for _ in range(rng.randint(2, 6))))
            if len(works) % 3 == 1:
                yield "authors", author(_CROWD_NUMBER + len(works), f"{rng.choice(given)} {rng.choice(family)}")
            writer = _CROWD_NUMBER + len(works) - (len(works) - 1) % 3
            yield "works", work(_CROWD_NUMBER + len(works), works[-1], [writer])
        which = len(works) if number % 5 else rng.randint(1, len(works))
        book = books[number % len(books)]
        facts = {"isbn_13": [isbn13(number)], "publishers": [book["publisher"] or "Press"],
                 "publish_date": book["published"], "languages": [{"key": "/languages/eng"}],
                 "number_of_pages": 100 + number % 700, "physical_format": ("Paperback", "Hardcover")[number % 2],
                 "notes": "x" * 350, "source_records": [f"marc:file{number}"], "covers": [number]}  # fmt: skip
        if not number % 25:
            facts |= {"translation_of": f"{works[which - 1]} {words[number % len(words)]} X"[::-1]}
        title = f"{words[number % len(words)]} {works[which - 1]}" if number % 10 == 3 else works[which - 1]
        yield "editions", edition(_CROWD_NUMBER + number, title, _CROWD_NUMBER + which, **facts)
