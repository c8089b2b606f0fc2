"""Stores which editions are due for enrichment, how often it found nothing, and why an edition waits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeAlias

from alexandria.backfill.repositories import source_rests
from alexandria.catalogue import repository
from alexandria.catalogue.models import EditionRecord, Isbn13, PartialDate, SourceRecord
from alexandria.catalogue.other_titles import add_other_titles
from alexandria.database.pool import Connection, Row
from alexandria.database.sql import load

SQL = load(__name__)
FIELDS = ("subtitle", "publisher", "published", "language", "binding", "pages")
MAX_REASONS = 10  # listed by `waiting`
Value: TypeAlias = str | int | PartialDate | None


@dataclass(frozen=True, slots=True)
class Holding:
    """A stored edition: the value of each of FIELDS, and the source record of a field where it is known.

    `asked_before`: sources have answered about it since it was recorded; `looks`: how often none of them knew it.
    """

    isbn13: Isbn13
    work_id: int
    title: str
    authors: tuple[str, ...]
    related: bool
    asked_before: bool
    looks: int
    fields: Mapping[str, Value]
    sources: Mapping[str, SourceRecord]


@dataclass(frozen=True, slots=True)
class Enriched:
    """The result of enriching one edition: the values that change, their source records, and every record used.

    `done`: every source that was needed has answered. `again_at`: when it is due again, None for never; `note`: why.
    """

    holding: Holding
    fields: Mapping[str, Value]
    sources: Mapping[str, SourceRecord]
    hits: tuple[EditionRecord, ...]
    done: bool
    again_at: datetime | None
    looks: int
    note: str


async def due(connection: Connection, limit: int) -> list[Holding]:
    """Return editions to enrich now, the longest waiting first, reserved for the caller for some minutes."""
    rows = await (await connection.execute(SQL["due"], {"limit": limit})).fetchall()
    return [_holding(row) for row in rows]


async def record(connection: Connection, enriched: Sequence[Enriched], now: datetime) -> int:
    """Store the results. Returns how many editions have better fields than before.

    An edition that another transaction has locked is due again when its reservation ends. Fields that a person corrected
    meanwhile stay.
    """
    await repository.one_writer(connection)
    isbns = [str(one.holding.isbn13) for one in enriched]
    rows = await (await connection.execute(SQL["lock"], {"isbns": isbns})).fetchall()
    free = {row["isbn13"] for row in rows}
    return sum([await _record(connection, one, now) for one in enriched if one.holding.isbn13 in free])


async def again(
    connection: Connection, isbns: Sequence[Isbn13], older_than: int | None, *, dry_run: bool = False
) -> int:
    """Make these editions, and those enriched more than `older_than` days ago, due again. Returns how many.

    Pauses of sources end. A dry run only counts.
    """
    asked = {"isbns": [str(isbn) for isbn in isbns], "older_than": older_than}
    row = await (await connection.execute(SQL["wanted" if dry_run else "again"], asked)).fetchone()
    assert row is not None
    if row["editions"] and not dry_run:
        await source_rests.keep(connection, {})
    return int(row["editions"])


async def overview(connection: Connection) -> dict[str, int]:
    """Count the editions that are due, waiting and done."""
    row = await (await connection.execute(SQL["overview"])).fetchone()
    assert row is not None
    return row


async def waiting(connection: Connection) -> list[Row]:
    """Return the most frequent reasons for which editions wait: {reason, editions, next_at}."""
    return await (await connection.execute(SQL["waiting"], {"limit": MAX_REASONS})).fetchall()


async def _record(connection: Connection, one: Enriched, now: datetime) -> bool:
    isbn13 = one.holding.isbn13
    result = {"isbn13": isbn13, "enrich_at": one.again_at, "looks": one.looks, "note": one.note}
    if (await connection.execute(SQL["finish"], {**result, "done": one.done, "now": now})).rowcount == 0:
        return False
    values = {"isbn13": isbn13, "person": repository.PERSON}
    present = await (await connection.execute(SQL["present"], values)).fetchone()
    assert present is not None
    corrected = present.pop("corrected")
    better = {name: value for name, value in one.fields.items() if name not in corrected}
    more = bool(better)
    for hit in one.hits:
        more = await repository.describe(connection, one.holding.work_id, isbn13, hit) or more
    more = await add_other_titles(connection, one.holding.work_id, one.hits) or more
    if better:
        await _improve(connection, one, present, better)
    if more:
        await connection.execute(SQL["changed"], {"isbn13": isbn13, "now": now})
    return more


async def _improve(connection: Connection, one: Enriched, present: Row, better: Mapping[str, Value]) -> None:
    values = {**present, **better}
    values["published"] = str(values["published"]) if values["published"] else None
    await connection.execute(SQL["improve"], {**values, "isbn13": one.holding.isbn13})
    for field in better:
        record_id = await repository.source_record(connection, one.sources[field])
        provenance = {"isbn13": one.holding.isbn13, "field": field, "source_record_id": record_id}
        await connection.execute(SQL["replace_provenance"], provenance)


def _holding(row: Row) -> Holding:
    fields: dict[str, Value] = {field: row[field] for field in FIELDS}
    if row["published"]:
        fields["published"] = PartialDate.parse(row["published"])
    sources = {
        field: SourceRecord(provider, provider_id, datetime.fromtimestamp(fetched_at, UTC))
        for field, provider, provider_id, fetched_at in row["sources"]
    }
    return Holding(
        Isbn13.stored(row["isbn13"]),
        row["work_id"],
        row["title"],
        tuple(row["authors"]),
        row["related"],
        row["enriched_at"] is not None,
        row["looks"],
        fields,
        sources,
    )
