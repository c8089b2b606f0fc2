"""The calendar month, which is the partition key of the whole system: parsing, order and ranges."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Literal, Self

from alexandria.core.errors import BadInput

FIRST_YEAR, LAST_YEAR = 1900, 2100
OtherMonths = Literal["keep", "move", "drop"]  # what happens to books that sources date to another month
NAMES = ("January", "February", "March", "April", "May", "June", "July",
         "August", "September", "October", "November", "December")  # fmt: skip


@dataclass(frozen=True, order=True, slots=True)
class Month:
    """One calendar month, ordered by time; `str(Month(2023, 11))` is "2023-11"."""

    year: int
    month: int

    def __post_init__(self) -> None:
        if not (FIRST_YEAR <= self.year <= LAST_YEAR and 1 <= self.month <= 12):
            raise BadInput(
                f"month {self.year:04d}-{self.month:02d} does not exist",
                hint=f"a month is YYYY-MM, from {FIRST_YEAR}-01 to {LAST_YEAR}-12",
            )

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the month written as YYYY-MM. Raises BadInput."""
        found = re.fullmatch(r"(\d{4})-(\d{2})", text, re.ASCII)
        if not found:
            raise BadInput(
                f"{text!r} is not a month", hint=f"a month is YYYY-MM, from {FIRST_YEAR}-01 to {LAST_YEAR}-12"
            )
        return cls(int(found[1]), int(found[2]))

    def __hash__(self) -> int:
        return self.year * 12 + self.month  # months are keys of large mappings, and the generated hash is slower

    def __str__(self) -> str:
        return f"{self.year:04d}-{self.month:02d}"

    @property
    def name(self) -> str:
        """The month as people write it, "November 2023": models answer it better than digits."""
        return f"{NAMES[self.month - 1]} {self.year}"

    @property
    def first_day(self) -> date:
        return date(self.year, self.month, 1)

    def next(self) -> Month:
        return Month(self.year + self.month // 12, self.month % 12 + 1)


def months_of_years(start: int, end: int) -> Iterator[Month]:
    """Yield every month of the years start..end inclusive, oldest first."""
    for year in range(start, end + 1):
        for month in range(1, 13):
            yield Month(year, month)


def months_in(text: str) -> list[Month]:
    """The months of "YYYY-MM" or "YYYY-MM..YYYY-MM", in order. Raises BadInput."""
    begin, dots, end = text.partition("..")
    first = Month.parse(begin)
    last = Month.parse(end) if dots else first
    if first > last:
        raise BadInput(f"{text}: the first month must not be after the last", hint=f"write {last}..{first}")
    return [month for month in months_of_years(first.year, last.year) if first <= month <= last]
