"""Defines the neutral row that every reader gives, and which rows a load keeps."""

from __future__ import annotations

import re
from array import array
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from alexandria.bibliography.numbers import EarliestYears
from alexandria.catalogue.matching.folding import fold
from alexandria.catalogue.models import Isbn13, OtherTitle, PartialDate
from alexandria.catalogue.printed_isbn import is_placeholder

MAX_TITLE_LENGTH = 500  # characters that are stored
MAX_SUBTITLE_LENGTH = 300
MAX_PUBLISHER_LENGTH = 120
MAX_AUTHORS_LENGTH = 500  # of all names together
MAX_BINDING_LENGTH = 60
MAX_OTHER_TITLES = 10  # of one record that are stored
MAX_OTHER_TITLE_LENGTH = 300  # characters; what is longer is no title
MAX_READINGS_COUNT = 50_000_000  # readers and ratings that are counted
MAX_AGE_DAYS = 400  # of a catalogue's newest change
BETWEEN_NAMES = " | "
_LENGTH = 13
# What each four digits in a row add to the sum that ends an ISBN: every second one counts three times.
_WEIGHTS = [sum(int(digit) * (3 if at % 2 else 1) for at, digit in enumerate(f"{four:04d}")) for four in range(10_000)]
_WORDS = re.compile(r"\w+")


class BookRow(NamedTuple):
    """One ISBN of one edition. "" and 0 mean that the catalogue is silent.

    `work` and `record` are the numbers of Open Library's work and edition, 0 in other catalogues. `published` is
    YYYYMMDD with zeros for a month or day that is not known. `language` has two letters. `others` are the titles by which
    the record knows the work besides.
    """

    isbn13: int
    title: str
    authors: str
    subtitle: str = ""
    work: int = 0
    record: int = 0
    published: int = 0
    language: str = ""
    binding: str = ""
    pages: int = 0
    publisher: str = ""
    others: tuple[OtherTitle, ...] = ()


@dataclass(frozen=True, slots=True)
class Limits:
    """Which rows are kept. `years` are inclusive; rows without a year are then left out, rows without a language kept."""

    years: tuple[int, int] | None = None
    languages: frozenset[str] = frozenset()

    def objection(self, row: BookRow) -> str:
        """Return why a row is not kept, or ""."""
        if self.years is None and not self.languages:
            return ""
        if self.years is not None and not self.years[0] <= row.published // 10_000 <= self.years[1]:
            return "outside the years"
        if self.languages and row.language and row.language not in self.languages:
            return "in another language"
        return ""


@dataclass(slots=True)
class Tally:
    """What readers found: `editions` records of editions, `newest` change (ISO 8601), and why `left_out` records are none.

    `works` are the works of dumps, `unnamed` their editions without an author whose works or authors were not among them.
    `readings` has the number of a work for each of its readers and ratings, `earliest` the years of editions that are not kept.
    """

    lines: int = 0
    editions: int = 0
    works: int = 0
    unnamed: int = 0
    newest: str = ""
    left_out: Counter[str] = field(default_factory=Counter)
    readings: array[int] = field(default_factory=lambda: array("I"))
    earliest: EarliestYears = field(default_factory=EarliestYears)


def isbn_number(printed: object) -> int:
    """The first ISBN that a field prints, as a number of 13 digits; 0 if it prints none."""
    if (
        isinstance(printed, str)
        and len(printed) == _LENGTH
        and printed.startswith(("978", "9791", "9798"))
        and printed.isascii()
        and printed.isdigit()
    ):
        number = int(printed)
        weight = _WEIGHTS[number // 10**9] + _WEIGHTS[number // 10**5 % 10**4] + _WEIGHTS[number // 10 % 10**4]
        return number if (weight + number) % 10 == 0 and not is_placeholder(printed) else 0
    found = Isbn13.all_in(printed)
    return int(found[0]) if found else 0


def other_titles(
    found: Iterable[OtherTitle], title: str, subtitle: str = "", limit: int = MAX_OTHER_TITLES
) -> tuple[OtherTitle, ...]:
    """The first titles of `found` that are others than `title`, each once, at most `limit`.

    One that goes on from the title, or ends before it does, is left out: it is the same title with or without a subtitle.
    """
    own, whole = _spaced(title), _spaced(f"{title} {subtitle}")
    kept: dict[str, OtherTitle] = {}
    for other in found:
        if len(kept) == limit:
            break
        words = _spaced(other) if len(other) <= MAX_OTHER_TITLE_LENGTH else ""
        if len(words) > 1 and not words.startswith(own) and not whole.startswith(words):
            kept.setdefault(words, other)
    return tuple(kept.values())


def _spaced(text: str) -> str:
    """The words of a text, each with a blank behind it."""
    return f"{' '.join(_WORDS.findall(fold(text)))} "


def date_number(date: PartialDate | None) -> int:
    """A date as YYYYMMDD, with zeros for what is not known."""
    return 0 if date is None else date.year * 10_000 + (date.month or 0) * 100 + (date.day or 0)


def date_of(number: int) -> PartialDate | None:
    """The date that `date_number` wrote."""
    year, rest = divmod(number, 10_000)
    return PartialDate(year, rest // 100 or None, rest % 100 or None) if year else None
