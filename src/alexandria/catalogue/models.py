"""Defines the values of a book: what models name, what sources return and what the catalogue keeps. All are frozen."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Self

from stdnum import isbn as stdnum_isbn

from alexandria.catalogue import printed_isbn
from alexandria.core.errors import BadInput

MAX_SHOWN_LENGTH = 80  # characters of a refused value that an error repeats


class Isbn13(str):
    """Thirteen digits of a book, whose checksum holds. Made by the methods here alone, so having one means it is valid."""

    __slots__ = ()

    @classmethod
    def all_in(cls, value: object) -> tuple[Self, ...]:
        """Every ISBN that a text prints, once, in its order, as `printed_isbn.find` reads it; a number may be a number."""
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, int) and 0 <= value < 10**13:
            value = str(value)
        return tuple(map(cls, printed_isbn.find(value))) if isinstance(value, str) else ()

    @classmethod
    def read(cls, value: object) -> Self | None:
        """The ISBN that a text prints; None if it prints none, or several, of which none is more meant than the others."""
        found = cls.all_in(value)
        return found[0] if len(found) == 1 else None

    @classmethod
    def parse(cls, value: object) -> Self:
        found = cls.read(value)
        if found is None:
            raise BadInput(
                f"{repr(value)[:MAX_SHOWN_LENGTH]} is not an ISBN",
                hint="one book's 10 or 13 digits with a right check digit",
            )
        return found

    @classmethod
    def stored(cls, text: str) -> Self:
        """The ISBN that the catalogue holds. Its check is the database's own, which was once less strict than `read`."""
        return cls(text)

    @property
    def hyphenated(self) -> str:
        """With the hyphens of its registration group, as Wikidata stores it."""
        return str(stdnum_isbn.format(str(self)))


@dataclass(frozen=True, slots=True)
class PartialDate:
    """A date as precise as its source: year, year-month or full. `str()` gives YYYY, YYYY-MM or YYYY-MM-DD."""

    year: int
    month: int | None = None
    day: int | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """From what `str()` gives."""
        return cls(*map(int, text.split("-")))

    def __str__(self) -> str:
        return f"{self.year:04d}" + "".join(f"-{part:02d}" for part in (self.month, self.day) if part)


class OtherTitle(str):
    """A title by which a source also knows a work, with the two letters of the language that it states, or ""."""

    __slots__ = ("language",)
    language: str

    def __new__(cls, title: str, language: str = "") -> Self:
        made = super().__new__(cls, title)
        made.language = language
        return made


@dataclass(frozen=True, slots=True)
class SourceRecord:
    """Where a fact came from: the provider's name, its own id for the record, and when we fetched it (UTC)."""

    provider: str
    id: str
    fetched_at: datetime


@dataclass(frozen=True, slots=True)
class Candidate:
    """A book that a model named for a month; not yet believed. `named_by` are the generators, e.g. ("gemini", "xai")."""

    title: str
    author: str
    year: int | None = None
    month: int | None = None
    publisher: str = ""
    format: str = ""
    named_by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class EditionRecord:
    """One edition as a bibliographic source describes it. Empty strings and None mean that the source is silent.

    `authors` are names as printed by the source, name order not yet normalised. `work_key` is the source's own key
    of the abstract work. `first_published` is the year of the work where the source knows it. `other_titles` are those
    by which it knows the work besides, as in other languages, and `other_names` other names of its authors. A title whose
    language it states is an OtherTitle.
    """

    source: SourceRecord
    title: str
    subtitle: str = ""
    authors: tuple[str, ...] = ()
    isbn13: Isbn13 | None = None
    publisher: str = ""
    published: PartialDate | None = None
    first_published: int | None = None
    language: str = ""
    binding: str = ""
    pages: int | None = None
    series: str = ""
    work_key: str = ""
    subjects: tuple[str, ...] = ()
    related: tuple[Isbn13, ...] = ()
    other_titles: tuple[str, ...] = ()
    other_names: tuple[str, ...] = ()

    @property
    def heading(self) -> str:
        """Title and subtitle: works of a series may differ in the subtitle alone."""
        return f"{self.title}: {self.subtitle}" if self.subtitle else self.title


@dataclass(frozen=True, slots=True)
class ScoredRecord:
    """A hit that was considered: verdict accept, doubt or refuse, and the reasons in words.

    `score` is the probability, in per cent, that it is of the book named; `fit`, the points that decide the verdict.
    """

    hit: EditionRecord
    score: float
    verdict: str
    reasons: tuple[str, ...] = ()
    fit: float = 0.0


@dataclass(frozen=True, slots=True)
class Resolution:
    """What became of a candidate: an accepted hit, or none and why. `considered` is the evidence.

    `work_id` and `isbn13` are set without `accepted` when the catalogue already held the book (`source` "catalogue").
    `unavailable` names the sources that could not be asked, with the reason; `hindered`: one of them may be able
    to answer later. `settled_locally`: it needed no request, as the bibliography has it; None if that was not asked. `related` are further editions of the same work. `in_month` is the answer of `dating`: was it first
    published in the month that it was named for?
    """

    candidate: Candidate
    isbn13: Isbn13 | None
    source: str = ""
    score: float = 0.0
    reason: str = ""
    accepted: EditionRecord | None = None
    work_id: int | None = None
    considered: tuple[ScoredRecord, ...] = ()
    unavailable: dict[str, str] = field(default_factory=dict)
    related: tuple[EditionRecord, ...] = ()
    in_month: str = "unknown"
    hindered: bool = False
    settled_locally: bool | None = None

    def without_isbn(self, why: str) -> Resolution:
        """The same candidate unresolved, as its ISBN proves nothing: `why` says whose it is."""
        reason = f"its ISBN {self.isbn13} proves nothing: {why}"
        return Resolution(
            self.candidate,
            None,
            reason=reason,
            considered=self.considered,
            unavailable=self.unavailable,
            settled_locally=None if self.settled_locally is None else False,
        )
