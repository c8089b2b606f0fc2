"""What does the catalogue hold? Works, editions and contributors with provenance, and each month's candidates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from psycopg.types.json import Jsonb

from alexandria.block import blocks
from alexandria.book import Hit, Isbn13, Resolution, Scored
from alexandria.match import work_key
from alexandria.month import Month
from alexandria.person import name_key, natural
from alexandria.store.database import Connection, Row
from alexandria.store.sql import load

SQL = load("catalogue")
ALIKE = 8  # works compared with one candidate
EDITION_FIELDS = ("title", "subtitle", "publisher", "published", "language", "binding", "pages")


async def by_isbn(connection: Connection, isbn13: Isbn13) -> Row | None:
    """{isbn13, work_id, title, author} of the edition with this ISBN."""
    return await (await connection.execute(SQL["by_isbn"], {"isbn13": isbn13})).fetchone()


async def alike(connection: Connection, title: str, authors: Sequence[str]) -> list[Row]:
    """Works that may be this one, likeliest first: {work_id, key, title, author, authors, first_published, isbn13}.

    `isbn13` is the oldest edition's, None if the work has none. Whether one of them is the work, `match` must say.
    """
    values = {"key": work_key(title, authors), "title": title, "blocks": blocks(title, authors), "limit": ALIKE}
    return await (await connection.execute(SQL["alike"], values)).fetchall()


async def record_month(connection: Connection, month: Month, resolutions: Sequence[Resolution]) -> int:
    """Store what became of a month's candidates, replacing an earlier naming; returns the editions that were new."""
    await connection.execute(SQL["one_writer"])
    await connection.execute(SQL["forget_candidates"], {"year": month.year, "month": month.month})
    new = 0
    for position, resolution in enumerate(resolutions):
        work_id, added = await _record_work(connection, month, resolution)
        new += added
        await connection.execute(SQL["add_candidate"], _candidate_row(month, position, work_id, resolution))
    return new


async def candidates(connection: Connection, month: Month) -> list[Row]:
    """A month's candidates in the order named, each with ISBN, source, score, reason and evidence."""
    found = await connection.execute(SQL["candidates"], {"year": month.year, "month": month.month})
    return await found.fetchall()


async def found(connection: Connection, limit: int) -> list[Row]:
    """Resolved candidates, newest months first."""
    return await (await connection.execute(SQL["found"], {"limit": limit})).fetchall()


async def _record_work(connection: Connection, month: Month, resolution: Resolution) -> tuple[int | None, int]:
    """The work of a candidate, added if new, and 1 if its edition was new. An unresolved candidate has no edition."""
    hit, candidate = resolution.accepted, resolution.candidate
    if resolution.work_id is not None:
        return resolution.work_id, 0
    if hit is None or hit.isbn13 is None:
        return None, 0
    held = await by_isbn(connection, hit.isbn13)
    if held is not None:
        return held["work_id"], 0
    authors = [natural(name) for name in hit.authors or (candidate.author,)]
    work = {
        "key": work_key(hit.title, authors),
        "title": hit.title,
        "author": authors[0],
        "first_published": str(month),
        "language": hit.language,
        "blocks": blocks(hit.title, authors),
    }
    row = await (await connection.execute(SQL["add_work"], work)).fetchone()
    assert row is not None
    await _record_contributors(connection, row["id"], authors)
    return row["id"], await _record_edition(connection, row["id"], hit)


async def _record_contributors(connection: Connection, work_id: int, names: Sequence[str]) -> None:
    for position, name in enumerate(names):
        row = await (await connection.execute(SQL["add_contributor"], {"key": name_key(name), "name": name})).fetchone()
        assert row is not None
        link = {"work_id": work_id, "contributor_id": row["id"], "role": "author", "position": position}
        await connection.execute(SQL["link_contributor"], link)


async def _record_edition(connection: Connection, work_id: int, hit: Hit) -> int:
    values = {field: getattr(hit, field) for field in EDITION_FIELDS}
    values["published"] = str(hit.published) if hit.published else None
    values |= {"isbn13": hit.isbn13, "work_id": work_id}
    added = await (await connection.execute(SQL["add_edition"], values)).fetchone()
    source = {
        "provider": hit.source.provider,
        "provider_id": hit.source.id,
        "fetched_at": hit.source.fetched_at,
    }
    record = await (await connection.execute(SQL["add_source_record"], source)).fetchone()
    assert record is not None
    fields = [field for field in EDITION_FIELDS if values[field]]
    provenance = {"isbn13": hit.isbn13, "fields": fields, "source_record_id": record["id"]}
    await connection.execute(SQL["add_provenance"], provenance)
    return 0 if added is None else 1


def _candidate_row(month: Month, position: int, work_id: int | None, resolution: Resolution) -> dict[str, Any]:
    candidate = resolution.candidate
    return {
        "year": month.year,
        "month": month.month,
        "position": position,
        "title": candidate.title,
        "author": candidate.author,
        "named_by": list(candidate.named_by),
        "work_id": work_id,
        "isbn13": resolution.isbn13,
        "source": resolution.source,
        "score": round(resolution.score, 2),
        "reason": resolution.reason,
        "evidence": Jsonb([evidence(scored) for scored in resolution.considered]),
        "unavailable": Jsonb(resolution.unavailable),
    }


def evidence(scored: Scored) -> dict[str, Any]:
    """A hit that was considered, as JSON data."""
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
