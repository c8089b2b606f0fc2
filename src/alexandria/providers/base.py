"""What must a provider be able to do? Generators name books, sources find editions, some many at once, some count."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from alexandria.catalogue.models import Candidate, EditionRecord, Isbn13
from alexandria.core.month import Month


@dataclass(frozen=True, slots=True)
class Named:
    """What a generator answered: its candidates, and why each unusable item of its list was dropped."""

    candidates: tuple[Candidate, ...]
    dropped: tuple[str, ...] = ()


class Generator(Protocol):
    """Names the notable books of a month."""

    @property
    def name(self) -> str:
        """The provider, e.g. "gemini": names the lane and the call counter."""

    @property
    def label(self) -> str:
        """Provider and model, e.g. "gemini:gemini-3.5-flash"."""

    async def suggest(self, month: Month, variant: str, count: int) -> Named:
        """About `count` books first published in `month`. Raises ProviderError; an empty list is an answer."""


class Source(Protocol):
    """Finds editions in a bibliographic source."""

    @property
    def name(self) -> str:
        """The provider, e.g. "isbndb": names the lane and the call counter."""

    @property
    def paid(self) -> bool:
        """Whether a call costs money or a scarce allowance."""

    @property
    def rate(self) -> float:
        """Requests per second that it may be asked."""

    async def find(self, candidate: Candidate) -> Sequence[EditionRecord]:
        """Editions that may be the candidate, in the source's order, unjudged; [] if it knows none.

        Raises ProviderError when the source could not be asked or could not be understood.
        """


@runtime_checkable
class BulkLookup(Source, Protocol):
    """A source that can be asked about many ISBNs together."""

    async def by_isbns(self, isbns: Iterable[Isbn13]) -> dict[Isbn13, EditionRecord]:
        """The editions with these ISBNs, unjudged; unknown ones are absent. Raises ProviderError.

        Each hit has the ISBN that was asked for. What was paid before an error is stored, and free next time.
        """


@dataclass(frozen=True, slots=True)
class KeyStatus:
    """What the plan allows a day and what is left of it, in units; None where the provider does not say."""

    host: str = ""
    plan: str = ""
    total: int | None = None
    spent: int | None = None
    left: int | None = None


@runtime_checkable
class ReportsUsage(Source, Protocol):
    """A source that says how much of the day it has counted."""

    async def key_status(self) -> KeyStatus:
        """For our key, now; costs no unit. Raises ProviderError."""
