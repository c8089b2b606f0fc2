"""Reads the catalogue edition by edition, as a stream, so that its size costs no memory."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from datetime import datetime

from psycopg.rows import kwargs_row

from alexandria.database.pool import Database
from alexandria.database.sql import load

SQL = load(__name__)
FETCH_SIZE = 1000  # editions fetched from the server together


@dataclass(frozen=True, slots=True)
class Entry:
    """One edition with its work. Empty texts and None are values that no source gave; dates YYYY, YYYY-MM or YYYY-MM-DD.

    `people` are names with roles, in the order of the title page. `other_titles` are those of the work, as in other
    languages. `related`: found beside the edition that a month wanted. `withdrawn`: a person rejected it, or its work;
    `sources` lists for each field the provider's record it comes from: field, provider, id, fetched_at.
    """

    isbn13: str
    work_id: int
    title: str
    subtitle: str
    people: list[tuple[str, str]]
    publisher: str
    published: str | None
    first_published: str | None
    language: str
    binding: str
    pages: int | None
    subjects: list[str]
    other_titles: list[str]
    related_isbns: list[str]
    related: bool
    sources: list[dict[str, str]]
    created_at: datetime
    changed_at: datetime
    withdrawn: bool = False


async def editions(
    database: Database, since: datetime | None = None, *, isbns: Sequence[str] | None = None
) -> AsyncGenerator[Entry]:
    """Yield all editions as they are when the first is read, by ISBN; with `since` (aware) those changed from then on.

    Withdrawn ones are among these, and are left out otherwise. With `isbns` only these editions.
    """
    async with (
        database.transaction() as connection,
        connection.cursor("holdings", row_factory=kwargs_row(Entry)) as found,
    ):
        await connection.execute(SQL["patience"])
        found.itersize = FETCH_SIZE
        await found.execute(SQL["editions"], {"since": since, "isbns": None if isbns is None else list(isbns)})
        async for entry in found:
            yield entry
