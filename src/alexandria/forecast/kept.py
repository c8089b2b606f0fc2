"""Keeps the first forecast of each rollout, and compares it with the months that have ended since."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

from alexandria.database.pool import Connection
from alexandria.database.sql import load
from alexandria.forecast.pace import DayBand
from alexandria.rollout import repository as rollouts
from alexandria.rollout.plan import members

if TYPE_CHECKING:
    from alexandria.forecast.estimate import Forecast

SQL = load(__name__)


@dataclass(frozen=True, slots=True)
class KeptForecast:
    """The first forecast of the rollout `name`, made at `made_at`, and how many of its months ended on which day."""

    name: str
    made_at: datetime
    months: int
    bands: tuple[DayBand, ...]
    ended: Mapping[date, int]

    def describe(self, today: date) -> str:
        """What was expected by `today`, and what came, in a sentence."""
        ended = self.ended_by(today)
        at = next((each for each in self.bands if each.day == today), self.bands[-1])
        faster = "faster than forecast" if ended > at.high else "slower than forecast"
        verdict = "as forecast" if at.low <= ended <= at.high else faster
        return (
            f"The first forecast of rollout {self.name}, of {_day(self.made_at.astimezone(UTC).date())}, expected"
            f" {at.low:,} to {at.high:,} of its {self.months:,} months to have ended by {_day(today)}; {ended:,} have: {verdict}."
        )

    def ended_by(self, day: date) -> int:
        """Months of the plan that had ended by the end of a day."""
        return sum(months for at, months in self.ended.items() if at <= day)


def _day(day: date) -> str:
    return f"{day.day} {day:%b}"


async def store_first(connection: Connection, rollout_id: int, made: Forecast) -> None:
    """Store the pace of a forecast, unless there is one of this rollout."""
    values = {
        "rollout": rollout_id,
        "made_at": made.at,
        "days": [each.day for each in made.pace],
        "lows": [each.low for each in made.pace],
        "middles": [each.middle for each in made.pace],
        "highs": [each.high for each in made.pace],
    }
    await connection.execute(SQL["store_first"], values)


async def read(connection: Connection) -> KeptForecast | None:
    """The first forecast of the newest rollout; None if there is no rollout, or none was made."""
    rollout = await rollouts.newest(connection)
    if rollout is None:
        return None
    rows = await (await connection.execute(SQL["first"], {"rollout": rollout.id})).fetchall()
    if not rows:
        return None
    planned = [month for months in members(rollout.plan) for month in months]
    values = {"years": [month.year for month in planned], "months": [month.month for month in planned]}
    ended = await (await connection.execute(SQL["ended"], values)).fetchall()
    bands = tuple(DayBand(row["day"], row["low"], row["middle"], row["high"]) for row in rows)
    return KeptForecast(
        rollout.plan.name, rows[0]["made_at"], len(planned), bands, {row["day"]: row["months"] for row in ended}
    )
