"""Defines what a comparison finds: a reason in words, the points that it costs, and the record as it is compared."""

from __future__ import annotations

from dataclasses import dataclass

from alexandria.catalogue.matching.editions import language_of
from alexandria.catalogue.matching.folding import fold
from alexandria.catalogue.matching.kinds import HALF, kinds_of, one_sided
from alexandria.catalogue.matching.titles import Title
from alexandria.catalogue.models import EditionRecord

VETO_POINTS = 100.0  # points that refuse
UNDECIDED_POINTS = (
    30.0  # points that leave a doubt however many sources agree: which work or edition it is, not how it is recorded
)
MAX_ISBNS_APART = 1  # numbers between the formats of one book


@dataclass(frozen=True, slots=True)
class Finding:
    """One reason and the points that it costs by itself; a negative cost is in favour.

    `words` have a {} for each of `facts`. `partial` titles need a sure author; `numbered` ones agree in the number of
    the volume already. `within` are findings about the part of the titles that this one rests on.
    """

    cost: float
    words: str
    facts: tuple[object, ...] = ()
    partial: bool = False
    numbered: bool = False
    within: tuple[Finding, ...] = ()

    @property
    def points(self) -> float:
        """All that it costs, with the findings that it rests on."""
        return self.cost + sum(finding.points for finding in self.within) if self.within else self.cost

    @property
    def reason(self) -> str:
        return self.words.format(*self.facts) if self.facts else self.words


@dataclass(frozen=True, slots=True)
class Comparable:
    """What the comparison needs of a candidate or a hit. `year` is that of the work, or else of the edition.

    `edition` is the hit itself: its language is needed by few comparisons.
    """

    title: Title
    authors: tuple[str, ...]
    series: tuple[tuple[str, str], ...] = ()
    series_text: str = ""
    year: int | None = None
    isbn13: str = ""
    edition: EditionRecord | None = None

    @property
    def language(self) -> str:
        return "" if self.edition is None else language_of(self.edition)

    @property
    def all_series(self) -> tuple[tuple[str, str], ...]:
        return self.title.series + self.series

    @property
    def numbered_series(self) -> list[tuple[str, str]]:
        return [pair for pair in self.all_series if all(pair)]

    @property
    def is_half(self) -> bool:
        return HALF in kinds_of(self.title.raw) or (bool(self.series_text) and HALF in kinds_of(fold(self.series_text)))


def kind_findings(one: Comparable, other: Comparable) -> list[Finding]:
    """What one record is instead of the book, and the other is not."""
    kinds = set(one_sided(one.title.raw, other.title.raw)) - {HALF}
    if one.is_half != other.is_half:
        kinds.add(HALF)
    return [Finding(VETO_POINTS, "one is {}, the other is not", (kind,)) for kind in sorted(kinds)]


def series_numbers(one: Comparable, other: Comparable) -> list[tuple[str, str]]:
    """Return the numbers that both records have in a series of one name."""
    return [
        (number, twin)
        for name, number in one.numbered_series
        for named, twin in other.numbered_series
        if name in named or named in name
    ]


def is_confirmed(one: Comparable, other: Comparable) -> bool:
    """Return whether a second fact beside the title agrees: the year, the volume, the number in the series, or the ISBN.

    A publisher gives the formats of one book numbers that follow one another.
    """
    if one.isbn13 and other.isbn13 and abs(int(one.isbn13[:12]) - int(other.isbn13[:12])) <= MAX_ISBNS_APART:
        return True
    if one.year is not None and one.year == other.year:
        return True
    return has_same_number(one, other)


def has_same_number(one: Comparable, other: Comparable) -> bool:
    """Return whether both are the same volume, or have the same number in a series."""
    if one.title.volumes and one.title.volumes == other.title.volumes:
        return True
    return any(number == twin for number, twin in series_numbers(one, other))
