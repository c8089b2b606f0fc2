"""Finds editions in the bibliography: by the blocking keys of title and author, and by ISBN."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import itemgetter
from typing import Any

import structlog
from rapidfuzz import fuzz

from alexandria.bibliography import rows
from alexandria.bibliography.postings import MAX_KEY_POSTINGS, checksums, titles_of
from alexandria.catalogue.keys import KEY_VERSION
from alexandria.catalogue.matching.blocking import parts
from alexandria.catalogue.matching.folding import fold
from alexandria.catalogue.models import EditionRecord, Isbn13, OtherTitle, SourceRecord
from alexandria.core.errors import DatabaseBusy, DatabaseUnavailable, NotMigrated
from alexandria.database.pool import Connection, Database, Row
from alexandria.database.sql import load

SQL = load(__name__)
log = structlog.get_logger(__name__)

NAME = "bibliography"
OPEN_LIBRARY = "open_library"  # whose records the rows of its dump are
BEST_TITLES_COUNT = 8  # that are compared with the book
MAX_SIMILAR_TITLES = 1000  # among which those most alike are sought where no title has most of the keys
_MIN_PART_LENGTH = 4  # letters of a title that may be a part of the one that is sought
_PART_FACTOR = 0.9  # of the similarity of a part, so that a whole title comes first
MAX_TRIES = 5  # of a look-up, while loads replace the tables
MAX_EDITIONS = 300  # of one title
CHECK_INTERVAL = 10.0  # seconds between two looks whether another bibliography is loaded
MAX_RELATED = 20  # ISBNs of a record's other editions that are worth keeping
MAX_OTHER_TITLES = 20  # of one title


@dataclass(frozen=True, slots=True)
class _Facts:
    """The load that serves."""

    loaded_at: datetime
    as_of: datetime
    key_version: int
    has_other_titles: bool


class BibliographyIndex:
    """The bibliography of one database. Where none is loaded nothing is found."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._facts: _Facts | None = None
        self._checked = -CHECK_INTERVAL

    async def is_loaded(self) -> bool:
        """Whether there is a bibliography. Raises DatabaseUnavailable."""
        return await self._current() is not None

    async def find(self, title: str, authors: Sequence[str]) -> list[EditionRecord]:
        """The editions of the titles that share most of the blocking keys, the likeliest first.

        Raises DatabaseUnavailable, and DatabaseBusy if other transactions are in the way for too long.
        """
        keys = checksums(parts(title, tuple(authors)))

        async def read(connection: Connection, facts: _Facts) -> list[EditionRecord]:
            if facts.key_version != KEY_VERSION:
                return []
            best = await self._best_titles(connection, title, keys, facts)
            found = await self._editions(connection, best, facts) if best else []
            if not found:
                now = await (await connection.execute(SQL["facts"])).fetchone()
                if now is None or now["loaded_at"] != facts.loaded_at:
                    raise _replaced()
            return _records(found, facts.as_of, await self._other_titles(connection, found, facts))

        return await self._read(read)

    async def by_isbns(self, isbns: Iterable[Isbn13]) -> dict[Isbn13, list[EditionRecord]]:
        """The editions with these ISBNs; of a number that several works bear all. Raises what `find` raises."""
        # The driver writes a list in Python, element by element.
        values = {"isbns": f"{{{','.join(isbns)}}}", "limit": MAX_OTHER_TITLES}

        async def read(connection: Connection, facts: _Facts) -> list[EditionRecord]:
            if facts.has_other_titles:
                found = await (await connection.execute(SQL["by_isbns"], values, binary=True)).fetchall()
            else:
                found = await (await connection.execute(SQL["by_isbns_alone"], values, binary=True)).fetchall()
            found.sort(key=itemgetter("isbn13", "record"))
            return [_record(row, facts.as_of, (), _other_titles_of(row)) for row in found]

        grouped: dict[Isbn13, list[EditionRecord]] = defaultdict(list)
        for record in await self._read(read):
            assert record.isbn13 is not None
            grouped[record.isbn13].append(record)
        return grouped

    async def _read(self, read: Callable[[Connection, _Facts], Awaitable[list[EditionRecord]]]) -> list[EditionRecord]:
        """What `read` finds in the load that serves, if there is one. It reads again if the tables were replaced meanwhile."""
        connected = self._database.statements
        for _ in range(MAX_TRIES):
            facts = await self._current()
            if facts is None:
                return []
            try:
                async with connected() as connection:
                    return await read(connection, facts)
            except (NotMigrated, DatabaseBusy):
                self._checked = -CHECK_INTERVAL
            except DatabaseUnavailable:
                if connected == self._database.transaction:
                    raise
                connected = self._database.transaction  # whose connection is tried before
        raise _replaced()

    async def _current(self) -> _Facts | None:
        """The load that serves, looked up again after CHECK_INTERVAL."""
        if time.monotonic() - self._checked < CHECK_INTERVAL:
            return self._facts
        async with self._database.transaction() as connection:
            row = await (await connection.execute(SQL["is_loaded"])).fetchone()
            loaded = row is not None and row["loaded"]
            facts = await (await connection.execute(SQL["facts"])).fetchone() if loaded else None
        before, self._facts = self._facts, _Facts(**facts) if facts else None
        self._checked = time.monotonic()
        if self._facts and self._facts != before and self._facts.key_version != KEY_VERSION:
            log.warning("bibliography must be loaded again", reason="it was made by another version")
        return self._facts

    async def _best_titles(
        self, connection: Connection, title: str, keys: Sequence[tuple[int, int]], facts: _Facts
    ) -> list[int]:
        """The titles that share the rarest keys. Where none shares half of all keys, as with a misspelt title, half are the most alike."""
        values = {"checksums": [checksum for checksum, _ in keys], "loaded_at": facts.loaded_at}
        cursor = await connection.execute(SQL["postings"], values, binary=True)
        votes: Counter[int] = Counter()
        shared: Counter[int] = Counter()
        for row in await cursor.fetchall():
            # A title has a key once for each of its other titles that has it too.
            titles = dict.fromkeys(titles_of(row["postings"], keys[row["position"] - 1][1]))
            if len(titles) > MAX_KEY_POSTINGS:
                continue
            shared.update(titles.keys())
            for number in titles:
                votes[number] += 1 / len(titles)  # type: ignore[assignment] # a rarer key tells more
        likeliest = [number for number, _ in votes.most_common(MAX_SIMILAR_TITLES)]
        if len(likeliest) <= BEST_TITLES_COUNT or 2 * max(shared.values()) >= len(keys):
            return likeliest[:BEST_TITLES_COUNT]
        values = {"titles": likeliest, "loaded_at": facts.loaded_at}
        found = await (await connection.execute(SQL["titles"], values, binary=True)).fetchall()
        sought = fold(title)
        found.sort(key=lambda row: _likeness(sought, fold(row["title"])), reverse=True)
        chosen = likeliest[: BEST_TITLES_COUNT // 2] + [row["id"] for row in found]
        return [*dict.fromkeys(chosen)][:BEST_TITLES_COUNT]

    async def _editions(self, connection: Connection, titles: Sequence[int], facts: _Facts) -> list[Row]:
        values = {"titles": [*titles], "limit": MAX_EDITIONS, "loaded_at": facts.loaded_at}
        return await (await connection.execute(SQL["editions"], values, binary=True)).fetchall()

    async def _other_titles(
        self, connection: Connection, found: Sequence[Row], facts: _Facts
    ) -> dict[int, tuple[OtherTitle, ...]]:
        """By what else the works of the titles found are known, by the number of the title."""
        titles = {row["title_id"]: row["title"] for row in found}
        if not titles or not facts.has_other_titles:
            return {}
        values = {"titles": [*titles], "limit": MAX_OTHER_TITLES, "loaded_at": facts.loaded_at}
        known: dict[int, list[OtherTitle]] = defaultdict(list)
        for row in await (await connection.execute(SQL["other_titles"], values, binary=True)).fetchall():
            known[row["title_id"]].append(OtherTitle(row["name"], row["language"]))
        if not known:
            raise _replaced()
        return {
            number: rows.other_titles(of_it, titles[number], limit=MAX_OTHER_TITLES) for number, of_it in known.items()
        }


def _likeness(sought: str, title: str) -> float:
    """How alike two titles are, from 0 to 100; a title that is a part of the sought one is nearly the same."""
    part = fuzz.partial_ratio(sought, title) if len(title) >= _MIN_PART_LENGTH else 0.0
    return max(fuzz.ratio(sought, title), _PART_FACTOR * part)


def _other_titles_of(row: Row) -> tuple[OtherTitle, ...]:
    if not row["known"] and not row["of_others"]:
        return ()
    known = [OtherTitle(name, language) for name, language in row["known"]]
    return rows.other_titles(
        known + [OtherTitle(title, "") for title in row["of_others"]], row["title"], limit=MAX_OTHER_TITLES
    )


def _replaced() -> DatabaseBusy:
    return DatabaseBusy("the bibliography is being replaced", hint="try again in a minute")


def _records(
    found: Sequence[Row], as_of: datetime, others: Mapping[int, tuple[OtherTitle, ...]]
) -> list[EditionRecord]:
    """The rows as records; the rows of one record with several ISBNs are one without, as which is meant cannot be known."""
    numbers: dict[int, list[int]] = defaultdict(list)
    for row in found:
        if row["record"]:
            numbers[row["record"]].append(row["isbn13"])
    records, seen = [], set[int]()
    for row in found:
        several = numbers[row["record"]] if row["record"] else []
        if row["record"] in seen:
            continue
        if len(several) > 1:
            seen.add(row["record"])
        of_title = others.get(row["title_id"], ())
        records.append(_record(row, as_of, several if len(several) > 1 else (), of_title))
    return records


def _record(row: Any, as_of: datetime, several: Sequence[int], others: tuple[OtherTitle, ...]) -> EditionRecord:
    """A row as a record of Open Library if it is one: the dump and the live site are one witness."""
    isbn13 = Isbn13.stored(str(row["isbn13"]))
    source = (
        SourceRecord(OPEN_LIBRARY, f"/books/OL{row['record']}M", as_of)
        if row["record"]
        else SourceRecord(NAME, f"isbn:{isbn13}", as_of)
    )
    return EditionRecord(
        source,
        row["title"],
        subtitle=row["subtitle"],
        authors=tuple(filter(None, row["authors"].split(rows.BETWEEN_NAMES))),
        isbn13=None if several else isbn13,
        publisher=row["publisher"],
        published=rows.date_of(row["published"]),
        first_published=row["first_year"],
        language=row["language"],
        binding=row["binding"],
        pages=row["pages"] or None,
        work_key=f"/works/OL{row['work']}W" if row["work"] else "",
        related=tuple(Isbn13.stored(str(number)) for number in several)[:MAX_RELATED],
        other_titles=others,
    )
