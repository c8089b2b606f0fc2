"""Stores the catalogue: works, their editions and contributors, and the source record of each field."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from alexandria.catalogue.index import add_keys, keys_of
from alexandria.catalogue.keys import bounded
from alexandria.catalogue.matching.names import name_key, natural
from alexandria.catalogue.matching.scoring import (
    ACCEPT,
    MAX_POINTS,
    REFUSE,
    is_titled_otherwise,
    same_work,
    work_key,
)
from alexandria.catalogue.matching.titles import read as read_title
from alexandria.catalogue.models import EditionRecord, Isbn13, PartialDate, SourceRecord
from alexandria.core.month import Month
from alexandria.database.pool import Connection, Cursor, Row
from alexandria.database.sql import load

SQL = load(__name__)
NAME = "catalogue"  # as a source of ISBNs
PERSON = "person"  # as the source of a field that a person corrected, or of an edition that a person named
# Milliseconds to wait for the other writers, of whom there may be many, and for a row while they wait.
WRITER_LOCK_TIMEOUT, WRITERS_OWN_LOCK_TIMEOUT = 30_000, 1000
MAX_WORKS_COMPARED = 8  # works compared with one candidate
MAX_WORKS_PER_BLOCK = 5000  # works read of those that share one block
MAX_TITLES_SOUGHT = 20  # other titles by which a work is sought before it is added
MAX_EDITIONS_READ = 300  # of a work, for the one that bears a title
MAX_SUBJECT_LENGTH = 200  # characters; what is longer is no subject
EDITION_FIELDS = ("title", "subtitle", "publisher", "published", "language", "binding", "pages")
_OURSELVES = SourceRecord(NAME, "", datetime(1970, 1, 1, tzinfo=UTC))


@dataclass(frozen=True, slots=True)
class CatalogueMatch:
    """A work that the catalogue holds, its oldest edition's ISBN ("" if it has none), and why it is the one.

    Editions that persons rejected, or that persons alone named, are no editions here: they prove nothing.

    `score` is the probability that it is, in per cent, and `fit` the points by which the best is taken. `dates` are
    those of the work and all its editions. `by_other_title`: it is known by the title only besides its own. `same_key`:
    its title and author are these. `book` is the work that persons merged it in, and `different_from` has the books
    that persons marked as different from it.
    """

    work_id: int
    title: str
    author: str
    isbn13: str
    score: float
    reasons: tuple[str, ...]
    dates: tuple[PartialDate, ...]
    fit: float
    by_other_title: bool = False
    same_key: bool = False
    book: int = 0
    different_from: frozenset[int] = frozenset()


async def find_work(
    connection: Connection,
    title: str,
    authors: Sequence[str],
    *,
    year: int | None = None,
    other_titles: Sequence[str] = (),
) -> CatalogueMatch | None:
    """The work of this title and these authors, if the catalogue holds it.

    `year`, in which it was first published, confirms a title that agrees in part or but for a slip, and another one by
    which a source knows the work: one of the catalogue's, or of `other_titles`. The work's own title goes before these.
    """
    return best(await find_works(connection, title, authors, year=year, other_titles=other_titles))


def best(works: Sequence[CatalogueMatch]) -> CatalogueMatch | None:
    """The work that fits best; one of the title itself goes before one that is known by it."""
    return max(works, key=lambda work: (not work.by_other_title, work.fit), default=None)


async def find_works(
    connection: Connection,
    title: str,
    authors: Sequence[str],
    *,
    year: int | None = None,
    other_titles: Sequence[str] = (),
) -> list[CatalogueMatch]:
    """Every work of this title and these authors: the catalogue may hold a book twice."""
    return await (await search_works(connection, title, authors, year=year, other_titles=other_titles)).found()


@dataclass(frozen=True, slots=True)
class WorkSearch:
    """A search for works that PostgreSQL was sent. In a pipeline its answer is there once the pipeline has ended."""

    sought: EditionRecord
    answer: Cursor

    async def found(self) -> list[CatalogueMatch]:
        """Every work that is the one sought."""
        rows = await self.answer.fetchall()
        held = [work for work in (_held(self.sought, row) for row in rows) if work is not None]
        apart = kept_apart(held)
        return [work for work in held if work.book not in apart] if apart else held


async def search_works(
    connection: Connection,
    title: str,
    authors: Sequence[str],
    *,
    year: int | None = None,
    other_titles: Sequence[str] = (),
) -> WorkSearch:
    """Ask for what `find_works` returns, without waiting for it in a pipeline."""
    keys = keys_of((title, *other_titles[:MAX_TITLES_SOUGHT]), authors)
    named = {"key": work_key(title, authors), "title": title, "blocks": keys}
    values = {**named, "limit": MAX_WORKS_COMPARED, "most": MAX_WORKS_PER_BLOCK}
    sought = EditionRecord(
        _OURSELVES, title, authors=tuple(authors), first_published=year, other_titles=tuple(other_titles)
    )
    return WorkSearch(sought, await connection.execute(SQL["alike"], values))


def kept_apart(works: Sequence[CatalogueMatch]) -> frozenset[int]:
    """The books that persons marked as different from the one of these works that a naming means most likely."""
    nearest = max(works, key=lambda work: (work.same_key, not work.by_other_title, work.fit), default=None)
    return nearest.different_from if nearest else frozenset()


async def book_of(connection: Connection, work_id: int) -> int:
    """The work under which a work is shown, after what persons merged."""
    return await _id(connection, "book_of", {"work_id": work_id})


async def with_edition_titled(connection: Connection, work: CatalogueMatch, title: str) -> CatalogueMatch:
    """The work with the ISBN of its oldest edition that bears the title, such as the translation; else of its oldest."""
    wanted = read_title(title).squash
    if read_title(work.title).squash == wanted:
        return work
    values = {"work_id": work.work_id, "limit": MAX_EDITIONS_READ}
    rows = await (await connection.execute(SQL["editions_of_work"], values)).fetchall()
    bearing = (row["isbn13"] for row in rows if read_title(row["title"]).squash == wanted)
    return replace(work, isbn13=next(bearing, work.isbn13))


def _held(sought: EditionRecord, row: Row) -> CatalogueMatch | None:
    """The work of a row, if it is the one that is sought."""
    dates = tuple(map(PartialDate.parse, row["dates"]))
    other = False
    if row["named_so"]:
        match = replace(same_work(sought, sought), verdict=ACCEPT, reasons=("named so before",), fit=MAX_POINTS)
    else:
        first = min((date.year for date in dates), default=None)
        known = EditionRecord(
            _OURSELVES,
            row["title"],
            authors=tuple(row["authors"]),
            first_published=first,
            other_titles=tuple(row["other_titles"]),
        )
        match = same_work(sought, known)
        other = match.verdict == ACCEPT and is_titled_otherwise(sought, known)
    if match.verdict != ACCEPT:
        return None
    isbn13 = row["isbn13"] or ""
    return CatalogueMatch(
        row["work_id"],
        row["title"],
        row["author"],
        isbn13,
        match.score,
        match.reasons,
        dates,
        match.fit,
        other,
        row["same_key"],
        row["book"],
        frozenset(row["different_from"]),
    )


async def one_writer(connection: Connection) -> None:
    """Wait until no other transaction adds to the catalogue; the lock lasts until the transaction ends.

    Lock what people may lock in psql before, as all writers wait for this one: it waits for nothing longer than a second.
    """
    waits = {"others": WRITER_LOCK_TIMEOUT, "own": WRITERS_OWN_LOCK_TIMEOUT}
    await connection.execute(SQL["one_writer"], waits)


async def add_work(
    connection: Connection,
    title: str,
    authors: Sequence[str],
    *,
    first_published: str | None,
    language: str,
    other_titles: Sequence[str] = (),
) -> int:
    """The id of the work, added with its contributors if the catalogue did not hold it, under this or another title.

    One that it held without any edition takes over this spelling.
    """
    people = [natural(name) for name in authors]
    work: dict[str, object] = {
        "title": title,
        "author": people[0],
        "first_published": first_published,
        "language": language,
    }
    year = PartialDate.parse(first_published).year if first_published else None
    held = await find_work(connection, title, authors, year=year, other_titles=other_titles)
    if held is not None:
        corrected = await connection.execute(SQL["correct_work"], work | {"work_id": held.work_id})
        if corrected.rowcount:
            await add_keys(connection, held.work_id, (title,), people)
        return held.work_id
    work_id = await _id(connection, "add_work", work | {"key": work_key(title, people)})
    await add_keys(connection, work_id, (title,), people)
    for position, name in enumerate(people):
        person_id = await _id(connection, "add_contributor", {"key": name_key(name), "name": name})
        link = {"work_id": work_id, "contributor_id": person_id, "role": "author", "position": position}
        await connection.execute(SQL["link_contributor"], link)
    return work_id


async def add_alias(connection: Connection, work_id: int, title: str, authors: Sequence[str]) -> None:
    """Store a further spelling of a work, so that it is recognised without comparing."""
    await connection.execute(SQL["add_alias"], {"key": work_key(title, authors), "work_id": work_id})


async def move_edition(connection: Connection, work_id: int, isbn13: Isbn13) -> None:
    """Give an edition that a person rejected for its work to another work."""
    await connection.execute(SQL["move_edition"], {"work_id": work_id, "isbn13": isbn13})


async def drop_unproven(connection: Connection, work_id: int) -> None:
    """Delete a work that has no edition and that no candidate needs."""
    await connection.execute(SQL["drop_unproven"], {"work_id": work_id})


async def add_edition(
    connection: Connection, work_id: int, hit: EditionRecord, *, month: Month | None = None, related: bool = False
) -> bool:
    """Add the record's edition, found for `month` if for one, with its provenance unless the catalogue has it.

    Returns whether it was new.
    """
    values = {field: getattr(hit, field) for field in EDITION_FIELDS}
    values["published"] = str(hit.published) if hit.published else None
    values |= {"isbn13": hit.isbn13, "work_id": work_id, "related": related}
    values |= {"added_year": month and month.year, "added_month": month and month.month}
    if await (await connection.execute(SQL["add_edition"], values)).fetchone() is None:
        await connection.execute(SQL["prove"], {"isbn13": hit.isbn13})
        return False
    record_id = await source_record(connection, hit.source)
    fields = [field for field in EDITION_FIELDS if values[field]]
    provenance = {"isbn13": hit.isbn13, "fields": fields, "source_record_id": record_id}
    await connection.execute(SQL["add_provenance"], provenance)
    await describe(connection, work_id, hit.isbn13, hit)
    return True


async def describe(connection: Connection, work_id: int, isbn13: str | None, hit: EditionRecord) -> bool:
    """Store what a record adds to an edition's fields, subjects and related ISBNs. Returns whether any of it was new."""
    if not (hit.subjects or hit.related):
        return False
    record_id = await source_record(connection, hit.source)
    names = [name for name in hit.subjects if len(name) <= MAX_SUBJECT_LENGTH]
    subjects = {"work_id": work_id, "names": names, "source_record_id": record_id}
    numbers = [other for other in hit.related if other != isbn13]
    related = {"isbn13": isbn13, "others": numbers, "source_record_id": record_id}
    added = (await connection.execute(SQL["add_subjects"], subjects)).rowcount
    return added + (await connection.execute(SQL["add_related_isbns"], related)).rowcount > 0


async def source_record(connection: Connection, source: SourceRecord) -> int:
    """The id of the record that a fact rests on."""
    values = {"provider": source.provider, "provider_id": bounded(source.id), "fetched_at": source.fetched_at}
    return await _id(connection, "add_source_record", values)


@dataclass(frozen=True, slots=True)
class RecordSearch:
    """A search for records behind editions that PostgreSQL was sent. In a pipeline its answer is there once that has ended."""

    answer: Cursor

    async def found(self) -> dict[str, EditionRecord]:
        """Each edition as the catalogue holds it, by ISBN, with the source's record that it rests on, if one is known."""
        return {row["isbn13"]: _record_behind(row) for row in await self.answer.fetchall()}


async def search_records_behind(connection: Connection, isbns: Sequence[str]) -> RecordSearch:
    """Ask for the records that these editions rest on, without waiting for them in a pipeline."""
    return RecordSearch(await connection.execute(SQL["records_behind"], {"isbns": json.dumps(list(isbns))}))


def _record_behind(row: Row) -> EditionRecord:
    source = SourceRecord(row.pop("provider"), row.pop("provider_id"), row.pop("fetched_at"))
    row["isbn13"] = Isbn13.stored(row["isbn13"])
    row["published"] = PartialDate.parse(row["published"]) if row["published"] else None
    row["authors"] = tuple(row["authors"])
    return EditionRecord(source, **row)


@dataclass(frozen=True, slots=True)
class IsbnHolder:
    """The work that has an edition of an ISBN: its title, that of this edition, and its first author.

    `rejected`: a person decided that it is no edition of this work.
    """

    work_id: int
    titles: tuple[str, str]
    author: str
    rejected: bool


async def holder_of(connection: Connection, isbn13: Isbn13) -> IsbnHolder | None:
    """The work that this ISBN is an edition of."""
    row = await (await connection.execute(SQL["by_isbn"], {"isbn13": isbn13})).fetchone()
    if row is None:
        return None
    return IsbnHolder(row["work_id"], (row["title"], row["edition_title"]), row["author"], row["rejected"])


def is_of(holder: IsbnHolder, hit: EditionRecord) -> bool:
    """Whether a record with the holder's ISBN is of the holder's work."""
    authors = (holder.author,)
    return any(not unlike(EditionRecord(_OURSELVES, title, authors=authors), hit) for title in holder.titles)


def unlike(one: EditionRecord, other: EditionRecord) -> bool:
    """Whether records with one ISBN are of different books: numbers are used twice, and a set's is in every volume."""
    return same_work(replace(one, isbn13=None), replace(other, isbn13=None)).verdict == REFUSE


async def found(connection: Connection, limit: int) -> list[Row]:
    """Resolved candidates, newest months first."""
    return await (await connection.execute(SQL["found"], {"limit": limit})).fetchall()


async def _id(connection: Connection, block: str, values: Mapping[str, object]) -> int:
    row = await (await connection.execute(SQL[block], values)).fetchone()
    assert row is not None
    return int(row["id"])
