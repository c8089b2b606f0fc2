"""Loads the books: the editions of a CSV, grouped into works and ordered by the month they appeared in.

A row has isbn13, title, subtitle, authors (| between), publisher, published (YYYY, YYYY-MM or YYYY-MM-DD), language,
pages, work_id, series, and optionally binding, notability or ratings_count, work_first_date, and other_titles (| between)
by which the work is known.
"""

from __future__ import annotations

import csv
import gzip
import io
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from anyascii import anyascii
from stdnum import isbn as stdnum_isbn

from alexandria.catalogue.models import Isbn13
from alexandria.core.errors import BadInput
from alexandria.core.month import Month

BINDINGS = ("Hardcover", "Paperback", "Hardcover", "Mass Market Paperback", "Paperback")  # where the file is silent


@dataclass(frozen=True, slots=True)
class Edition:
    """One publication. `work` is the number of its work; `form` is empty for a real one, else what was made of it."""

    isbn13: str
    title: str
    subtitle: str
    authors: tuple[str, ...]
    publisher: str
    published: str
    language: str
    binding: str
    pages: int | None
    series: str
    notability: int
    work: int
    form: str = ""
    other_titles: tuple[str, ...] = ()

    @property
    def year(self) -> int | None:
        return int(self.published[:4]) if self.published else None

    @property
    def isbn10(self) -> str:
        """Ten characters with an upper-case X, or "" outside 978."""
        return str(stdnum_isbn.to_isbn10(self.isbn13)) if self.isbn13.startswith("978") else ""


@dataclass(frozen=True, slots=True)
class Work:
    """One book in the abstract: its editions in the order of the file, and the year it first appeared."""

    id: str
    number: int
    editions: tuple[Edition, ...]
    first_year: int | None

    @property
    def face(self) -> Edition:
        """The edition that people mean: the most noted one."""
        return max(self.editions, key=lambda edition: edition.notability)

    @property
    def titles(self) -> tuple[str, ...]:
        """All titles of the work: those of its editions, and those that no edition here has."""
        printed = [edition.title for edition in self.editions]
        return tuple(dict.fromkeys([*printed, *(title for edition in self.editions for title in edition.other_titles)]))

    @property
    def other_names(self) -> tuple[str, ...]:
        """How other editions than its face name its first author."""
        firsts = dict.fromkeys(edition.authors[0] for edition in self.editions if edition.authors)
        return tuple(name for name in firsts if name not in self.face.authors)


class Corpus:
    """The books of one file, all in memory."""

    def __init__(self, rows: Sequence[Mapping[str, str]]) -> None:
        numbers: dict[str, int] = {}
        by_name: dict[tuple[str, str], int] = {}
        firsts: dict[int, int] = {}
        shelves: dict[int, list[Edition]] = defaultdict(list)
        for row in rows:
            if Isbn13.read(row["isbn13"]) is None:
                continue  # a misprint of the file, such as a number of printed music
            name = work_name(row["title"], row["authors"].split("|")[0])
            number = numbers.get(row["work_id"], by_name.get(name, len(shelves)))
            numbers[row["work_id"]] = by_name[name] = number
            shelves[number].append(_edition(row, number))
            first = row.get("work_first_date", "")[:4]
            if first.isdigit():
                firsts[number] = min(int(first), firsts.get(number, int(first)))
        ids: dict[int, str] = {}
        for work_id, number in numbers.items():
            ids.setdefault(number, work_id)
        self.works = tuple(
            Work(ids[number], number, tuple(editions), firsts.get(number) or _first_year(editions))
            for number, editions in sorted(shelves.items())
        )
        self.editions = tuple(edition for work in self.works for edition in work.editions)
        self.number_of = {edition.isbn13: number for number, edition in enumerate(self.editions)}
        self._by_name = by_name

    @classmethod
    def load(cls, path: Path) -> Corpus:
        """Raises BadInput when the file cannot be read as such a CSV."""
        try:
            raw = path.read_bytes()
            text = (gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw).decode()
            return cls(list(csv.DictReader(io.StringIO(text, newline=""))))
        except (OSError, UnicodeDecodeError, KeyError) as broken:
            raise BadInput(
                f"the sandbox cannot read books from {path}: {broken}", hint="a CSV with a header, gzipped or not"
            ) from broken

    def edition(self, isbn13: str) -> Edition | None:
        number = self.number_of.get(isbn13)
        return None if number is None else self.editions[number]

    def work_named(self, title: str, author: str) -> Work | None:
        number = self._by_name.get(work_name(title, author))
        return None if number is None else self.works[number]

    @cached_property
    def of_month(self) -> dict[Month, tuple[Edition, ...]]:
        """One edition of every work that appeared in a month, the most noted first."""
        found: dict[Month, dict[int, Edition]] = defaultdict(dict)
        for edition in self.editions:
            if len(edition.published) >= 7 and 1900 <= int(edition.published[:4]) <= 2100:
                month = Month.parse(edition.published[:7])
                found[month].setdefault(edition.work, edition)
        return {
            month: tuple(sorted(editions.values(), key=lambda edition: (-edition.notability, edition.isbn13)))
            for month, editions in found.items()
        }


def words(text: str) -> list[str]:
    """What a search engine sees: Latin letters and digits in lower case, apostrophes closed."""
    plain = text if text.isascii() else anyascii(text)
    return re.findall(r"[a-z0-9]+", plain.lower().replace("'", ""))


def work_name(title: str, author: str) -> tuple[str, str]:
    """Two records with equal names are the same work: the title without parentheses, and the surname."""
    spoken = words(re.sub(r"\([^)]*\)", "", title)) or words(title)
    surname = author.split(",", maxsplit=1)[0] if "," in author else author
    return " ".join(spoken), (words(surname) or [""])[-1]


def _edition(row: Mapping[str, str], work: int) -> Edition:
    isbn13 = row["isbn13"]
    return Edition(
        isbn13=isbn13,
        title=row["title"],
        subtitle=row["subtitle"],
        authors=tuple(name.strip() for name in row["authors"].split("|") if name.strip()),
        publisher=row["publisher"],
        published=row["published"],
        language=row["language"],
        binding=row.get("binding") or BINDINGS[int(isbn13[8:12]) % len(BINDINGS)],
        pages=_number(row["pages"]),
        series=row["series"],
        notability=_number(row.get("notability") or row.get("ratings_count") or "") or 0,
        work=work,
        other_titles=tuple(filter(None, row.get("other_titles", "").split("|"))),
    )


def _number(text: str) -> int | None:
    return int(float(text)) if text else None


def _first_year(editions: Sequence[Edition]) -> int | None:
    return min(_years(editions), default=None)


def _years(editions: Sequence[Edition]) -> Iterator[int]:
    return (edition.year for edition in editions if edition.year is not None)
