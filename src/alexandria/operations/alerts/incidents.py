"""What is wrong, since when, and who was told? One memory for all processes, so that each incident is told of once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from psycopg.rows import class_row

from alexandria.backfill.repositories import pauses
from alexandria.database.pool import Connection
from alexandria.database.sql import load
from alexandria.operations.alerts.rules import SILENCE, Incident, Kind, Seen

SQL = load(__name__)


@dataclass(frozen=True, slots=True)
class Noted:
    """An incident with its number."""

    id: int
    kind: str
    subject: str
    reason: str


@dataclass(frozen=True, slots=True)
class Notice:
    """What is to be told of an incident: `event` is began or cleared. It was tried `tries` times."""

    id: int
    event: str
    tries: int
    kind: Kind
    subject: str
    reason: str
    began_at: datetime
    cleared_at: datetime | None


async def seen(connection: Connection, blocked_longer: timedelta) -> Seen:
    """The counts that are judged, but for the ways to the providers."""
    counts = await (await connection.execute(SQL["seen"], {"silence": SILENCE})).fetchone()
    blocked = await (await connection.execute(SQL["blocked"], {"longer": blocked_longer})).fetchone()
    pause = await pauses.paused(connection)
    assert counts is not None
    assert blocked is not None
    return Seen(
        **counts,
        blocked=blocked["months"],
        blocked_since=blocked["since"],
        blocked_because=blocked["because"],
        pause=str(pause or ""),
        paused_since=None if pause is None else pause.since,
    )


async def alone(connection: Connection) -> bool:
    """Whether this transaction may judge; two that see different things would begin and clear in turns."""
    row = await (await connection.execute(SQL["alone"])).fetchone()
    return row is not None and bool(row["alone"])


async def follow(
    connection: Connection, lasting: Sequence[Incident], *, announce: bool
) -> tuple[list[Noted], list[Noted]]:
    """Incidents that began just now, and those that are over as they are not `lasting`; with `announce` to be told."""
    values = {"kinds": [i.kind for i in lasting], "subjects": [i.subject for i in lasting]}
    cleared = await _noted(connection, "clear", values)
    began = await _noted(connection, "begin", values | {"reasons": [i.reason for i in lasting]})
    if announce:
        await connection.execute(SQL["announce"], {"ids": [i.id for i in began], "event": "began"})
        await connection.execute(SQL["announce"], {"ids": [i.id for i in cleared], "event": "cleared"})
    return began, cleared


async def due(connection: Connection) -> Notice | None:
    """A notice to be given now, locked until the transaction ends."""
    async with connection.cursor(row_factory=class_row(Notice)) as cursor:
        await cursor.execute(SQL["due"])
        return await cursor.fetchone()


async def told(connection: Connection, notice: Notice, result: str, again: datetime | None, *, delivered: bool) -> None:
    """How a try ended, in a word, and when the next one is made; None: no more."""
    values = {"id": notice.id, "event": notice.event, "result": result, "again": again, "delivered": delivered}
    await connection.execute(SQL["told"], values)


async def _noted(connection: Connection, block: str, values: dict[str, Any]) -> list[Noted]:
    async with connection.cursor(row_factory=class_row(Noted)) as cursor:
        await cursor.execute(SQL[block], values)
        return await cursor.fetchall()
