"""Corrects the fields of a work itself: its title, people, first publication and language. No source changes them after."""

from __future__ import annotations

from psycopg.types.json import Jsonb

from alexandria.catalogue.decision_log import Curator, begin, decide
from alexandria.catalogue.field_values import read_date, read_value
from alexandria.catalogue.index import add_keys
from alexandria.catalogue.matching.scoring import work_key
from alexandria.catalogue.work_people import People, link, people_of, read_people, written
from alexandria.core.errors import BadInput
from alexandria.database.pool import Connection, Row
from alexandria.database.sql import load

SQL = load(__name__)
WORK_FIELDS = ("title", "contributors", "first_published", "language")
FOUND_BY = ("title", "contributors")  # fields by which a naming finds the work
MAX_LANGUAGE_LENGTH = 20


async def correct_work(connection: Connection, work_id: int, change: tuple[str, str], person: Curator) -> int:
    """Set a field of a work to a value; the empty text is none. Raises Unknown, BadInput and DecisionConflict.

    Months that name the work as it was called before still find it. Returns the id of the decision.
    """
    name, text = change
    text = read_work_value(name, text)
    book = await begin(connection, work_id, person, {"act": "correct", "field": name, "value": text})
    work = await _work(connection, book.id)
    people = await people_of(connection, book.id)
    earlier = await _standing(connection, book.id, name)
    source = earlier["before"] if earlier else {"value": work[name], "author": work["author"], "people": list(people)}
    await _set(connection, work, name, text)
    added = await _lead_here(connection, work, people) if name in FOUND_BY else []
    before = Jsonb({"value": source["value"], "author": source["author"], "people": source["people"], "aliases": added})
    decided = await decide(connection, "correct", book.id, person, field=name, value=text, before=before)
    await connection.execute(SQL["changed"], {"works": list(book.works)})
    return decided


async def restore(connection: Connection, past: Row) -> None:
    """Give a field the correction before the one that was undone, or what it was before any."""
    work_id, name = past["work_id"], past["field"]
    work, other = await _work(connection, work_id), await _standing(connection, work_id, name)
    if other is not None:
        await _set(connection, work, name, other["value"])
    elif name == "contributors":
        await _set_people(connection, work, [(each, role) for each, role in past["before"]["people"]])
        await connection.execute(SQL["set_author"], {"work_id": work_id, "author": past["before"]["author"]})
    else:
        await _set(connection, work, name, past["before"]["value"] or "")
    await connection.execute(SQL["drop_aliases"], {"work_id": work_id, "fields": list(FOUND_BY)})


def read_work_value(name: str, text: str) -> str:
    """Return a field's value from text, as it is stored in a decision. Raises BadInput."""
    match name:
        case "title":
            return str(read_value(name, text)).strip()
        case "contributors":
            return written(read_people(text))
        case "first_published":
            return read_date(name, text)
        case "language":
            if len(text) > MAX_LANGUAGE_LENGTH:
                raise BadInput("value: language is a code such as en")
            return text.strip()
    raise BadInput(f"field: {name!r} is not one of {', '.join(WORK_FIELDS)}")


async def _work(connection: Connection, work_id: int) -> Row:
    row = await (await connection.execute(SQL["work"], {"work_id": work_id})).fetchone()
    assert row is not None
    return row


async def _standing(connection: Connection, work_id: int, name: str) -> Row | None:
    values = {"work_id": work_id, "field": name}
    return await (await connection.execute(SQL["standing"], values)).fetchone()


async def _set(connection: Connection, work: Row, name: str, text: str) -> None:
    if name == "contributors":
        await _set_people(connection, work, read_people(text))
        return
    fields = {each: work[each] for each in ("title", "first_published", "language")} | {name: text}
    fields["first_published"] = fields["first_published"] or None
    await connection.execute(SQL["set"], {"work_id": work["id"], **fields})


async def _set_people(connection: Connection, work: Row, people: People) -> None:
    await link(connection, work["id"], people)
    if people:
        await connection.execute(SQL["set_author"], {"work_id": work["id"], "author": people[0][0]})


async def _lead_here(connection: Connection, before: Row, people: People) -> list[str]:
    """Let namings by the former and by the present title and people find the work. Returns the keys that are new."""
    work = await _work(connection, before["id"])
    former = [name for name, _ in people] or [before["author"]]
    present = [name for name, _ in await people_of(connection, work["id"])] or [work["author"]]
    await add_keys(connection, work["id"], (work["title"], *work["others"]), present)
    keys = [work_key(before["title"], former), work_key(work["title"], present)]
    found = await connection.execute(SQL["add_aliases"], {"work_id": work["id"], "keys": list(dict.fromkeys(keys))})
    return [row["key"] for row in await found.fetchall()]
