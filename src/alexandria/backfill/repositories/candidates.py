"""Stores the candidates that generators named for a month, with their evidence and resolution."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

import structlog
from psycopg.types.json import Jsonb

from alexandria.backfill.repositories import bibliography_use as usage
from alexandria.backfill.retry_policy import recheck_at
from alexandria.catalogue import curation, merging, repository
from alexandria.catalogue.curation import Refusals
from alexandria.catalogue.matching.probability import score_model
from alexandria.catalogue.matching.scoring import ACCEPT, same_work
from alexandria.catalogue.models import Candidate, EditionRecord, Resolution, ScoredRecord
from alexandria.catalogue.other_titles import add_other_titles
from alexandria.core.errors import BadData
from alexandria.core.month import Month
from alexandria.database.pool import Connection, Row, unavailable
from alexandria.database.sql import load

SQL = load(__name__)
MAX_MOVED = 200  # books of other months that are listed with a month
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class DueCandidate:
    """An unresolved candidate that is due to be looked up again, after `lookups` look-ups."""

    id: int
    month: Month
    candidate: Candidate
    work_id: int | None
    lookups: int


@dataclass(frozen=True, slots=True)
class RecordedMonth:
    """What was stored of a month: its candidates, those with an ISBN, and the titles that were refused.

    `new`: those with an ISBN whose edition this month was the first to add, in this attempt or an earlier one.
    """

    generated: int
    resolved: int
    new: int
    left_out: tuple[str, ...] = ()


async def record_month(
    connection: Connection,
    month: Month,
    resolutions: Sequence[Resolution],
    now: datetime,
    *,
    token: UUID,
    apart: bool = True,
) -> RecordedMonth:
    """Store the resolutions that an attempt found for a month; those of earlier attempts become earlier results.

    A book that PostgreSQL refuses is stored as unresolved, or left out if that is refused, too. Raises BadData if it
    refuses every book; and if it refuses any, unless the books are kept `apart`, by a savepoint each.
    """
    await connection.execute(SQL["forget"], {"year": month.year, "month": month.month})
    await repository.one_writer(connection)  # after which no person decides before the month is recorded
    rejected = await _any_rejected(connection, resolutions)
    found = any(each.accepted and each.work_id is None for each in resolutions)
    different = found and await merging.any_different(connection)  # nobody decides meanwhile, so once for all books
    stored: list[Resolution] = []
    left_out, refused = [], None
    for resolution in resolutions:
        allowed = await _allowed(connection, resolution) if rejected else resolution
        for kept in (await _proven(connection, allowed, different=different), _without_records(resolution)):
            try:
                with unavailable():
                    async with connection.transaction() if apart else contextlib.nullcontext():
                        row = _outcome(kept, await _record_book(connection, month, kept), 1, now)
                        row |= {"position": len(stored), "attempt_token": token}
                        await _add(connection, month, kept.candidate, row)
            except BadData as error:
                if not apart:
                    raise
                refused = error
                log.warning("book refused", book=kept.candidate.title, month=str(month), reason=error.message)
            else:
                stored.append(kept)
                break
        else:
            left_out.append(kept.candidate.title)
    if refused is not None and not stored:
        raise refused
    await usage.count(connection, _settled(resolutions))
    counts = await _count(connection, month)
    return RecordedMonth(len(stored), counts["resolved"], counts["queued"], tuple(left_out))


async def due(connection: Connection, limit: int) -> list[DueCandidate]:
    """Return unresolved candidates to look up now, newest months first, reserved for the caller for some minutes."""
    rows = await (await connection.execute(SQL["unresolved"], {"limit": limit})).fetchall()
    await connection.execute(SQL["reserve"], {"ids": [row["id"] for row in rows]})
    return [_due_candidate(row) for row in rows]


async def refusals(connection: Connection, candidate: Candidate) -> Refusals:
    """Return what persons rejected for the works that this candidate may be."""
    works = await repository.find_works(connection, candidate.title, (candidate.author,), year=candidate.year)
    return await curation.refusals(connection, [work.work_id for work in works])


async def finish_recheck(connection: Connection, due: DueCandidate, resolution: Resolution, now: datetime) -> bool:
    """Store what a further look-up found and count the month again. Returns whether the candidate is resolved now."""
    month = {"year": due.month.year, "month": due.month.month}
    if await (await connection.execute(SQL["lock_recheck"], month | {"id": due.id})).fetchone() is None:
        return False  # the month was filled again meanwhile
    await repository.one_writer(connection)
    if await _any_rejected(connection, [resolution]):
        resolution = await _allowed(connection, resolution)
    resolution = await _proven(connection, resolution, different=await merging.any_different(connection))
    work_id = await _record_book(connection, due.month, resolution)
    row = _outcome(resolution, work_id, due.lookups + (not resolution.hindered), now) | {"id": due.id}
    await connection.execute(SQL["finish_recheck"], row)
    await usage.count(connection, _settled([resolution]))
    if due.work_id is not None and due.work_id != work_id:
        await repository.drop_unproven(connection, due.work_id)
    await connection.execute(SQL["count_again"], month | await _count(connection, due.month))
    return resolution.isbn13 is not None


async def of_month(connection: Connection, month: Month) -> list[Row]:
    """Return a month's candidates in the order named, each with ISBN, source, score, reason and evidence."""
    found = await connection.execute(SQL["of_month"], {"year": month.year, "month": month.month})
    return await found.fetchall()


async def dated_to(connection: Connection, month: Month) -> list[Row]:
    """Return the books of other months that sources date to this one, at most MAX_MOVED."""
    values = {"key": str(month), "year": month.year, "month": month.month, "limit": MAX_MOVED}
    return await (await connection.execute(SQL["dated_to"], values)).fetchall()


async def earlier_of_month(connection: Connection, month: Month, before: int | None, limit: int) -> list[Row]:
    """Return results that later ones replaced, newest first, from the one before the id `before` on."""
    values = {"year": month.year, "month": month.month, "before": before, "limit": limit}
    return await (await connection.execute(SQL["earlier"], values)).fetchall()


async def in_month(connection: Connection, month: Month) -> dict[str, int]:
    """Count the resolved books of which sources confirm, contradict or do not know a first publication in the month."""
    rows = await (await connection.execute(SQL["in_month"], {"year": month.year, "month": month.month})).fetchall()
    counted = {row["in_month"]: row["books"] for row in rows}
    return {answer: counted.get(answer, 0) for answer in ("confirmed", "contradicted", "unknown")}


async def spent_on_rechecks(connection: Connection) -> int:
    """Return the number of requests sent since UTC midnight for further look-ups."""
    row = await (await connection.execute(SQL["spent_on_rechecks"])).fetchone()
    assert row is not None
    return int(row["calls"])


async def _count(connection: Connection, month: Month) -> Row:
    """Count the books with an ISBN, and those of them whose edition the month was the first to add."""
    row = await (await connection.execute(SQL["count"], {"year": month.year, "month": month.month})).fetchone()
    assert row is not None
    return row


async def _add(connection: Connection, month: Month, candidate: Candidate, outcome: Row) -> None:
    """Store one candidate with its outcome."""
    named: Row = {"title": candidate.title, "author": candidate.author, "named_year": candidate.year}
    named |= {"year": month.year, "month": month.month, "named_by": list(candidate.named_by)}
    await connection.execute(SQL["add"], outcome | named)


def _settled(resolutions: Sequence[Resolution]) -> list[bool]:
    """Of each book that was looked up in the bibliography, whether that needed no request."""
    return [each.settled_locally for each in resolutions if each.settled_locally is not None]


def _without_records(resolution: Resolution) -> Resolution:
    """What stays of a book whose records cannot be stored: that it was named."""
    return Resolution(resolution.candidate, None, reason="a record of it holds data that PostgreSQL refuses")


async def _proven(connection: Connection, resolution: Resolution, *, different: bool) -> Resolution:
    """The resolution, without its ISBN if the catalogue holds it under an unlike title, or for another book.

    `different`: persons marked some books as different from others.
    """
    hit = resolution.accepted
    if hit is None or hit.isbn13 is None or resolution.work_id is not None:
        return resolution
    holder = await repository.holder_of(connection, hit.isbn13)
    held = holder is not None and not holder.rejected
    if holder is not None and held and not repository.is_of(holder, hit):
        return resolution.without_isbn(f"the catalogue holds it as {holder.titles[0]!r} by {holder.author}")
    if not different:
        return resolution
    other = await _another(connection, resolution.candidate, hit, holder.work_id if holder and held else None)
    return resolution.without_isbn(other) if other else resolution


async def _another(connection: Connection, candidate: Candidate, hit: EditionRecord, holder: int | None) -> str:
    """Why a record is of another book than the candidate, by what a person decided; "" if nobody did."""
    authors = (candidate.author,)
    named = await repository.find_works(connection, candidate.title, authors, year=candidate.year)
    apart = repository.kept_apart(named)
    if apart and holder is None:
        known = await repository.find_work(
            connection, hit.heading, hit.authors or authors, other_titles=hit.other_titles
        )
        holder = known.work_id if known else None
    if not apart or holder is None:
        return ""
    book = await repository.book_of(connection, holder)
    return f"its record is of work {book}, which a person marked as another book" if book in apart else ""


async def _any_rejected(connection: Connection, resolutions: Sequence[Resolution]) -> bool:
    """Return whether persons rejected one of these books' ISBNs or records, perhaps for another work."""
    found = [each for each in resolutions if each.isbn13 is not None]
    hits = [hit for each in found for hit in (each.accepted, *each.related) if hit is not None]
    numbers = {*(str(each.isbn13) for each in found), *(str(hit.isbn13) for hit in hits)}
    return bool(numbers) and await curation.any_refused(connection, sorted(numbers), hits)


async def _allowed(connection: Connection, resolution: Resolution) -> Resolution:
    """The resolution without what persons rejected, who may have decided while it was looked up."""
    if resolution.isbn13 is None:
        return resolution
    found = await refusals(connection, resolution.candidate)
    accepted = resolution.accepted
    why = found.of(accepted) if accepted else found.isbns.get(resolution.isbn13, "")
    if why:
        return resolution.without_isbn(why)
    return replace(resolution, related=tuple(hit for hit in resolution.related if not found.of(hit)))


async def _record_book(connection: Connection, month: Month, resolution: Resolution) -> int:
    """Return the candidate's work, added with its editions if they are new. Unresolved: a work without an edition."""
    hit, candidate = resolution.accepted, resolution.candidate
    if resolution.work_id is not None:
        return resolution.work_id
    if hit is None or hit.isbn13 is None:
        return await repository.add_work(
            connection, candidate.title, (candidate.author,), first_published=None, language=""
        )
    holder = await repository.holder_of(connection, hit.isbn13)
    if holder is not None and not holder.rejected:
        work_id = holder.work_id
    else:
        first = str(month) if resolution.in_month == "confirmed" else str(hit.first_published or "") or None
        authors = hit.authors or (candidate.author,)
        work_id = await repository.add_work(
            connection,
            hit.heading,
            authors,
            first_published=first,
            language=hit.language,
            other_titles=hit.other_titles,
        )
    if holder is not None and holder.work_id != work_id:
        await repository.move_edition(connection, work_id, hit.isbn13)
    await repository.add_alias(connection, work_id, candidate.title, (candidate.author,))
    await repository.add_edition(connection, work_id, hit, month=month)
    for other in resolution.related:
        await repository.add_edition(connection, work_id, other, month=month, related=True)
    await add_other_titles(connection, work_id, _records_of_work(resolution, hit))
    return work_id


def _records_of_work(resolution: Resolution, hit: EditionRecord) -> list[EditionRecord]:
    """The accepted record, and others of its work that may give it further titles, whether or not they have an ISBN."""
    accepted = [*resolution.related, *(each.hit for each in resolution.considered if each.verdict == ACCEPT)]
    telling = [each for each in accepted if each.other_titles or each.language != hit.language]
    others = {(each.source.provider, each.source.id): each for each in telling if each is not hit}
    return [hit, *(each for each in others.values() if same_work(hit, each).verdict == ACCEPT)]


def _due_candidate(row: Row) -> DueCandidate:
    month = Month(row["year"], row["month"])
    named = Candidate(row["title"], row["author"], row["named_year"], row["month"], named_by=tuple(row["named_by"]))
    return DueCandidate(row["id"], month, named, row["work_id"], row["looks"])


def _outcome(resolution: Resolution, work_id: int, lookups: int, now: datetime) -> dict[str, Any]:
    unresolved = resolution.isbn13 is None
    return {
        "work_id": work_id,
        "isbn13": resolution.isbn13,
        "source": resolution.source,
        "score": round(resolution.score, 2),
        "score_version": score_model().version,
        "reason": resolution.reason,
        "evidence": Jsonb([evidence(scored) for scored in resolution.considered]),
        "unavailable": Jsonb(resolution.unavailable),
        "hindered": unresolved and resolution.hindered,
        "in_month": resolution.in_month,
        "looks": lookups,
        "look_again_at": recheck_at(lookups, resolution.hindered, now) if unresolved else None,
    }


def evidence(scored: ScoredRecord) -> dict[str, Any]:
    """Return a considered record as it is stored: what the source states, its score, its verdict and the reasons."""
    hit = scored.hit
    return {
        "score": round(scored.score, 2),
        "verdict": scored.verdict,
        "reasons": list(scored.reasons),
        "source": hit.source.provider,
        "source_id": hit.source.id,
        "fetched_at": hit.source.fetched_at.isoformat(),
        "isbn13": hit.isbn13,
        "title": hit.title,
        "subtitle": hit.subtitle,
        "authors": list(hit.authors),
        "publisher": hit.publisher,
        "published": str(hit.published) if hit.published else None,
        "binding": hit.binding,
        "language": hit.language,
    }
