"""Which ISBN has each candidate? First the catalogue, then the sources in the operator's order, until one is believed."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Sequence
from datetime import UTC, datetime

from alexandria import errors
from alexandria.book import Candidate, Hit, Isbn13, Resolution, SourceRecord
from alexandria.match import ACCEPT, choose, same_work
from alexandria.providers.protocol import Source
from alexandria.store import catalogue
from alexandria.store.database import Database

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
PATIENCE = 3  # failures in a row after which a source is left alone for the rest of the month
_OUT_AT_ONCE = (
    errors.KeyMissing,
    errors.KeyRefused,
    errors.NoCredit,
    errors.QuotaSpent,
    errors.RateLimited,
    errors.RequestRefused,
)


class Panel:
    """The sources asked for one batch of candidates, and which of them are out of it and why."""

    def __init__(self, sources: Sequence[Source]) -> None:
        self.sources = tuple(sources)
        self.out: dict[str, errors.ProviderError] = {}
        self._failures: dict[str, int] = {}
        self.answered = False

    async def ask(self, source: Source, candidate: Candidate) -> Sequence[Hit] | errors.ProviderError:
        """The source's hits, or why it could not be asked."""
        if source.name in self.out:
            return self.out[source.name]
        try:
            hits = await source.find(candidate)
        except errors.ProviderError as failed:
            self._failures[source.name] = self._failures.get(source.name, 0) + 1
            if isinstance(failed, _OUT_AT_ONCE) or self._failures[source.name] >= PATIENCE:
                self.out[source.name] = failed
            return failed
        self._failures[source.name] = 0
        self.answered = True
        return hits


async def resolve(candidates: Sequence[Candidate], sources: Sequence[Source], database: Database) -> list[Resolution]:
    """What became of each candidate, in order; candidates that prove to be one book are one resolution.

    Raises NoSources if candidates had to be looked up and no source could be asked at all.
    """
    panel = Panel(sources)
    resolutions = await asyncio.gather(*(_one(candidate, panel, database) for candidate in candidates))
    looked_up = [resolution for resolution in resolutions if resolution.source != "catalogue"]
    if looked_up and not panel.answered:
        said = "; ".join(error.message for error in panel.out.values()) or _unavailable(looked_up)
        raise errors.NoSources(f"no source could be asked: {said}", tuple(panel.out.values()))
    return _fold(resolutions)


async def _one(candidate: Candidate, panel: Panel, database: Database) -> Resolution:
    return await recognise(candidate, database) or await look_up(candidate, panel)


async def recognise(candidate: Candidate, database: Database) -> Resolution | None:
    """The catalogue's own edition of this candidate, if it holds one: that costs no call."""
    async with database.transaction() as connection:
        rows = await catalogue.alike(connection, candidate.title, (candidate.author,))
    for row in rows:
        found = same_work(_as_hit(candidate.title, (candidate.author,)), _as_hit(row["title"], row["authors"]))
        if row["isbn13"] is not None and found.verdict == ACCEPT:
            return Resolution(
                candidate,
                Isbn13.parse(row["isbn13"]),
                source="catalogue",
                score=found.score,
                reason=f"already in the catalogue as {row['title']!r} by {row['author']}; {'; '.join(found.reasons)}",
                work_id=row["work_id"],
            )
    return None


def _as_hit(title: str, authors: Sequence[str]) -> Hit:
    return Hit(SourceRecord("catalogue", "", EPOCH), title, authors=tuple(authors))


async def look_up(candidate: Candidate, panel: Panel) -> Resolution:
    """Ask one source after the other, judging all hits so far together, until one is accepted."""
    hits: list[Hit] = []
    unavailable: dict[str, str] = {}
    for source in panel.sources:
        answer = await panel.ask(source, candidate)
        if isinstance(answer, errors.ProviderError):
            unavailable[source.name] = answer.message
            continue
        hits.extend(answer)
        accepted, considered, reason = choose(candidate, hits)
        if accepted is not None and accepted.isbn13 is not None:
            score = next((scored.score for scored in considered if scored.hit is accepted), 0.0)
            return Resolution(
                candidate,
                accepted.isbn13,
                source=accepted.source.provider,
                score=score,
                reason=reason,
                accepted=accepted,
                considered=tuple(considered),
                unavailable=unavailable,
            )
    _, considered, reason = choose(candidate, hits)
    if unavailable:
        reason += f"; not asked: {', '.join(unavailable)}"
    return Resolution(candidate, None, reason=reason, considered=tuple(considered), unavailable=unavailable)


def _fold(resolutions: Sequence[Resolution]) -> list[Resolution]:
    """Candidates with the same ISBN are one book under two spellings: the first stays, named by all."""
    kept: dict[object, Resolution] = {}
    for resolution in resolutions:
        key: object = resolution.isbn13 or id(resolution)
        if key not in kept:
            kept[key] = resolution
            continue
        first = kept[key]
        named_by = tuple(dict.fromkeys(first.candidate.named_by + resolution.candidate.named_by))
        kept[key] = dataclasses.replace(first, candidate=dataclasses.replace(first.candidate, named_by=named_by))
    return list(kept.values())


def _unavailable(resolutions: Sequence[Resolution]) -> str:
    return (
        "; ".join(dict.fromkeys(said for r in resolutions for said in r.unavailable.values())) or "none is configured"
    )
