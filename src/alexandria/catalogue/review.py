"""Reads the review queue: the ISBNs and months that persons should look at first, a page at a time by key."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from alexandria.core.errors import Unknown
from alexandria.database.pool import Connection, Row
from alexandria.database.sql import load

SQL = load(__name__)
MAX_RECORDS_SHOWN, MAX_MONTHS_SHOWN = 6, 12  # of a question
MAX_COUNTED = 1000  # questions of one reason: counting more costs more than the number is worth


class ReviewReason(StrEnum):
    """Why a person should look. The last three ask about a month, the others about an ISBN."""

    DISPUTED = "disputed"
    UNDECIDED = "undecided"
    DOUBTFUL = "doubtful"
    UNSURE = "unsure"
    SAMPLE = "sample"
    CONTRADICTED = "contradicted"
    REPEATED = "repeated"
    OTHER_TITLE = "other_title"


@dataclass(frozen=True, slots=True)
class QueuePlace:
    """A question's place in the queue."""

    place: str
    work_id: int
    subject: str


@dataclass(frozen=True, slots=True)
class QueuePage:
    """Some questions, and the place of the last one if more follow."""

    rows: list[Row]
    last: QueuePlace | None


async def page(connection: Connection, reason: ReviewReason | None, after: QueuePlace | None, limit: int) -> QueuePage:
    """The next `limit` questions after a place, what is most likely wrong first."""
    await connection.execute(SQL["plan_each"])
    values = {
        "reason": reason,
        "after_place": after.place if after else None,
        "after_work": after.work_id if after else None,
        "after_subject": after.subject if after else None,
        "limit": limit + 1,
        "records": MAX_RECORDS_SHOWN,
        "months": MAX_MONTHS_SHOWN,
    }
    rows = await (await connection.execute(SQL["page"], values)).fetchall()
    if len(rows) <= limit:
        return QueuePage(rows, None)
    end = rows[limit - 1]
    return QueuePage(rows[:limit], QueuePlace(str(end["place"]), end["work_id"], end["subject"]))


async def waiting(connection: Connection) -> dict[str, int]:
    """How many questions wait, in all and by reason, each counted up to MAX_COUNTED."""
    row = await (await connection.execute(SQL["waiting"], {"most": MAX_COUNTED})).fetchone()
    assert row is not None
    return {name: int(count) for name, count in row.items()}


async def item(connection: Connection, work_id: int, subject: str) -> Row:
    """The question about an ISBN or a month of a work. Raises Unknown if none waits."""
    row = await (await connection.execute(SQL["item"], {"work_id": work_id, "subject": subject})).fetchone()
    if row is None:
        raise Unknown(
            f"no question about {subject} of work {work_id} waits", hint="it was answered, or changed meanwhile"
        )
    return row


async def pairs(connection: Connection, after: Row | None, limit: int) -> list[Row]:
    """What persons last decided about ISBNs, with the record that had each, by decision; those after a row."""
    place = {"after": 0, "after_work": 0, "after_isbn": ""}
    if after is not None:
        place = {"after": after["id"], "after_work": after["work_id"], "after_isbn": after["isbn13"]}
    return await (await connection.execute(SQL["pairs"], {**place, "limit": limit})).fetchall()


async def strata(connection: Connection) -> dict[str, int]:
    """How many accepted ISBNs are suspected, and how many are not, of which some are drawn at random."""
    row = await (await connection.execute(SQL["strata"])).fetchone()
    assert row is not None
    return {name: int(count) for name, count in row.items()}
