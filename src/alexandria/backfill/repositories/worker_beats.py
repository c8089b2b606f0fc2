"""Stores the heartbeats of workers; a heartbeat returns what waits for a worker."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from psycopg.rows import class_row

from alexandria.database.pool import Connection
from alexandria.database.sql import load

SQL = load(__name__)
REGISTRATION_INTERVAL = 20.0  # seconds between heartbeats in the queue's table, from which others delete after 30
EARLIER_VERSION_TIMEOUT = 60.0  # seconds for which a worker of an earlier version that is silent may come back
NOTE_INTERVAL = 3.0  # seconds for which it need not be stored again that no month is lost


@dataclass(frozen=True, slots=True)
class Heard:
    """What a heartbeat found.

    registered      its worker still is: nobody has taken it for dead
    lost            months or jobs have lost their worker, or overdue months have no job
    recovered       a provider answers again, or may be probed
    claimed         the periodic tasks that are due, and this worker's to run
    next_job        seconds until the next job is due; None without one
    next_loss       seconds until the next of the workers that run jobs counts as dead, unless it beats; None without one
    """

    registered: bool
    lost: bool
    recovered: bool
    claimed: Sequence[str]
    next_job: float | None
    next_loss: float | None


@dataclass(frozen=True, slots=True)
class Timetable:
    """Periodic tasks, each due when the time is a multiple of its period and its shift later, both in seconds."""

    tasks: list[str]
    periods: list[float]
    shifts: list[float]


async def beat(
    connection: Connection, worker: int, timetable: Timetable, *, silence: float, probe_interval: float, rescue: str
) -> Heard:
    """Store a heartbeat, claim what is due of the timetable, and return what waits for a worker.

    A worker is dead after `silence` seconds, and `rescue` the task for which it is stored that no month is lost.
    """
    values = {
        "worker": worker,
        "tasks": timetable.tasks,
        "periods": timetable.periods,
        "shifts": timetable.shifts,
        "silence": silence,
        "probe_interval": probe_interval,
        "rescue": rescue,
        "registered_for": REGISTRATION_INTERVAL,
        "earlier_version_silence": EARLIER_VERSION_TIMEOUT,
        "noted_for": NOTE_INTERVAL,
    }
    await connection.execute(SQL["wait_briefly"])
    async with connection.cursor(row_factory=class_row(Heard)) as cursor:
        await cursor.execute(SQL["beat"], values)
        heard = await cursor.fetchone()
    assert heard is not None, "one row without a table"
    return heard


async def beat_only(connection: Connection, worker: int) -> None:
    """Store a heartbeat."""
    await connection.execute(SQL["beat_only"], {"worker": worker})


async def forget(connection: Connection) -> None:
    """Delete the heartbeats of workers that are registered no longer."""
    await connection.execute(SQL["forget"])
