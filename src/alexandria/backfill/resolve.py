"""Resolves candidates to ISBNs: first from the catalogue, then from the sources in a fixed order, until one is accepted."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Sequence

from alexandria.backfill.look_up import LookUp, check_editions
from alexandria.backfill.source_selection import SourceSelector
from alexandria.catalogue import curation, repository
from alexandria.catalogue.curation import NONE_REFUSED, Refusals
from alexandria.catalogue.matching import publication_month
from alexandria.catalogue.matching.scoring import ACCEPT
from alexandria.catalogue.models import Candidate, EditionRecord, Isbn13, Resolution, ScoredRecord
from alexandria.catalogue.repository import CatalogueMatch, unlike
from alexandria.core import errors
from alexandria.core.month import Month
from alexandria.core.provider_facts import LOCAL_GENERATORS
from alexandria.database.pool import Connection, Database, pipeline


async def resolve(
    month: Month | None, candidates: Sequence[Candidate], selector: SourceSelector, database: Database
) -> list[Resolution]:
    """Return the resolutions of candidates (named for `month`, if for one), in order. Candidates with one ISBN are one.

    Raises NoSources if candidates had to be looked up and no source could be asked at all. Those that the bibliography alone has
    named exist, and need not wait for sources: they are looked up again later.
    """
    known = await recognise_all(candidates, database, month)
    begun = await asyncio.gather(
        *(_begin(month, candidate, selector, *each) for candidate, each in zip(candidates, known, strict=True))
    )
    await check_editions([each for each in begun if isinstance(each, LookUp)], selector)
    resolutions = [each.result(selector) if isinstance(each, LookUp) else each for each in begun]
    asked = [
        resolution
        for resolution in resolutions
        if (resolution.unavailable or resolution.isbn13 is None) and not _is_named_locally(resolution.candidate)
    ]
    if asked and not selector.answered:
        messages = dict.fromkeys(text for resolution in asked for text in resolution.unavailable.values())
        message = "; ".join(messages) or "none is configured"
        raise errors.NoSources(f"no source could be asked: {message}", tuple(selector.failed.values()))
    return _fold(resolutions)


def _is_named_locally(candidate: Candidate) -> bool:
    return bool(candidate.named_by) and all(name in LOCAL_GENERATORS for name in candidate.named_by)


async def _begin(
    month: Month | None, candidate: Candidate, selector: SourceSelector, held: Resolution | None, refusals: Refusals
) -> Resolution | LookUp:
    return held or await LookUp(month, candidate, refusals).prove(selector)


async def recognise(
    candidate: Candidate, database: Database, month: Month | None = None
) -> tuple[Resolution | None, Refusals]:
    """Return the catalogue's own edition of this candidate, with the record that it rests on, or None.

    That costs no call. The second value is what persons rejected for the candidate.
    """
    [known] = await recognise_all([candidate], database, month)
    return known


async def recognise_all(
    candidates: Sequence[Candidate], database: Database, month: Month | None = None
) -> list[tuple[Resolution | None, Refusals]]:
    """Recognise the candidates together on one connection: they wait for PostgreSQL twice, not thrice each."""
    if not candidates:
        return []
    try:
        async with database.statements() as connection:
            return await _recognised(connection, candidates, month)
    except errors.DatabaseUnavailable:
        async with database.transaction() as connection:  # on a connection that is tried before
            return await _recognised(connection, candidates, month)


async def _recognised(
    connection: Connection, candidates: Sequence[Candidate], month: Month | None
) -> list[tuple[Resolution | None, Refusals]]:
    async with pipeline(connection):
        searches = [
            await repository.search_works(connection, candidate.title, (candidate.author,), year=candidate.year)
            for candidate in candidates
        ]
    works = [await search.found() for search in searches]
    held = [await _held(connection, *each) for each in zip(candidates, works, strict=True)]
    isbns, ids = {each.isbn13 for each in held if each}, {work.work_id for found in works for work in found}
    async with pipeline(connection):
        records_behind = await repository.search_records_behind(connection, sorted(isbns))
        refused = await curation.search_refusals(connection, sorted(ids))
    records, refusals = await records_behind.found(), await refused.found()
    each_refused = (
        [await curation.refusals(connection, [work.work_id for work in found]) for found in works]
        if refusals != NONE_REFUSED  # seldom are any, and whose they are is asked then
        else [NONE_REFUSED] * len(works)
    )
    return [
        (_resolution(candidate, match, records.get(match.isbn13), month) if match else None, rejected)
        for candidate, match, rejected in zip(candidates, held, each_refused, strict=True)
    ]


async def _held(connection: Connection, candidate: Candidate, works: Sequence[CatalogueMatch]) -> CatalogueMatch | None:
    """Return the one of these works that the candidate is, with the ISBN of the edition that bears its title."""
    held = repository.best([work for work in works if work.isbn13])
    return held and await repository.with_edition_titled(connection, held, candidate.title)


def _resolution(
    candidate: Candidate, held: CatalogueMatch, record: EditionRecord | None, month: Month | None
) -> Resolution:
    behind = f" from {record.source.provider} {record.source.id}" if record else ""
    return Resolution(
        candidate,
        Isbn13.stored(held.isbn13),
        source=repository.NAME,
        score=held.score,
        reason=f"already in the catalogue as {held.title!r} by {held.author}{behind}; {'; '.join(held.reasons)}",
        work_id=held.work_id,
        considered=(ScoredRecord(record, held.score, ACCEPT, held.reasons, held.fit),) if record else (),
        in_month=publication_month.dated_in(month, held.dates),
    )


async def look_up(
    month: Month | None, candidate: Candidate, selector: SourceSelector, refusals: Refusals = NONE_REFUSED
) -> Resolution:
    """Ask the sources in their order until the policy accepts an edition, and score all records so far together.

    One in another language, under another title, is taken when no source knows one under the title that was named. An edition
    that is not known to be of the named time is checked by the paid source.

    What is found depends on the candidate and the sources' answers alone. An edition that was chosen while a source
    could not be asked says so, as that source may have decided otherwise. Records that persons rejected for this book
    (`refusals`) are not compared; they stay in the evidence.
    """
    begun = await LookUp(month, candidate, refusals).prove(selector)
    await check_editions([begun], selector)
    return begun.result(selector)


def _fold(resolutions: Sequence[Resolution]) -> list[Resolution]:
    """Merge candidates with the same ISBN, one book under two spellings: the first stays, named by all.

    If records of unlike titles bear one number, as the volumes of a set may, it is kept for the first book alone.
    """
    kept: dict[object, Resolution] = {}
    for resolution in resolutions:
        key: object = resolution.isbn13 or id(resolution)
        if key not in kept:
            kept[key] = resolution
            continue
        first = kept[key]
        if first.accepted and resolution.accepted and unlike(first.accepted, resolution.accepted):
            kept[id(resolution)] = resolution.without_isbn(f"it is also that of {first.accepted.heading!r}")
            continue
        named_by = tuple(dict.fromkeys(first.candidate.named_by + resolution.candidate.named_by))
        kept[key] = dataclasses.replace(first, candidate=dataclasses.replace(first.candidate, named_by=named_by))
    return list(kept.values())
