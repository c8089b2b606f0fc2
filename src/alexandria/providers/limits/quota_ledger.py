"""Reconciles our count of a day's units with the provider's own; the stricter of the two counts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from alexandria.core.errors import Unknown
from alexandria.database.pool import Connection
from alexandria.database.sql import load

SQL = load(__name__)


@dataclass(frozen=True, slots=True)
class Reconciled:
    """Units of one day: `missed` were counted by the provider and not by us; `news` is what is odd and new."""

    missed: int
    news: str


async def reconcile(connection: Connection, name: str, day: date, total: int | None, spent: int | None) -> Reconciled:
    """Store that the plan has `total` units a day, of which `spent` are gone; None: the provider does not report it.

    Our count is never lowered, as the provider has not counted yet what is in flight. Raises Unknown if the database
    has no such provider.
    """
    row = await (await connection.execute(SQL["before"], {"name": name, "day": day})).fetchone()
    if row is None:
        raise Unknown(f"lane {name} is not configured")
    note = _oddity(total, row["daily_limit"])
    await connection.execute(SQL["plan"], {"name": name, "total": total, "note": note})
    await connection.execute(SQL["raise"], {"name": name, "day": day, "spent": spent or 0})
    return Reconciled(max((spent or 0) - row["used"], 0), note if total != row["plan_limit"] else "")


async def note(connection: Connection, name: str, why: str) -> None:
    """Store why the provider's count could not be read."""
    await connection.execute(SQL["note"], {"name": name, "note": why})


def _oddity(total: int | None, configured: int | None) -> str:
    if total is not None and configured is not None and total < configured:
        return f"the plan has {total} units a day, fewer than the {configured} configured; the plan's limit holds"
    return ""
