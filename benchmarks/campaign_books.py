"""Deals the books of the sandbox's sample out anew to the months of a campaign.

Titles, authors, publishers and ISBNs are real. The dates are not: each month gets 32 to 37 books, one of them invented, and their
editions are dated to it. Each work has a first edition, which is the meant one, and a reprint under a number of its own.
"""

from __future__ import annotations

import csv
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from random import Random

from anyascii import anyascii

SAMPLE = Path(__file__).parents[1] / "src/alexandria/sandbox/sample_books.csv"
FIRST_YEAR = 2000
FEWEST, MOST = 32, 37  # books of a month
MIN_TITLE_LETTERS = 4
LITTLE_WORDS = {"a", "an", "and", "the"}  # that editions of one work have or lack ("&" is no word)


@dataclass(frozen=True, slots=True)
class Printing:
    """One edition: the date is YYYY-MM-DD."""

    isbn13: str
    published: str
    publisher: str
    binding: str

    @property
    def year(self) -> int:
        return int(self.published[:4])


@dataclass(frozen=True, slots=True)
class Book:
    """A work that a model names for a month, YYYY-MM. One that is invented is in no source."""

    number: int
    title: str
    authors: tuple[str, ...]
    language: str
    month: str
    first: Printing
    reprint: Printing
    invented: bool = False

    @property
    def printings(self) -> tuple[Printing, Printing]:
        return self.first, self.reprint

    @property
    def year(self) -> int:
        return int(self.month[:4])


class World:
    """The books of so many months, and a search among them by words."""

    def __init__(self, months: int, seed: int) -> None:
        self._seed = seed
        rng = Random(seed)
        rows = _usable()
        rng.shuffle(rows)
        rows = _once(rows)
        names = [f"{FIRST_YEAR + place // 12}-{place % 12 + 1:02d}" for place in range(months)]
        self.of_month: dict[str, list[Book]] = {}
        number = 0
        for name in names:
            size = rng.randint(FEWEST, MOST) - 1
            chosen, rows = rows[:size], rows[size:]
            if len(chosen) < size:
                raise SystemExit(f"the sample has too few books for {months} months")
            self.of_month[name] = [_book(row, number + place, name, rng) for place, row in enumerate(chosen)]
            number += size
        real = [book for books in self.of_month.values() for book in books]
        for name, books in self.of_month.items():
            books.insert(rng.randint(0, len(books)), _invented(number, name, real, rng))
            number += 1
        self.books = [book for books in self.of_month.values() for book in books]

    def luck(self, *of: object) -> float:
        """A number from 0 to 1 that is always the same for the same thing."""
        digest = sha256("|".join(map(str, (self._seed, *of))).encode()).digest()
        return int.from_bytes(digest[:6]) / 2**48

    def found(self, title: str, author: str) -> list[Book]:
        """The real books whose title has all words of `title`, and whose authors' names have all of `author`."""
        wanted = {f"t:{word}" for word in words(title)} | {f"a:{word}" for word in words(author)}
        return self._with_all(wanted)

    def found_anywhere(self, text: str) -> list[Book]:
        return self._with_all({f"x:{word}" for word in words(text)})

    @cached_property
    def by_isbn(self) -> dict[str, tuple[Book, Printing]]:
        return {each.isbn13: (book, each) for book in self.books if not book.invented for each in book.printings}

    @cached_property
    def _index(self) -> dict[str, set[int]]:
        index: dict[str, set[int]] = defaultdict(set)
        for place, book in enumerate(self.books):
            if not book.invented:
                title, authors = words(book.title), words(" ".join(book.authors))
                for word in (*title, *authors):
                    index[f"x:{word}"].add(place)
                for word in title:
                    index[f"t:{word}"].add(place)
                for word in authors:
                    index[f"a:{word}"].add(place)
        return index

    def _with_all(self, wanted: Iterable[str]) -> list[Book]:
        sets = [self._index.get(word, set()) for word in wanted]
        places = set.intersection(*sets) if sets else set()
        return sorted((self.books[place] for place in places), key=lambda book: (len(book.title), book.number))


def words(text: str) -> list[str]:
    """Latin letters and digits in lower case."""
    return re.findall(r"[a-z0-9]+", anyascii(text).lower().replace("'", ""))


def _usable() -> list[dict[str, str]]:
    """One row a work: with an author and a title of some letters, the first of those that share title and family name."""
    found: dict[tuple[str, str], dict[str, str]] = {}
    with SAMPLE.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            title, author = words(row["title"]), words(row["authors"].split("|")[0])
            if author and len("".join(title)) >= MIN_TITLE_LETTERS and row["isbn13"].startswith("978"):
                found.setdefault((" ".join(title), author[-1]), row)
    return list(found.values())


def _once(rows: Iterable[dict[str, str]]) -> list[dict[str, str]]:
    """The rows without those whose title, but for little words, and one of whose authors an earlier row has."""
    kept, seen = [], set[tuple[str, str]]()
    for row in rows:
        title = " ".join(word for word in words(row["title"]) if word not in LITTLE_WORDS)
        keys = {(title, " ".join(words(name))) for name in row["authors"].split("|")}
        if seen.isdisjoint(keys):
            kept.append(row)
        seen |= keys
    return kept


def _book(row: dict[str, str], number: int, month: str, rng: Random) -> Book:
    year = int(month[:4])
    publisher = row["publisher"] or "Harper"
    return Book(
        number,
        row["title"],
        tuple(name.strip() for name in row["authors"].split("|") if name.strip())[:3],
        row["language"] if len(row["language"]) == 2 else "en",
        month,
        Printing(row["isbn13"], f"{month}-{rng.randint(1, 28):02d}", publisher, "Hardcover"),
        Printing(_number(number), f"{year + rng.randint(3, 9)}-{rng.randint(1, 12):02d}-01", publisher, "Paperback"),
    )


def _invented(number: int, month: str, real: Sequence[Book], rng: Random) -> Book:
    """A title of one half of one book and one of another, by an author of two names, none of which anybody has together."""
    first, second, third, fourth = rng.sample(real, 4)
    title = f"The {_longest(first.title)} and the {_longest(second.title)}"
    author = f"{third.authors[0].split()[0]} {fourth.authors[0].split()[-1]}son"
    nothing = Printing("", f"{month}-01", "", "")
    return Book(number, title.title(), (author,), "en", month, nothing, nothing, invented=True)


def _longest(title: str) -> str:
    return max(words(title), key=len)


def _number(number: int) -> str:
    """A valid ISBN outside those of the sample."""
    digits = f"9798{number:08d}"
    return digits + str(-sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(digits)) % 10)
