"""Reads one work in full: its people, editions and subjects, and each month that named it with the evidence."""

from __future__ import annotations

from alexandria.catalogue import decision_log
from alexandria.catalogue.models import Isbn13
from alexandria.database.pool import Connection, Row
from alexandria.database.sql import load

SQL = load(__name__)
MAX_EDITIONS, MAX_DECISIONS = 100, 24  # of a work that are read
MAX_CONTRIBUTORS, MAX_SUBJECTS, MAX_RELATED = 50, 50, 50


async def work(connection: Connection, work_id: int) -> Row | None:
    """The work with its editions and decisions, `counts` of both, and what persons decided; None if there is none.

    For a work that persons merged with others it is the one under which all of them are shown.
    """
    limits = {"contributors": MAX_CONTRIBUTORS, "subjects": MAX_SUBJECTS}
    found = await (await connection.execute(SQL["work"], {"id": work_id, **limits})).fetchone()
    if found is None:
        return None
    works = {"works": found["works"]}
    wanted = works | {"limit": MAX_EDITIONS, "related": MAX_RELATED}
    editions = await (await connection.execute(SQL["editions"], wanted)).fetchall()
    named = await connection.execute(SQL["decisions"], works | {"limit": MAX_DECISIONS})
    decisions = await named.fetchall()
    counts = await (await connection.execute(SQL["counts"], works)).fetchone()
    persons = await decision_log.decisions(connection, found["works"])
    return {**found, "editions": editions, "decisions": decisions, "counts": counts, "curation": persons}


async def work_of_isbn(connection: Connection, isbn13: Isbn13) -> int | None:
    """The id of the work under which the edition with this ISBN is shown."""
    row = await (await connection.execute(SQL["of_isbn"], {"isbn13": isbn13})).fetchone()
    return None if row is None else int(row["work_id"])
