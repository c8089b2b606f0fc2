"""Merges works that persons know to be one book, and keeps those apart that they know to be different ones.

No row moves: works that are merged are shown as one, so that an undo restores them with all that was found meanwhile.
"""

from __future__ import annotations

from collections.abc import Sequence

from alexandria.catalogue.decision_log import Curator, DecidedBook, begin, book, decide
from alexandria.core.errors import BadInput, NotNow, Unknown
from alexandria.database.pool import Connection
from alexandria.database.sql import load

SQL = load(__name__)


async def merge(connection: Connection, work_id: int, other_id: int, person: Curator) -> int:
    """Decide that a work is the same book as another one, under which it is shown from now on.

    Raises Unknown, NotNow, BadInput and DecisionConflict, as `same` and `different` do. Returns the id of the decision.
    """
    mine, other = await _both(connection, "merge", work_id, other_id, person)
    return await _merge(connection, mine, other, person)


async def same(connection: Connection, work_id: int, other_id: int, person: Curator) -> int:
    """Decide that two works are the same book, shown under the one with more editions, or else the older one."""
    mine, other = await _both(connection, "same", work_id, other_id, person)
    found = await connection.execute(SQL["most_editions"], {"works": [mine.id, other.id]})
    row = await found.fetchone()
    assert row is not None
    one, into = (other, mine) if row["work_id"] == mine.id else (mine, other)
    return await _merge(connection, one, into, person)


async def different(connection: Connection, work_id: int, other_id: int, person: Curator) -> int:
    """Decide that two works are different books: neither takes what the other one is, and no person merges them."""
    mine, other = await _both(connection, "different", work_id, other_id, person)
    return await decide(connection, "different", mine.id, person, other_work_id=other.id)


async def any_different(connection: Connection) -> bool:
    """Return whether persons marked any works as different."""
    row = await (await connection.execute(SQL["any_different"])).fetchone()
    return row is not None and bool(row["found"])


async def regroup(connection: Connection, works: Sequence[int]) -> None:
    """Show works as the decisions that stand make it; `works` are all that are merged with any of them, now or before."""
    await connection.execute(SQL["regroup"], {"works": list(works)})
    await connection.execute(SQL["changed"], {"works": list(works)})


async def _both(
    connection: Connection, act: str, work_id: int, other_id: int, person: Curator
) -> tuple[DecidedBook, DecidedBook]:
    """The two books, of which no decision that stands says yet that they are one, or two."""
    mine = await begin(connection, work_id, person, {"act": act, "other_work_id": other_id})
    other = await book(connection, other_id)
    if other.retired:
        raise Unknown(f"no book has the number {other_id}", hint="find books: alexandria books")
    if work_id == other_id:
        raise BadInput(f"other_work_id: {work_id} is the same book", hint="give the number of another one")
    found = await connection.execute(SQL["between"], {"works": list(mine.works), "others": list(other.works)})
    row = await found.fetchone()
    if mine.id == other.id:
        raise NotNow(
            f"work {work_id} and work {other_id} are merged", hint="undo the merge first: it is in the history"
        )
    if row is not None:
        both = f"work {row['work_id']} and work {row['other_id']}"
        made = f"split {both}" if row["act"] == "split" else f"marked {both} as different"
        raise NotNow(
            f"{row['who']} {made}: {row['why']}",
            hint=f"undo decision {row['id']} first",
        )
    return mine, other


async def _merge(connection: Connection, one: DecidedBook, into: DecidedBook, person: Curator) -> int:
    decided = await decide(connection, "merge", one.id, person, other_work_id=into.id)
    await regroup(connection, (*one.works, *into.works))
    return decided
