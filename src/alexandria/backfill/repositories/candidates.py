"""What did models name for a month, and what became of it? Candidates with their evidence, resolved or still sought."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg.types.json import Jsonb

from alexandria.backfill.retry_policy import recheck_at
from alexandria.catalogue import repository
from alexandria.catalogue.models import Candidate, Resolution, ScoredRecord
from alexandria.core.month import Month
from alexandria.database.pool import Connection, Row
from alexandria.database.sql import load

SQL = load(__name__)


@dataclass(frozen=True, slots=True)
class DueCandidate:
    """An unresolved candidate that is due to be looked up again, after `looks` looks."""

    id: int
    month: Month
    candidate: Candidate
    work_id: int | None
    looks: int


async def record_month(connection: Connection, month: Month, resolutions: Sequence[Resolution], now: datetime) -> int:
    """Store what became of a month's candidates, replacing an earlier naming; returns the editions that were new."""
    await repository.one_writer(connection)
    await connection.execute(SQL["forget"], {"year": month.year, "month": month.month})
    new = 0
    for position, resolution in enumerate(resolutions):
        work_id, added = await _record_book(connection, month, resolution)
        new += added
        row = _outcome(resolution, work_id, 1, now)
        row |= {"year": month.year, "month": month.month, "position": position}
        row |= {"title": resolution.candidate.title, "author": resolution.candidate.author}
        row |= {"named_year": resolution.candidate.year, "named_by": list(resolution.candidate.named_by)}
        await connection.execute(SQL["add"], row)
    return new


async def due(connection: Connection, limit: int) -> list[DueCandidate]:
    """Unresolved candidates to look up now, newest months first; they are nobody else's for a while."""
    rows = await (await connection.execute(SQL["unresolved"], {"limit": limit})).fetchall()
    await connection.execute(SQL["reserve"], {"ids": [row["id"] for row in rows]})
    return [_sought(row) for row in rows]


async def finish_recheck(connection: Connection, sought: DueCandidate, resolution: Resolution, now: datetime) -> bool:
    """Store what a further look found and count the month anew; whether the candidate is resolved now."""
    await repository.one_writer(connection)
    work_id, added = await _record_book(connection, sought.month, resolution)
    row = _outcome(resolution, work_id, sought.looks + (not resolution.hindered), now) | {"id": sought.id}
    if (await connection.execute(SQL["finish_recheck"], row)).rowcount == 0:
        return False  # the month was named anew meanwhile
    if sought.work_id is not None and sought.work_id != work_id:
        await repository.drop_unproven(connection, sought.work_id)
    month = {"year": sought.month.year, "month": sought.month.month}
    await connection.execute(SQL["count_again"], {**month, "queued": added})
    return resolution.isbn13 is not None


async def of_month(connection: Connection, month: Month) -> list[Row]:
    """A month's candidates in the order named, each with ISBN, source, score, reason and evidence."""
    found = await connection.execute(SQL["of_month"], {"year": month.year, "month": month.month})
    return await found.fetchall()


async def in_month(connection: Connection, month: Month) -> dict[str, int]:
    """How many resolved books are confirmed, contradicted or unknown to have been first published in the month."""
    rows = await (await connection.execute(SQL["in_month"], {"year": month.year, "month": month.month})).fetchall()
    counted = {row["in_month"]: row["books"] for row in rows}
    return {answer: counted.get(answer, 0) for answer in ("confirmed", "contradicted", "unknown")}


async def spent_on_rechecks(connection: Connection) -> int:
    """Requests sent since UTC midnight for further looks."""
    row = await (await connection.execute(SQL["spent_on_rechecks"])).fetchone()
    assert row is not None
    return int(row["calls"])


async def _record_book(connection: Connection, month: Month, resolution: Resolution) -> tuple[int, int]:
    """The candidate's work, added if new, and 1 if its edition was new. What is unresolved is a work without edition."""
    hit, candidate = resolution.accepted, resolution.candidate
    if resolution.work_id is not None:
        return resolution.work_id, 0
    if hit is None or hit.isbn13 is None:
        named = await repository.add_work(
            connection, candidate.title, (candidate.author,), first_published=None, language=""
        )
        return named, 0
    work_id = await repository.work_of(connection, hit.isbn13)
    if work_id is None:
        first = str(month) if resolution.in_month == "confirmed" else str(hit.first_published or "") or None
        authors = hit.authors or (candidate.author,)
        work_id = await repository.add_work(
            connection, hit.heading, authors, first_published=first, language=hit.language
        )
    await repository.add_alias(connection, work_id, candidate.title, (candidate.author,))
    new = await repository.add_edition(connection, work_id, hit)
    for other in resolution.related:
        await repository.add_edition(connection, work_id, other, related=True)
    return work_id, int(new)


def _sought(row: Row) -> DueCandidate:
    month = Month(row["year"], row["month"])
    named = Candidate(row["title"], row["author"], row["named_year"], row["month"], named_by=tuple(row["named_by"]))
    return DueCandidate(row["id"], month, named, row["work_id"], row["looks"])


def _outcome(resolution: Resolution, work_id: int, looks: int, now: datetime) -> dict[str, Any]:
    sought = resolution.isbn13 is None
    return {
        "work_id": work_id,
        "isbn13": resolution.isbn13,
        "source": resolution.source,
        "score": round(resolution.score, 2),
        "reason": resolution.reason,
        "evidence": Jsonb([evidence(scored) for scored in resolution.considered]),
        "unavailable": Jsonb(resolution.unavailable),
        "hindered": sought and resolution.hindered,
        "in_month": resolution.in_month,
        "looks": looks,
        "look_again_at": recheck_at(looks, resolution.hindered, now) if sought else None,
    }


def evidence(scored: ScoredRecord) -> dict[str, Any]:
    """A considered hit as it is stored and shown: what the source said, and how it was judged."""
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
