"""The interfaces of providers: generators name books, sources find editions, some many at once, some report usage."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, runtime_checkable
from uuid import UUID

from alexandria.catalogue.models import Candidate, EditionRecord, Isbn13
from alexandria.core.month import Month


@dataclass(frozen=True, slots=True)
class Call:
    """One HTTP request that was sent. `status` is None when no answer came; `error` then names why. `ms` milliseconds."""

    provider: str
    route: str
    sent_at: datetime
    ms: int
    units: int
    status: int | None = None
    error: str = ""
    month: Month | None = None
    attempt_token: UUID | None = None


@dataclass(frozen=True, slots=True)
class SuggestResult:
    """A generator's answer: its candidates, and why each unusable item of its list was dropped."""

    candidates: tuple[Candidate, ...]
    dropped: tuple[str, ...] = ()


class Generator(Protocol):
    """Names the notable books of a month."""

    @property
    def name(self) -> str:
        """The provider, e.g. "gemini"."""

    @property
    def label(self) -> str:
        """Provider and model, e.g. "gemini:gemini-3.5-flash"."""

    async def suggest(self, month: Month, variant: str, count: int) -> SuggestResult:
        """About `count` books first published in `month`. Raises ProviderError; an empty list is an answer."""


class Source(Protocol):
    """Finds editions in a bibliographic source."""

    @property
    def name(self) -> str:
        """The provider, e.g. "isbndb"."""

    @property
    def paid(self) -> bool:
        """Whether a call costs money or a scarce allowance."""

    async def find(self, candidate: Candidate) -> Sequence[EditionRecord]:
        """Editions that may be the candidate, not yet scored, in the source's order; [] if it knows none.

        Raises ProviderError when the source could not be reached or its answer not be read.
        """


@runtime_checkable
class WideSearch(Source, Protocol):
    """A source that can search for more than the words named: for books that no source knows by these."""

    async def find_widely(self, candidate: Candidate) -> Sequence[EditionRecord]:
        """As `find`, for a candidate that `find` knew nothing of."""


@runtime_checkable
class BulkLookup(Source, Protocol):
    """A source that looks up many ISBNs in one request."""

    async def by_isbns(self, isbns: Iterable[Isbn13]) -> dict[Isbn13, EditionRecord]:
        """The editions with these ISBNs, not yet scored; unknown ISBNs are absent. Raises ProviderError.

        Each edition has the ISBN that was asked for. What was paid before an error is stored, and free next time.
        """


@runtime_checkable
class LocalSource(BulkLookup, Protocol):
    """A source in our own database: it is asked without a request, and always answers."""

    async def is_available(self) -> bool:
        """Whether it holds anything."""


@dataclass(frozen=True, slots=True)
class KeyStatus:
    """The units that a plan allows a day, and those spent and left; None where the provider does not report them.

    `host` answers the plan's requests; one request may look up `bulk_limit` ISBNs.
    """

    host: str = ""
    plan: str = ""
    total: int | None = None
    spent: int | None = None
    left: int | None = None
    bulk_limit: int | None = None


@runtime_checkable
class ReportsUsage(Source, Protocol):
    """A source that reports how much of the day's quota is spent."""

    async def key_status(self) -> KeyStatus:
        """The status of our key now; costs no unit. Raises ProviderError."""
