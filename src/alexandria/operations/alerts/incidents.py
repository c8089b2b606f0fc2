"""Stores incidents and their notices, for all processes together, so that each incident is reported once."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from psycopg.rows import class_row

from alexandria.backfill import rescuer
from alexandria.backfill.repositories import pauses
from alexandria.backfill.retry_policy import NO_KEY, PROVIDERS_DOWN
from alexandria.core.errors import DatabaseBusy, DatabaseUnavailable, Paused, Stalled
from alexandria.database.pool import Connection, Row
from alexandria.database.sql import load
from alexandria.operations.alerts.rules import HEARTBEAT_TIMEOUT, Incident, IncidentKind, Observations

SQL = load(__name__)
OUTAGE_CODES = [PROVIDERS_DOWN, NO_KEY]
NEUTRAL_CODES = [
    *OUTAGE_CODES,
    Paused.code,
    DatabaseUnavailable.code,
    DatabaseBusy.code,
    Stalled.code,
]  # what does not end a wait for providers


class DeliveryFailed(Exception):
    """The receiver did not take the call; the message gives the reason and nothing secret."""


@dataclass(frozen=True, slots=True)
class StoredIncident:
    """An incident with its number."""

    id: int
    kind: str
    subject: str
    reason: str


@dataclass(frozen=True, slots=True)
class Notice:
    """A message to deliver about an incident: `event` is began, lasts or cleared. `tries` deliveries have failed."""

    id: int
    event: str
    tries: int
    kind: IncidentKind
    subject: str
    reason: str
    began_at: datetime
    cleared_at: datetime | None
    reminded_at: datetime | None = None

    @property
    def delivery(self) -> str:
        """The name of the message: equal for each try to deliver it, another for each reminder."""
        again = f"-{self.reminded_at:%Y%m%dT%H%M%S%f}" if self.event == "lasts" and self.reminded_at else ""
        return f"{self.id}-{self.event}{again}"


async def observe(connection: Connection, blocked_longer: timedelta, down_longer: timedelta) -> Observations:
    """Everything that the rules need but for the providers and the rollout."""
    values = {"silence": HEARTBEAT_TIMEOUT, "beating": rescuer.HEARTBEAT_TIMEOUT, "rescue": rescuer.RESCUE}
    counts = await (await connection.execute(SQL["counts"], values)).fetchone()
    blocked = await (await connection.execute(SQL["blocked"], {"longer": blocked_longer})).fetchone()
    down = await (
        await connection.execute(SQL["down"], {"longer": down_longer, "codes": OUTAGE_CODES, "neutral": NEUTRAL_CODES})
    ).fetchone()
    pause = await pauses.paused(connection)
    assert counts is not None
    assert blocked is not None
    assert down is not None
    return Observations(
        **counts,
        blocked=blocked["months"],
        blocked_since=blocked["since"],
        blocked_because=blocked["because"],
        down=down["months"],
        down_since=down["since"],
        down_because=down["because"],
        pause=str(pause or ""),
        paused_since=None if pause is None else pause.since,
    )


async def try_lock(connection: Connection) -> bool:
    """Whether this transaction may update incidents: two with different observations would begin and clear in turns."""
    row = await (await connection.execute(SQL["try_lock"])).fetchone()
    return row is not None and bool(row["locked"])


async def update(
    connection: Connection, lasting: Sequence[Incident], *, notify: bool
) -> tuple[list[StoredIncident], list[StoredIncident]]:
    """Store which incidents last; returns those that have just begun and those that have just cleared.

    With `notify` a notice is queued for each of them.
    """
    values = {"kinds": [i.kind for i in lasting], "subjects": [i.subject for i in lasting]}
    cleared = await _fetch(connection, "clear", values)
    values["reasons"] = [i.reason for i in lasting]
    await connection.execute(SQL["renew"], values)
    began = await _fetch(connection, "begin", values)
    if notify:
        await connection.execute(SQL["queue_notices"], {"ids": [i.id for i in began], "event": "began"})
        await connection.execute(SQL["queue_notices"], {"ids": [i.id for i in cleared], "event": "cleared"})
    return began, cleared


async def recent(connection: Connection, cleared_within: timedelta, limit: int) -> list[Row]:
    """The incidents that last, then those that cleared lately; each newest first, at most `limit`."""
    return await (await connection.execute(SQL["recent"], {"within": cleared_within, "limit": limit})).fetchall()


async def remind(
    connection: Connection, kinds: Collection[str], interval: timedelta, *, notify: bool
) -> list[StoredIncident]:
    """Mark the incidents of these kinds that were last reported `interval` ago; returns them.

    With `notify` a notice is queued for each of them.
    """
    due = await _fetch(connection, "remind", {"kinds": list(kinds), "interval": interval})
    if notify:
        await connection.execute(SQL["queue_reminders"], {"ids": [i.id for i in due]})
    return due


async def due_notice(connection: Connection) -> Notice | None:
    """A notice to deliver now, locked until the transaction ends."""
    async with connection.cursor(row_factory=class_row(Notice)) as cursor:
        await cursor.execute(SQL["due_notice"])
        return await cursor.fetchone()


async def record_delivery(
    connection: Connection, notice: Notice, result: str, next_try: datetime | None, *, delivered: bool
) -> None:
    """Store how a delivery ended, and when the next one is tried; None: never."""
    values = {"id": notice.id, "event": notice.event, "result": result, "next_try": next_try, "delivered": delivered}
    await connection.execute(SQL["record_delivery"], values)


async def _fetch(connection: Connection, block: str, values: dict[str, Any]) -> list[StoredIncident]:
    async with connection.cursor(row_factory=class_row(StoredIncident)) as cursor:
        await cursor.execute(SQL[block], values)
        return await cursor.fetchall()
