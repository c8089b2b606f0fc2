"""Counts the books that the bibliography settles, and reads how large and how old it is."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from alexandria.catalogue.keys import KEY_VERSION
from alexandria.core.errors import NotMigrated
from alexandria.core.grammar import counted
from alexandria.database.pool import Connection, Database
from alexandria.database.sql import load

SQL = load(__name__)
SHARE_DAYS = 7  # whose books count in the share that is settled


@dataclass(frozen=True, slots=True)
class BibliographyState:
    """The bibliography that serves, and the books that were looked up in it in the last SHARE_DAYS days.

    `newest` is its newest record, if the catalogue dates them. `settled` of the `asked` books needed no request.
    """

    loaded_at: datetime
    newest: datetime | None
    editions: int
    titles: int
    key_version: int
    bytes: int
    asked: int
    settled: int

    @property
    def as_of(self) -> datetime:
        """The time whose state it has."""
        return self.newest or self.loaded_at

    @property
    def percent(self) -> float | None:
        """The share of the books that it settled, in percent; None if none was looked up."""
        return round(100 * self.settled / self.asked, 2) if self.asked else None

    @property
    def outdated(self) -> bool:
        """Whether titles are not found in it, as another version has indexed them."""
        return self.key_version != KEY_VERSION

    def size(self) -> str:
        """Its size and age, as a clause."""
        return size(self.editions, self.bytes, self.as_of)

    def use(self) -> str:
        """What it settled, as a clause."""
        return use(self.settled, self.asked)


def size(editions: int, size_in_bytes: int, as_of: datetime) -> str:
    """How large a bibliography is and how old, as a clause."""
    return f"{counted(editions, 'edition')}, {size_in_bytes / 1e6:,.0f} MB, as of {as_of:%Y-%m-%d}"


def use(settled: int, asked: int) -> str:
    """How many of the books that were looked up it settled, as a clause."""
    if not asked:
        return f"no book was looked up in it within {SHARE_DAYS} days"
    return (
        f"{settled:,} of {counted(asked, 'book')} ({round(100 * settled / asked, 2):g} %) needed no request within "
        f"{SHARE_DAYS} days"
    )


async def read(database: Database) -> BibliographyState | None:
    """Return the state of the bibliography; None if none is loaded. Raises DatabaseUnavailable."""
    try:
        async with database.transaction() as connection:
            row = await (await connection.execute(SQL["is_loaded"])).fetchone()
            if row is None or not row["loaded"]:
                return None
            found = await (await connection.execute(SQL["state"], {"days": SHARE_DAYS})).fetchone()
    except NotMigrated:  # it was dropped between the two
        return None
    return BibliographyState(**found) if found else None


async def count(connection: Connection, settled: Iterable[bool]) -> None:
    """Count books that were looked up, each with whether it was settled."""
    books = [*settled]
    if books:
        await connection.execute(SQL["count"], {"asked": len(books), "settled": sum(books)})
