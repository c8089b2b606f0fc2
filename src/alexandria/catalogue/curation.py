"""Stores what persons decide about editions and months of books, and undoes it. Decisions outlive what machines find."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from psycopg.types.json import Jsonb

from alexandria.catalogue import merging, repository, splitting, work_correction
from alexandria.catalogue.considered import considered, records_of
from alexandria.catalogue.decision_log import Curator, DecidedBook, begin, decide, decision, work_of
from alexandria.catalogue.field_values import read_value
from alexandria.catalogue.models import EditionRecord, Isbn13, SourceRecord
from alexandria.catalogue.repository import EDITION_FIELDS, PERSON
from alexandria.core.errors import NotNow, Unknown
from alexandria.core.month import Month
from alexandria.database.pool import Connection, Cursor, Row
from alexandria.database.sql import load

SQL = load(__name__)


@dataclass(frozen=True, slots=True)
class Refusals:
    """What persons rejected for a book: ISBNs, and records by provider and id, each with who, when and why."""

    isbns: Mapping[str, str] = field(default_factory=dict)
    records: Mapping[tuple[str, str], str] = field(default_factory=dict)

    def of(self, hit: EditionRecord) -> str:
        """Return why a record is refused, or ""."""
        by_number = self.isbns.get(hit.isbn13, "") if hit.isbn13 else ""
        return by_number or self.records.get((hit.source.provider, hit.source.id), "")


NONE_REFUSED = Refusals()


async def refusals(connection: Connection, works: Sequence[int]) -> Refusals:
    """Return what persons rejected for a book that may be any of these works."""
    return await (await search_refusals(connection, works)).found() if works else NONE_REFUSED


@dataclass(frozen=True, slots=True)
class RefusalSearch:
    """A search for what persons rejected that PostgreSQL was sent. In a pipeline its answer is there once that has ended."""

    answer: Cursor

    async def found(self) -> Refusals:
        isbns: dict[str, str] = {}
        records: dict[tuple[str, str], str] = {}
        for row in await self.answer.fetchall():
            reason = f"rejected by {row['who']} on {row['at']:%Y-%m-%d}: {row['why']}"
            isbns[row["isbn13"]] = reason
            records.update(((provider, id_), reason) for provider, id_ in row["records"])
        return Refusals(isbns, records)


async def search_refusals(connection: Connection, works: Sequence[int]) -> RefusalSearch:
    """Ask for what `refusals` returns, without waiting for it in a pipeline."""
    return RefusalSearch(await connection.execute(SQL["refused"], {"works": list(works)}))


async def any_refused(connection: Connection, isbns: Sequence[str], hits: Sequence[EditionRecord]) -> bool:
    """Return whether a person rejected one of these ISBNs or records for whatever work."""
    records = [[hit.source.provider, hit.source.id] for hit in hits]
    values = {"isbns": list(isbns), "records": Jsonb(records)}
    row = await (await connection.execute(SQL["any_refused"], values)).fetchone()
    return row is not None and bool(row["refused"])


async def reject(connection: Connection, work_id: int, isbn13: Isbn13, person: Curator) -> int:
    """Decide that an ISBN is not of this work: no attempt stores it, or the records that had it, for the work again.

    Raises Unknown, NotNow and DecisionConflict, as all acts do. Returns the id of the decision.
    """
    book = await begin(connection, work_id, person, {"act": "reject", "isbn13": isbn13})
    edition = await _edition(connection, isbn13)
    hits = await considered(connection, book.works)
    if not _has(book, edition) and all(hit["isbn13"] != isbn13 for hit in hits):
        raise Unknown(f"{isbn13} is not among the editions of work {work_id}, or its evidence")
    about, records = _work_of(book, edition), Jsonb(records_of({isbn13}, hits))
    decided = await decide(connection, "reject", about, person, isbn13=isbn13, records=records)
    await connection.execute(SQL["changed"], {"works": list(book.works), "isbn13": isbn13})
    return decided


async def pin(connection: Connection, work_id: int, isbn13: Isbn13, person: Curator) -> int:
    """Decide that this ISBN is the one of the work; it is added if no source has given it an edition."""
    book = await begin(connection, work_id, person, {"act": "pin", "isbn13": isbn13})
    edition = await _edition(connection, isbn13)
    if edition is not None and not _has(book, edition) and not edition["rejected"]:
        holder = f"{edition['work_title']!r} by {edition['work_author']}, work {edition['work_id']}"
        raise NotNow(f"{isbn13} is an edition of {holder}", hint="reject it there first")
    decided = await decide(connection, "pin", _work_of(book, edition), person, isbn13=isbn13)
    if edition is None:
        await _add_edition(connection, book, isbn13, decided)
    elif not _has(book, edition):
        await repository.move_edition(connection, book.id, isbn13)
    await connection.execute(SQL["changed"], {"works": list(book.works), "isbn13": isbn13})
    return decided


async def accept(connection: Connection, work_id: int, subject: Isbn13 | Month, person: Curator) -> int:
    """Decide that an ISBN of the work, or the work as a book of this month, is right as it was found."""
    book = await begin(connection, work_id, person, {"act": "accept", "subject": str(subject)})
    if isinstance(subject, Month):
        await _check_named(connection, book, subject)
        return await decide(connection, "accept", book.id, person, year=subject.year, month=subject.month)
    edition = await _edition(connection, subject)
    if edition is None or not _has(book, edition):
        raise Unknown(f"{subject} is not among the editions of work {work_id}", hint="pin it to add it")
    if edition["rejected"]:
        raise NotNow(f"{subject} was rejected for work {work_id}", hint="undo that decision, or pin the ISBN")
    return await decide(connection, "accept", edition["work_id"], person, isbn13=subject)


async def exclude(connection: Connection, work_id: int, month: Month | None, person: Curator) -> int:
    """Decide that the work is no book of this month, or not notable: of no month, and withdrawn from the catalogue."""
    book = await begin(connection, work_id, person, {"act": "exclude", "month": month and str(month)})
    of_month = {"year": month and month.year, "month": month and month.month}
    if month is not None:
        await _check_named(connection, book, month)
    decided = await decide(connection, "exclude", book.id, person, **of_month)
    if month is None:
        await connection.execute(SQL["changed"], {"works": list(book.works), "isbn13": None})
    return decided


async def correct(
    connection: Connection, work_id: int, isbn13: Isbn13, change: tuple[str, str], person: Curator
) -> int:
    """Set a field of an edition to a value; sources no longer change it. Raises BadInput too."""
    name, text = change
    value = read_value(name, text)
    book = await begin(connection, work_id, person, {"act": "correct", "isbn13": isbn13, "field": name, "value": text})
    edition = await _edition(connection, isbn13)
    if edition is None or not _has(book, edition):
        raise Unknown(f"{isbn13} is not among the editions of work {work_id}")
    earlier = await _standing_correction(connection, isbn13, name)
    if earlier is not None:
        before = earlier["before"]
    else:
        found = await connection.execute(SQL["rests_on"], {"isbn13": isbn13, "field": name})
        row = await found.fetchone()
        before = {"value": edition[name], "record": row and row["source_record_id"]}
    decided = await decide(
        connection, "correct", edition["work_id"], person, isbn13=isbn13, field=name, value=text, before=Jsonb(before)
    )
    await _set(connection, edition, name, value)
    await _rest_on_person(connection, isbn13, name, decided)
    return decided


async def undo(connection: Connection, decision_id: int, person: Curator) -> int:
    """Undo a decision that stands; what stood before it, or what sources gave, counts again."""
    work_id = await work_of(connection, decision_id)
    book = await begin(connection, work_id, person, {"act": "undo", "undoes": decision_id})
    past = await decision(connection, decision_id)
    if past["act"] == "undo":
        raise NotNow(f"decision {decision_id} is itself an undo", hint="decide again instead")
    if past["undone_by"] is not None:
        raise NotNow(f"decision {decision_id} was undone before, by decision {past['undone_by']}")
    about = {name: past[name] for name in ("isbn13", "year", "month", "other_work_id")}
    decided = await decide(connection, "undo", work_id, person, undoes=decision_id, **about)
    match past["act"]:
        case "correct" if past["isbn13"] is None:
            await work_correction.restore(connection, past)
        case "correct":
            await _restore(connection, past)
        case "merge":
            await merging.regroup(connection, book.works)
            await splitting.retire(connection, book.works)
        case "split":
            await splitting.restore(connection, past)
    if past["act"] not in ("accept", "different", "split"):
        await connection.execute(SQL["changed"], {"works": list(book.works), "isbn13": past["isbn13"]})
    return decided


async def _check_named(connection: Connection, book: DecidedBook, month: Month) -> None:
    values = {"works": list(book.works), "year": month.year, "month": month.month}
    row = await (await connection.execute(SQL["named_in"], values)).fetchone()
    if row is None or not row["named"]:
        raise Unknown(f"{month} did not name the book {book.id}", hint=f"its books: alexandria month {month}")


async def _edition(connection: Connection, isbn13: str) -> Row | None:
    return await (await connection.execute(SQL["edition"], {"isbn13": isbn13})).fetchone()


def _has(book: DecidedBook, edition: Row | None) -> bool:
    return edition is not None and edition["work_id"] in book.works


def _work_of(book: DecidedBook, edition: Row | None) -> int:
    """The work of a book that a decision on an ISBN is stored for: that of the edition, so that it stays with it."""
    return int(edition["work_id"]) if edition is not None and _has(book, edition) else book.id


async def _add_edition(connection: Connection, book: DecidedBook, isbn13: Isbn13, decided: int) -> None:
    """Add an edition that a person named: as a record in the evidence describes it, else with the work's title alone."""
    hits = await considered(connection, book.works)
    hit = next((hit for hit in hits if hit["isbn13"] == isbn13), None)
    fields = {name: (hit or {}).get(name) or "" for name in EDITION_FIELDS if name != "pages"}
    fields["published"] = fields["published"] or None
    fields["title"] = fields["title"] or book.title
    await connection.execute(SQL["add_edition"], {"work_id": book.id, "isbn13": isbn13, **fields})
    await _rest_on_person(connection, isbn13, "isbn13", decided)
    if hit is None:
        await _rest_on_person(connection, isbn13, "title", decided)
        return
    fetched_at = datetime.fromisoformat(hit["fetched_at"])
    record = await repository.source_record(connection, SourceRecord(hit["source"], hit["source_id"], fetched_at))
    for name in (name for name, value in fields.items() if value):
        await connection.execute(SQL["rest"], {"isbn13": isbn13, "field": name, "record": record})


async def _set(connection: Connection, edition: Row, name: str, value: str | int | None) -> None:
    fields = {each: edition[each] for each in EDITION_FIELDS} | {name: value}
    await connection.execute(SQL["correct"], {"isbn13": edition["isbn13"], **fields})


async def _rest_on_person(connection: Connection, isbn13: str, name: str, decided: int) -> None:
    at = (await decision(connection, decided))["at"]
    record = await repository.source_record(connection, SourceRecord(PERSON, f"decision {decided}", at))
    await connection.execute(SQL["rest"], {"isbn13": isbn13, "field": name, "record": record})


async def _standing_correction(connection: Connection, isbn13: str, name: str) -> Row | None:
    return await (await connection.execute(SQL["standing_correction"], {"isbn13": isbn13, "field": name})).fetchone()


async def _restore(connection: Connection, past: Row) -> None:
    """Give a field the correction before the one that was undone, or what sources gave, who are asked again."""
    isbn13, name = past["isbn13"], past["field"]
    edition = await _edition(connection, isbn13)
    if edition is None:  # deleted in psql
        return
    other = await _standing_correction(connection, isbn13, name)
    if other is not None:
        await _set(connection, edition, name, read_value(name, other["value"]))
        await _rest_on_person(connection, isbn13, name, other["id"])
        return
    await _set(connection, edition, name, past["before"]["value"])
    values = {"isbn13": isbn13, "field": name, "record": past["before"]["record"]}
    await connection.execute(SQL["rest" if values["record"] else "rest_on_nothing"], values)
    await connection.execute(SQL["ask_again"], {"isbn13": isbn13})
