"""Looks one candidate up: asks the sources until its work is proved, and checks an edition that may not be the one meant."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from alexandria.backfill.retry_policy import PERMANENT
from alexandria.backfill.source_selection import SourceSelector
from alexandria.catalogue.curation import NONE_REFUSED, Refusals
from alexandria.catalogue.matching import editions, publication_month
from alexandria.catalogue.matching.scoring import ACCEPT, REFUSE, choose, is_known_otherwise
from alexandria.catalogue.models import Candidate, EditionRecord, Isbn13, Resolution, ScoredRecord
from alexandria.core import errors
from alexandria.core.grammar import counted
from alexandria.core.month import Month
from alexandria.providers.base import BulkLookup, LocalSource, Source, WideSearch

MAX_ISBNS_CHECKED = 10  # of a work whose edition may not be the one meant; each costs a unit of the paid source


@dataclass(slots=True)
class LookUp:
    """One candidate, the sources that were asked about it, and what all their records so far choose."""

    month: Month | None
    candidate: Candidate
    refusals: Refusals = NONE_REFUSED
    found: Resolution = field(init=False)
    _hits: list[EditionRecord] = field(default_factory=list)
    _asked: list[Source] = field(default_factory=list)
    _silent: list[WideSearch] = field(default_factory=list)
    _unavailable: dict[str, errors.ProviderError] = field(default_factory=dict)
    _local: LocalSource | None = None

    def __post_init__(self) -> None:
        self.found = Resolution(self.candidate, None, reason="no source was asked")

    async def prove(self, selector: SourceSelector) -> LookUp:
        """Ask the sources in the book's order until the policy accepts an edition, and last one of them more widely.

        If the source that checks editions knows a reprint alone, one more is asked: it may know the edition that was meant.
        """
        self._local = await selector.local()
        is_checked = False
        for source in await selector.order(self.candidate):
            if self._is_enough(selector):
                if is_checked or selector.checking not in self._asked or not self.is_reprint():
                    return self
                is_checked = True
            self._asked.append(source)
            answer = await selector.ask(source, self.candidate)
            if not answer and isinstance(source, WideSearch):
                self._silent.append(source)
            self._hear(source, answer)
        for wide in [] if self._is_enough(selector) else self._silent:
            answer = await selector.ask_widely(wide, self.candidate)
            self._hear(wide, answer)
            if not isinstance(answer, errors.ProviderError):
                break
        return self

    def needs_check(self, source: Source) -> bool:
        """Return whether `source` was not asked, and the edition is not known to be of the named time.

        What the bibliography alone has settled needs no request.
        """
        accepted = self.found.accepted
        if accepted is None or source in self._asked or self._is_local:
            return False
        return not editions.is_near(self.candidate, accepted)

    def is_reprint(self) -> bool:
        """Return whether the edition is of a year after the named one, so that a search may know the one meant."""
        return self.found.accepted is not None and editions.is_later(self.candidate, self.found.accepted)

    def isbns(self) -> list[Isbn13]:
        """Return the ISBNs of the work, the chosen one first, as far as they are worth asking about."""
        sure = [scored.hit for scored in self.found.considered if scored.verdict == ACCEPT]
        named = [hit.isbn13 for hit in (self.found.accepted, *sure) if hit is not None]
        listed = [isbn13 for hit in sure for isbn13 in hit.related]
        return list(dict.fromkeys(isbn13 for isbn13 in (*named, *listed) if isbn13))[:MAX_ISBNS_CHECKED]

    def check(self, source: Source, answer: Iterable[EditionRecord] | errors.ProviderError) -> None:
        """Choose again with the records of `source`. If nothing is sure then, the edition stays."""
        if isinstance(answer, errors.KeyMissing):
            return
        if isinstance(answer, errors.ProviderError):
            self._unavailable[source.name] = answer
            return
        proved = self.found
        self._take(list(answer))
        if self.found.isbn13 is None:
            self.found = dataclasses.replace(proved, considered=self.found.considered)

    def result(self, selector: SourceSelector) -> Resolution:
        """Return what was found, or why the policy does not accept it, and the sources that could not be asked."""
        found, unavailable = self.found, self._unavailable
        if objection := selector.objection(found, unavailable):
            found = Resolution(self.candidate, None, reason=objection, considered=found.considered)
        missed = unavailable if found.isbn13 is None else _configured(unavailable)
        if missed:
            without = "not asked" if found.isbn13 is None else "chosen without asking"
            found = dataclasses.replace(found, reason=f"{found.reason}; {without}: {', '.join(missed)}")
        return dataclasses.replace(
            found,
            unavailable={name: error.message for name, error in unavailable.items()},
            hindered=any(not isinstance(error, PERMANENT) for error in unavailable.values()),
            settled_locally=None if self._local is None else found.isbn13 is not None and self._is_local,
        )

    def _is_enough(self, selector: SourceSelector) -> bool:
        accepted = self.found.accepted
        if accepted is None or is_known_otherwise(self.candidate, accepted):
            return False
        return not selector.objection(self.found, self._unavailable)

    @property
    def _is_local(self) -> bool:
        return self._local is not None and self._asked == [self._local]

    def _hear(self, source: Source, answer: Sequence[EditionRecord] | errors.ProviderError) -> None:
        if isinstance(answer, errors.ProviderError):
            self._unavailable[source.name] = answer
        else:
            self._take(answer)

    def _take(self, hits: Sequence[EditionRecord]) -> None:
        newer = {(hit.source.provider, hit.source.id) for hit in hits}  # a dump's, of the live site
        self._hits = [hit for hit in self._hits if (hit.source.provider, hit.source.id) not in newer]
        self._hits.extend(hits)
        self.found = _scored(self.month, self.candidate, self._hits, self.refusals)


async def check_editions(looked_up: Sequence[LookUp], selector: SourceSelector) -> None:
    """Ask the paid source, in one request, about the works whose edition is not known to be of the named time.

    A source may know a reprint alone: if no other of its ISBNs is nearer, the paid source is searched for the book.
    """
    source = selector.checking
    unsure = [each for each in looked_up if source is not None and each.needs_check(source)]
    if source is None or not unsure:
        return
    isbns = [each.isbns() for each in unsure]
    known = await selector.ask_isbns(source, [isbn13 for asked in isbns for isbn13 in asked])
    for each, asked in zip(unsure, isbns, strict=True):
        if isinstance(known, errors.ProviderError):
            each.check(source, known)
        else:
            each.check(source, [known[isbn13] for isbn13 in asked if isbn13 in known])
    await asyncio.gather(*(_search(each, source, selector) for each in unsure if each.is_reprint()))


async def _search(looked_up: LookUp, source: BulkLookup, selector: SourceSelector) -> None:
    looked_up.check(source, await selector.ask(source, looked_up.candidate))


def _configured(unavailable: Mapping[str, errors.ProviderError]) -> list[str]:
    """The sources that have a key, or need none: one without a key is no part of the evidence on any book."""
    return [name for name, error in unavailable.items() if not isinstance(error, errors.KeyMissing)]


def _scored(month: Month | None, candidate: Candidate, hits: Sequence[EditionRecord], refusals: Refusals) -> Resolution:
    refused = [ScoredRecord(hit, 0.0, REFUSE, (why,)) for hit in hits if (why := refusals.of(hit))]
    accepted, considered, reason = choose(candidate, [hit for hit in hits if not refusals.of(hit)])
    if refused:
        reason = f"{reason}; {counted(len(refused), 'record')} rejected by a person"
    if accepted is None or accepted.isbn13 is None:
        return Resolution(candidate, None, reason=reason, considered=(*considered, *refused))
    sure = [scored for scored in considered if scored.verdict == ACCEPT]
    return Resolution(
        candidate,
        accepted.isbn13,
        source=accepted.source.provider,
        score=next(scored.score for scored in considered if scored.hit is accepted),
        reason=reason,
        accepted=accepted,
        considered=(*considered, *refused),
        related=_related(accepted, sure),
        in_month=publication_month.published_in(month, [scored.hit for scored in sure]),
    )


def _related(accepted: EditionRecord, sure: Sequence[ScoredRecord]) -> tuple[EditionRecord, ...]:
    """Return the other accepted editions, one record per ISBN."""
    others = {scored.hit.isbn13: scored.hit for scored in reversed(sure) if scored.hit.isbn13}
    return tuple(hit for isbn13, hit in others.items() if isbn13 != accepted.isbn13)
