"""Reconciles our count of a day's units with the provider's own; the stricter of the two counts."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date

from alexandria.core.errors import Unknown
from alexandria.core.provider_facts import PROVIDERS, usual_reserve
from alexandria.database.pool import Connection, Row
from alexandria.database.sql import load
from alexandria.providers.limits.spacing import spacing

SQL = load(__name__)


@dataclass(frozen=True, slots=True)
class Reconciled:
    """Units of one day: `missed` were counted by the provider and not by us; `news` is what is odd and new."""

    missed: int
    news: str


async def reconcile(
    connection: Connection, name: str, day: date, total: int | None, spent: int | None, *, host: str = ""
) -> Reconciled:
    """Store that the plan has `total` units a day, of which `spent` are gone; None: the provider does not report it.

    Our count is never lowered, as the provider has not counted yet what is in flight. The plan's `host` decides the
    rate, unless a setting does. Raises Unknown if the database has no such provider.
    """
    row = await (await connection.execute(SQL["before"], {"name": name, "day": day})).fetchone()
    if row is None:
        raise Unknown(f"lane {name} is not configured")
    note = _oddity(total, row)
    rate = PROVIDERS[name].plan_rates.get(host) if name in PROVIDERS else None
    await connection.execute(SQL["plan"], {"name": name, "total": total, "note": note, "host": host, "rate": rate})
    if rate is not None:
        await connection.execute(SQL["pace"], {"name": name, "rate": rate, **asdict(spacing(rate))})
    await connection.execute(SQL["raise"], {"name": name, "day": day, "spent": spent or 0})
    is_news = total != row["plan_limit"] or not row["plan_note"]
    return Reconciled(max((spent or 0) - row["used"], 0), note if is_news else "")


async def note(connection: Connection, name: str, why: str) -> None:
    """Store why the provider's count could not be read."""
    await connection.execute(SQL["note"], {"name": name, "note": why})


def _oddity(total: int | None, row: Row) -> str:
    configured, by_plan = row["daily_limit"], row["by_plan"]
    if total is None or configured is None:
        return ""
    if total < configured and "daily_limit" not in by_plan:
        return f"the plan has {total} units a day, fewer than the {configured} configured; the plan's limit holds"
    reserve = configured - row["daily_cap"]
    if reserve >= total and "daily_reserve" not in by_plan:
        return f"the reserve of {reserve} units leaves none of the plan's {total}; {usual_reserve(total)} are reserved"
    return ""
