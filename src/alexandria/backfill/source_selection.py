"""Selects which source is asked next, and when no more are needed: in an order that the policy and the book itself set."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Container, Sequence
from enum import StrEnum
from typing import Protocol, TypeVar

from alexandria.backfill.first_source import Weights, first_source, later_order
from alexandria.catalogue.matching.scoring import ACCEPT
from alexandria.catalogue.models import Candidate, EditionRecord, Isbn13, Resolution
from alexandria.core import errors
from alexandria.providers.base import BulkLookup, LocalSource, Source, WideSearch
from alexandria.providers.failures import failure_of

MAX_CONSECUTIVE_FAILURES = 3  # after which a source is not asked for the rest of the month
_OUT_AT_ONCE = (
    errors.KeyMissing,
    errors.KeyRefused,
    errors.NoCredit,
    errors.QuotaSpent,
    errors.RateLimited,
    errors.RequestRefused,
)


class Policy(StrEnum):
    """How much is paid for certainty."""

    FRUGAL = "frugal"  # paid sources only when every free one has been asked in vain
    BALANCED = "balanced"  # paid sources for their share of books, for what two or three free ones do not know, and to check editions
    EXACT = "exact"  # an ISBN is taken only when two sources know the book, one of them paid if there is one


EXACT_SOURCES = 2  # that must know a book by the policy EXACT
FREE_BEFORE_PAID = {Policy.FRUGAL: None, Policy.BALANCED: 2, Policy.EXACT: 1}


class MaybePaid(Protocol):
    """A source that may cost money to ask."""

    @property
    def paid(self) -> bool: ...


P = TypeVar("P", bound=MaybePaid)
R = TypeVar("R")


def in_order(sources: Sequence[P], policy: Policy, *, more_free: int = 0) -> list[P]:
    """Return free sources in their own order, with the paid ones where `policy` puts them, or after so many `more_free` ones.

    The order never depends on load: a book is judged by the records of the same sources whatever else is looked up.
    """
    free = [source for source in sources if not source.paid]
    paid = [source for source in sources if source.paid]
    before = FREE_BEFORE_PAID[policy]
    if before is not None:
        before += more_free
    return [*free, *paid] if before is None else [*free[:before], *paid, *free[before:]]


async def _no_weights() -> Weights:
    return {}


class SourcePool:
    """The configured sources, the policy, and the orders in which books are looked up in them.

    A `local` source costs no request, whatever the policy: it is asked first, and is none of `sources`. Of the others each
    book begins at one that is drawn by its `weights`, at a paid one only by BALANCED, and some of those behind it change places.
    Without `weights` all books have the order of `sources`.
    """

    def __init__(
        self,
        sources: Sequence[Source],
        policy: Policy,
        local: LocalSource | None = None,
        *,
        weights: Callable[[], Awaitable[Weights]] = _no_weights,
    ) -> None:
        self.sources, self.policy, self.local, self.weights = tuple(sources), policy, local, weights

    def order(self, candidate: Candidate, weights: Weights) -> list[Source]:
        """Return the sources to ask about a book, in this order.

        Where books begin at a paid source, it has its share of them, and is asked about the others after one more free source.
        """
        may_begin = [source for source in self.sources if not source.paid or self.policy is Policy.BALANCED]
        drawn = {source.name: weights[source.name] for source in may_begin if source.name in weights}
        first = first_source(candidate, drawn)
        named = {source.name: source for source in self.sources}
        begun = [named[first]] if first is not None else []
        behind = [name for name in named if name != first]
        others = [named[name] for name in (later_order(candidate, behind) if begun else behind)]
        local = [self.local] if self.local else []
        if begun and begun[0].paid:
            return [*local, *begun, *in_order(others, self.policy)]
        has_share = any(source.paid and source.name in drawn for source in self.sources)
        return [*local, *in_order([*begun, *others], self.policy, more_free=int(has_share))]


class SourceSelector:
    """Selects sources for one batch of candidates. `out`: sources no longer asked, and why; `failed`: last failures.

    `answered`: whether a source that is asked by requests has answered.
    """

    def __init__(self, pool: SourcePool) -> None:
        self._pool = pool
        self.out: dict[str, errors.ProviderError] = {}
        self.failed: dict[str, errors.ProviderError] = {}
        self.answered = False
        self._failures: Counter[str] = Counter()
        self._weights: Weights | None = None

    async def local(self) -> LocalSource | None:
        """The source that is asked without a request, if it holds anything."""
        local = self._pool.local
        return local if local is not None and await local.is_available() else None

    async def order(self, candidate: Candidate) -> Sequence[Source]:
        """Return the sources to ask about a candidate, in this order: by one rule for all candidates of a batch."""
        if self._weights is None:
            self._weights = await self._pool.weights()
        return self._pool.order(candidate, self._weights)

    @property
    def checking(self) -> BulkLookup | None:
        """The paid source that checks editions which may not be the ones meant, unless paid ones are the last resort."""
        if self._pool.policy is Policy.FRUGAL:
            return None
        paid = (source for source in self._pool.sources if source.paid)
        return next((source for source in paid if isinstance(source, BulkLookup)), None)

    def objection(self, found: Resolution, unavailable: Container[str] = ()) -> str:
        """Return why the policy does not accept what was found without the `unavailable` sources, or ""."""
        if self._pool.policy is not Policy.EXACT or found.accepted is None:
            return ""
        knowing = {scored.hit.source.provider for scored in found.considered if scored.verdict == ACCEPT}
        paid = {source.name for source in self._pool.sources if source.paid and source.name not in unavailable}
        if len(knowing) < EXACT_SOURCES:
            return f"only {found.accepted.source.provider} knows it, and the policy wants two sources"
        if paid and not paid & knowing:
            return f"the policy wants a paid source to know it, and {', '.join(sorted(paid))} does not"
        return ""

    def lacking(self, resolutions: Sequence[Resolution]) -> list[str]:
        """Return why each unavailable source could not be asked, and for how many books. Missing keys are not reported."""
        books = Counter(name for resolution in resolutions for name in resolution.unavailable)
        return [
            f"{failed.message} ({books[name]} of {len(resolutions)} books did without it)"
            for name, failed in sorted(self.failed.items())
            if books[name] and not isinstance(failed, errors.KeyMissing)
        ]

    async def ask(self, source: Source, candidate: Candidate) -> Sequence[EditionRecord] | errors.ProviderError:
        """Return the source's records, or the error why it could not be asked."""
        return await self._asked(source, lambda: source.find(candidate))

    async def ask_widely(
        self, source: WideSearch, candidate: Candidate
    ) -> Sequence[EditionRecord] | errors.ProviderError:
        """Return the records of the source's wider search, or the error why it could not be asked."""
        return await self._asked(source, lambda: source.find_widely(candidate))

    async def ask_isbns(
        self, source: BulkLookup, isbns: Sequence[Isbn13]
    ) -> dict[Isbn13, EditionRecord] | errors.ProviderError:
        """Return the source's records of these ISBNs, or the error why it could not be asked."""
        return await self._asked(source, lambda: source.by_isbns(isbns))

    async def _asked(self, source: Source, send: Callable[[], Awaitable[R]]) -> R | errors.ProviderError:
        if source.name in self.out:
            return self.out[source.name]
        try:
            with failure_of(source.name):
                answer = await send()
        except errors.ProviderError as failed:
            self._failures[source.name] += 1
            self.failed[source.name] = failed
            if isinstance(failed, _OUT_AT_ONCE) or self._failures[source.name] >= MAX_CONSECUTIVE_FAILURES:
                self.out[source.name] = failed
            return failed
        self._failures[source.name] = 0
        self.answered = self.answered or source is not self._pool.local
        return answer
