"""The state of one provider's limiter, as people and programs see it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

from alexandria.database.pool import Connection, Row
from alexandria.providers.limits.quota_day import Day
from alexandria.providers.limits.session import SQL


@dataclass(frozen=True, slots=True)
class LaneStatus:
    """The state of one provider's limiter now; times are UTC.

    `rate` is in requests a second. Of the units of the provider's `day` backfilling may spend `cap` and people `limit`
    (None: no limit); `used` are spent and `reserved` about to be. That day began at `began_at`, the next one begins at
    `reset_at`; they are days of the provider's zone. `plan_limit` is
    the limit that the provider itself reported at `plan_seen_at`, `plan_note` what is odd about it. It has not answered
    since `down_since` (None: it answers); `probing`: one request probes it now. Before that `failures` in a row are counted.
    """

    name: str
    rate: float
    paused_until: datetime | None
    pause_reason: str
    day: date
    cap: int | None
    limit: int | None
    used: int
    reserved: int
    reset_at: datetime
    plan_limit: int | None = None
    plan_seen_at: datetime | None = None
    plan_note: str = ""
    paused_since: datetime | None = None
    down_since: datetime | None = None
    began_at: datetime | None = None
    failures: int = 0
    probing: bool = False

    @property
    def left(self) -> int | None:
        """Units that months may still spend today; None: no limit. Below 0 where people have spent the reserve."""
        return None if self.cap is None else self.cap - self.used - self.reserved


@dataclass(frozen=True, slots=True)
class PausedProvider:
    """A provider that gets no requests before `until` (UTC), and why."""

    name: str
    until: datetime
    reason: str


async def paused_providers(connection: Connection, names: Sequence[str]) -> list[PausedProvider]:
    """Return those of these providers that are paused now."""
    rows = await (await connection.execute(SQL["paused_lanes"], {"names": [*names]})).fetchall()
    return [PausedProvider(**row) for row in rows]


def lane_status(row: Row, day: Day) -> LaneStatus:
    """Return the state that a row of the query `status` describes, on the provider's present day."""
    return LaneStatus(
        name=row["name"],
        rate=row["rate"],
        paused_until=row["paused_until"],
        pause_reason=row["pause_reason"] if row["paused_until"] else "",
        day=day.date,
        cap=row["daily_cap"],
        limit=row["daily_limit"],
        used=row["used"],
        reserved=row["reserved"],
        reset_at=datetime.fromtimestamp(day.ends, UTC),
        plan_limit=row["plan_limit"],
        plan_seen_at=row["plan_seen_at"],
        plan_note=row["plan_note"],
        paused_since=row["paused_since"] if row["paused_until"] else None,
        down_since=row["down_since"],
        began_at=datetime.fromtimestamp(day.starts, UTC),
        failures=row["failures"],
        probing=row["probing"],
    )
