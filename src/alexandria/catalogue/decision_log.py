"""Keeps the log of what persons decide about books: who, why, and on which state of the book. Rows are only ever added."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from alexandria.catalogue import repository
from alexandria.core.errors import DecisionConflict, Unknown
from alexandria.core.grammar import counted
from alexandria.database.pool import Connection, Row
from alexandria.database.sql import load

SQL = load(__name__)
MAX_DECISIONS = 200  # of one book that are listed


@dataclass(frozen=True, slots=True)
class Curator:
    """Who decides and why, and the newest decision on the book that they have seen (0: none; None: they did not say)."""

    who: str
    why: str
    expected: int | None = None


@dataclass(frozen=True, slots=True)
class DecidedBook:
    """A book: the work under which it is shown, and all works that persons merged in it, the shown one among them."""

    id: int
    works: tuple[int, ...]
    title: str
    author: str
    version: int
    retired: bool = False

    @property
    def named(self) -> str:
        return f"{self.title!r} by {self.author}, work {self.id}"


async def book(connection: Connection, work_id: int) -> DecidedBook:
    """Return the book that a work is in. `version` is the id of the newest decision on it, 0 without any. Raises Unknown."""
    row = await (await connection.execute(SQL["book"], {"work_id": work_id})).fetchone()
    if row is None:
        raise Unknown(f"no book has the number {work_id}", hint="find books: alexandria books")
    return DecidedBook(row["id"], tuple(row["works"]), row["title"], row["author"], row["version"], row["retired"])


async def newest(connection: Connection) -> int:
    """Return the id of the newest decision of all: the version of a list of books. 0 without any."""
    row = await (await connection.execute(SQL["newest"])).fetchone()
    return int(row["id"]) if row else 0


async def decisions(connection: Connection, works: Sequence[int], after: int = 0) -> list[Row]:
    """Return the decisions on the works of a book that are newer than `after`, newest first, each with its undo."""
    values = {"works": list(works), "after": after, "limit": MAX_DECISIONS}
    return await (await connection.execute(SQL["decisions"], values)).fetchall()


def _no_decision(decision_id: int) -> Unknown:
    return Unknown(f"there is no decision {decision_id}", hint="the history of a book has their numbers")


async def decision(connection: Connection, decision_id: int) -> Row:
    """Return one decision, with the one that undid it. Raises Unknown."""
    row = await (await connection.execute(SQL["decision"], {"id": decision_id})).fetchone()
    if row is None:
        raise _no_decision(decision_id)
    return row


async def work_of(connection: Connection, decision_id: int) -> int:
    """Return the work that a decision is about: of the field of an edition, the one that it is of now. Raises Unknown."""
    row = await (await connection.execute(SQL["work_of"], {"id": decision_id})).fetchone()
    if row is None:
        raise _no_decision(decision_id)
    return int(row["work_id"])


async def begin(connection: Connection, work_id: int, person: Curator, yours: dict[str, Any]) -> DecidedBook:
    """Wait for other writers; return the book. Raises Unknown, and DecisionConflict if another person decided meanwhile."""
    await repository.one_writer(connection)
    seen, present = person.expected, await book(connection, work_id)
    if present.retired and yours["act"] != "undo":
        raise Unknown(f"no book has the number {work_id}", hint="the split that made it was undone")
    if seen is None or seen == present.version:
        return present
    theirs = await decisions(connection, present.works, after=min(seen, present.version))
    newest = f"{theirs[0]['act']} by {theirs[0]['who']}" if theirs else "none"
    raise DecisionConflict(
        f"work {work_id} was decided on meanwhile: {counted(len(theirs), 'decision')}, the newest {newest}",
        hint=f"look at both, and send expected: {present.version}",
        details={
            "work_id": present.id,
            "version": present.version,
            "yours": {name: value for name, value in yours.items() if value is not None}
            | {"who": person.who, "why": person.why, "expected": seen},
            "theirs": [{**row, "at": row["at"].isoformat()} for row in theirs],
        },
    )


async def decide(connection: Connection, act: str, work_id: int, person: Curator, **facts: Any) -> int:
    """Store a decision; return its id."""
    names = ("isbn13", "year", "month", "field", "value", "before", "records", "undoes", "other_work_id")
    values = dict.fromkeys(names) | {"act": act, "work_id": work_id, "who": person.who, "why": person.why, **facts}
    row = await (await connection.execute(SQL["decide"], values)).fetchone()
    assert row is not None
    return int(row["id"])
