"""Exports what persons decided about ISBNs as labelled pairs, by which the matcher is measured on this catalogue."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from typing import Any

from alexandria.catalogue import review
from alexandria.database.pool import Database, Row

PAIRS_PER_READ = 500
RECORD_FIELDS = (
    *("title", "subtitle", "authors", "isbn13", "publisher", "published", "language", "binding"),
    *("source", "source_id"),
)


async def labelled_pairs(database: Database) -> AsyncGenerator[bytes]:
    """A JSON line for each ISBN on which a person decided: the book as it was named, the record, and whether it is one.

    A split decides on each of its editions twice: it is not one of the old book, and one of the other, as far as these were named.

    `stratum` says why the pair came before a person: it was suspected, drawn at random (sampled), not accepted, or else.
    `strata` has the number of accepted ISBNs that are suspected, and of those that are not, from which samples are drawn.
    """
    last = None
    async with database.transaction() as connection:
        sizes = await review.strata(connection)
    while True:
        async with database.transaction() as connection:
            rows = await review.pairs(connection, last, PAIRS_PER_READ)
        for row in rows:
            yield json.dumps(_pair(row, sizes), ensure_ascii=False).encode() + b"\n"
        if len(rows) < PAIRS_PER_READ:
            return
        last = rows[-1]


def _pair(row: Row, sizes: dict[str, int]) -> dict[str, Any]:
    hit = row["hit"]
    return {
        "id": f"decision {row['id']}, {row['isbn13']} of work {row['work_id']}",
        "label": "another_work" if row["act"] == "reject" else "same_work",
        "query": {name: row[name] for name in ("title", "author", "year", "month") if row[name]},
        "record": {name: hit.get(name) for name in RECORD_FIELDS},
        "verdict": hit.get("verdict"),
        "score": hit.get("score"),
        "score_version": row["score_version"],
        "accepted": row["accepted"],
        "stratum": row["stratum"],
        "strata": sizes,
    }
