"""Splits works: gives some editions of a work to another one, new or known, with the months that named them.

The editions are rejected for the work that they were of, and both works are different books from then on, so that no
later run brings together what a person split.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from psycopg.types.json import Jsonb

from alexandria.catalogue import decision_log
from alexandria.catalogue.considered import considered, records_of
from alexandria.catalogue.decision_log import Curator, DecidedBook, begin, decide
from alexandria.catalogue.index import add_keys
from alexandria.catalogue.matching.scoring import work_key
from alexandria.catalogue.models import Isbn13
from alexandria.catalogue.work_people import People, link, people_of
from alexandria.core.errors import BadInput, NotNow, Unknown
from alexandria.database.pool import Connection, Row
from alexandria.database.sql import load

SQL = load(__name__)
MAX_SPLIT = 100  # editions in one decision


@dataclass(frozen=True, slots=True)
class NewWork:
    """The work that a split makes. Without a title it has that of its first edition, without people those of the old work."""

    title: str = ""
    people: People = ()


async def split(
    connection: Connection, work_id: int, isbns: Sequence[Isbn13], into: int | NewWork, person: Curator
) -> int:
    """Decide that these editions are of another work, whose number is given or which is made.

    Months that named the old work by another title than its own, and got one of these ISBNs, go with it. Raises Unknown,
    NotNow, BadInput and DecisionConflict. Returns the id of the decision.
    """
    yours = {"act": "split", "isbns": list(isbns), "other_work_id": into if isinstance(into, int) else None}
    book = await begin(connection, work_id, person, yours)
    values = {"works": list(book.works), "isbns": list(isbns)}
    editions = await (await connection.execute(SQL["editions"], values)).fetchall()
    missing = sorted({*isbns} - {edition["isbn13"] for edition in editions})
    if missing or not editions:
        raise Unknown(f"{', '.join(missing) or 'nothing'} is not among the editions of work {work_id}")
    target = (
        await _known(connection, book, into) if isinstance(into, int) else await _made(connection, book, editions, into)
    )
    records = records_of({*isbns}, await considered(connection, book.works))
    namings = await _namings(connection, book.works, isbns)
    keys = {work_key(each["title"], (each["author"],)) for each in namings}
    found = await connection.execute(SQL["aliases"], {"keys": list(keys)})
    held = {row["key"]: row["work_id"] for row in await found.fetchall()}
    resting = await _namings(connection, (target,), isbns)
    before = {
        "made": not isinstance(into, int),
        "aliases": {key: held.get(key) for key in keys},
        "stay": [each["id"] for each in resting],
    }
    decided = await decide(
        connection, "split", book.id, person, other_work_id=target, records=Jsonb(records), before=Jsonb(before)
    )
    moved = {"decision": decided, "target": target, "isbns": list(isbns), "works": list(book.works)}
    await connection.execute(SQL["list"], moved)
    await connection.execute(SQL["move"], {"decision": decided})
    await connection.execute(SQL["move_namings"], {"work_id": target, "ids": [each["id"] for each in namings]})
    await connection.execute(SQL["move_aliases"], {"work_id": target, "keys": list(keys)})
    return decided


async def restore(connection: Connection, past: Row) -> None:
    """Give the editions of a split that was undone, and what moved with them, back to the work that they were of.

    What a person gave to a third work since stays there. Raises NotNow while a later split of one of them stands.
    """
    later = await (await connection.execute(SQL["later"], {"decision": past["id"]})).fetchone()
    if later is not None:
        raise NotNow(f"{later['isbn13']} was split off again since", hint=f"undo decision {later['decision_id']} first")
    target, before = past["other_work_id"], past["before"]
    listed = await (await connection.execute(SQL["listed"], {"decision": past["id"]})).fetchall()
    origin = {row["isbn13"]: row["from_work_id"] for row in listed}
    namings = await _namings(connection, (target,), list(origin), also_its_own=before["made"])
    for each in namings:
        if each["id"] not in before["stay"]:
            back = {"work_id": origin[each["isbn13"]], "ids": [each["id"]]}
            await connection.execute(SQL["move_namings"], back)
    await connection.execute(SQL["move_back"], {"decision": past["id"]})
    for key, work_id in before["aliases"].items():
        alias = {"key": key, "target": target, "work_id": work_id}
        await connection.execute(SQL["drop_alias" if work_id is None else "give_alias_back"], alias)
    await retire(connection, [target])


async def retire(connection: Connection, works: Sequence[int]) -> None:
    """Hide those of these works that an undone split had made and of which nothing is left."""
    await connection.execute(SQL["retire"], {"works": list(works)})


async def _known(connection: Connection, book: DecidedBook, target: int) -> int:
    other = await decision_log.book(connection, target)
    if other.retired:
        raise Unknown(f"no book has the number {target}", hint="find books: alexandria books")
    if other.id == book.id:
        raise BadInput(f"other_work_id: {target} is the same book")
    return other.id


async def _made(connection: Connection, book: DecidedBook, editions: Sequence[Row], wanted: NewWork) -> int:
    first = editions[0]
    title = wanted.title or ": ".join(filter(None, (first["title"], first["subtitle"])))
    people = wanted.people or await people_of(connection, book.id) or ((book.author, "author"),)
    names = [name for name, _ in people]
    key = work_key(title, names)
    if (await connection.execute(SQL["key_taken"], {"key": key})).rowcount:
        key = f"{key} | {await decision_log.newest(connection) + 1}"
    language = next((edition["language"] for edition in editions if edition["language"]), "")
    values = {"key": key, "title": title, "author": names[0], "language": language}
    row = await (await connection.execute(SQL["make"], values)).fetchone()
    assert row is not None
    await add_keys(connection, row["id"], (title,), names)
    await link(connection, row["id"], people)
    return int(row["id"])


async def _namings(
    connection: Connection, works: Sequence[int], isbns: Sequence[str], *, also_its_own: bool = False
) -> list[Row]:
    """Return the candidates of these works that have one of these ISBNs; as asked for, without those of a work's own title."""
    found = await connection.execute(SQL["namings"], {"works": list(works), "isbns": list(isbns)})
    return [
        row for row in await found.fetchall() if also_its_own or work_key(row["title"], (row["author"],)) != row["key"]
    ]
