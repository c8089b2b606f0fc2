"""Selects which source is asked next, and when no more are needed: free ones first, paid ones by policy."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from enum import StrEnum
from typing import Protocol, TypeVar

from alexandria.catalogue.matching import editions
from alexandria.catalogue.matching.scoring import ACCEPT
from alexandria.catalogue.models import Candidate, EditionRecord, Resolution
from alexandria.core import errors
from alexandria.providers.base import Source
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
    BALANCED = "balanced"  # a paid source when two free ones did not settle it
    EXACT = "exact"  # an ISBN is taken only when two sources know the book, one of them paid if there is one


EXACT_SOURCES = 2  # that must know a book by the policy EXACT
FREE_BEFORE_PAID = {Policy.FRUGAL: None, Policy.BALANCED: 2, Policy.EXACT: 1}


class MaybePaid(Protocol):
    """A source that may cost money to ask."""

    @property
    def paid(self) -> bool: ...


P = TypeVar("P", bound=MaybePaid)


def in_order(sources: Sequence[P], policy: Policy, wait: Callable[[P], float]) -> list[P]:
    """Return free sources by expected wait, then by their own order, with the paid ones where `policy` puts them."""
    free = sorted((source for source in sources if not source.paid), key=wait)
    paid = [source for source in sources if source.paid]
    before = FREE_BEFORE_PAID[policy]
    return [*free, *paid] if before is None else [*free[:before], *paid, *free[before:]]


class SourcePool:
    """The sources of this process and how many requests each has in flight, so that work spreads over idle ones."""

    def __init__(self, sources: Sequence[Source], policy: Policy) -> None:
        self.sources, self.policy = tuple(sources), policy
        self.in_flight: Counter[str] = Counter()

    def order(self) -> list[Source]:
        """Return the sources in the order in which to ask them now."""
        return in_order(self.sources, self.policy, self._wait)

    def _wait(self, source: Source) -> float:
        return self.in_flight[source.name] / source.rate


class SourceSelector:
    """Selects sources for one batch of candidates. `out`: sources no longer asked, and why; `failed`: last failures."""

    def __init__(self, pool: SourcePool) -> None:
        self._pool = pool
        self.out: dict[str, errors.ProviderError] = {}
        self.failed: dict[str, errors.ProviderError] = {}
        self.answered = False
        self._failures: Counter[str] = Counter()

    def order(self) -> Iterator[Source]:
        """Return the sources to ask about one candidate, in order."""
        return iter(self._pool.order())

    def wants(self, source: Source, found: Resolution) -> bool:
        """Return whether `source` may still add to what was `found` by those before it.

        A paid one is not asked for a better edition of a book that is already found.
        """
        if found.accepted is None or self.objection(found):
            return True
        return not source.paid and not editions.is_meant(found.candidate, found.accepted)

    def objection(self, found: Resolution) -> str:
        """Return why the policy does not accept what was found, or ""."""
        if self._pool.policy is not Policy.EXACT or found.accepted is None:
            return ""
        knowing = {scored.hit.source.provider for scored in found.considered if scored.verdict == ACCEPT}
        paid = {source.name for source in self._pool.sources if source.paid} - self.out.keys()
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
        if source.name in self.out:
            return self.out[source.name]
        self._pool.in_flight[source.name] += 1
        try:
            with failure_of(source.name):
                hits = await source.find(candidate)
        except errors.ProviderError as failed:
            self._failures[source.name] += 1
            self.failed[source.name] = failed
            if isinstance(failed, _OUT_AT_ONCE) or self._failures[source.name] >= MAX_CONSECUTIVE_FAILURES:
                self.out[source.name] = failed
            return failed
        finally:
            self._pool.in_flight[source.name] -= 1
        self._failures[source.name] = 0
        self.answered = True
        return hits
