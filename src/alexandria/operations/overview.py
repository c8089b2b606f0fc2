"""Takes a snapshot of the whole backfill: what the dashboard and `alexandria status` show."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from alexandria.backfill.repositories import months
from alexandria.database.pool import Row
from alexandria.forecast.forecaster import ForecastReport
from alexandria.operations import progress as overview
from alexandria.operations import schemas
from alexandria.operations.alerts.rules import SILENCE
from alexandria.operations.control import describe, pause_state
from alexandria.operations.eta import Outlook, Standing, by_pace, foreseen, outlook, standing
from alexandria.operations.progress import Cell, Ending, Failure, Pace
from alexandria.operations.rollout_summary import Shown, days, shown
from alexandria.operations.system import System
from alexandria.providers.limits.rate import LaneStatus
from alexandria.rollout.controller import RolloutSnapshot

LOG_LINES = 25


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything that the dashboard and `alexandria status` show, at one instant."""

    cells: list[Cell]
    failures: list[Failure]
    log: list[Ending]
    pace: Pace
    progress: Row
    workers: int
    pause: schemas.PauseState | None
    lanes: list[LaneStatus]
    situation: RolloutSnapshot | None
    forecast: ForecastReport | None

    @property
    def at(self) -> datetime:
        return self.pace.at

    @property
    def years(self) -> dict[int, list[Cell | None]]:
        """Newest first; each with twelve cells, None where a month is not seeded."""
        years: dict[int, list[Cell | None]] = {}
        for cell in self.cells:
            years.setdefault(cell.year, [None] * 12)[cell.month - 1] = cell
        return years

    @property
    def states(self) -> Counter[str]:
        return Counter(cell.state for cell in self.cells)

    @property
    def statuses(self) -> Counter[str]:
        return Counter(cell.status for cell in self.cells)

    @property
    def paused(self) -> str:
        return describe(self.pause) if self.pause else ""

    @property
    def open(self) -> int:
        """Months that a schedule call could take now."""
        return sum(cell.open(self.at) for cell in self.cells)

    @property
    def left(self) -> int:
        """Months that are neither completed nor failed."""
        return len(self.cells) - self.statuses["completed"] - self.statuses["failed"]

    @property
    def outlook(self) -> Outlook:
        return outlook(self.cells, self.pace, self.paused, self.workers, self._planned)

    @property
    def expected(self) -> str:
        """What would become of the plan that comes along if it began now; empty while that is not known."""
        if self.forecast is None or self.forecast.started:
            return ""
        if self.forecast.forecast.late is None:
            return f"would stop at the gate of {self.forecast.forecast.stuck_at} until a person acts"
        return f"would be done {foreseen(self.forecast).headline}"

    @property
    def _planned(self) -> Outlook | None:
        """What a rollout that runs makes of it, by its forecast or until there is one by its pace."""
        if self.situation is None or self.situation.rollout.ended_at is not None:
            return None
        if self.forecast and self.forecast.started:
            return foreseen(self.forecast)
        return by_pace(days(self.situation))

    @property
    def rollout(self) -> Shown | None:
        return shown(self.situation) if self.situation else None

    @property
    def standing(self) -> Standing:
        return standing(self.cells, self.paused, self.workers)


async def take_snapshot(system: System) -> Snapshot:
    """Read everything in one transaction, but for the rollout, which is read before it."""
    situation = await system.rollout.snapshot()
    async with system.database.transaction() as connection:
        return Snapshot(
            cells=await overview.cells(connection),
            failures=await overview.failures(connection),
            log=await overview.log(connection, LOG_LINES),
            pace=await overview.pace(connection),
            progress=await months.progress(connection),
            workers=(await months.workers(connection, SILENCE))["beating"],
            pause=await pause_state(connection),
            lanes=await system.limiter.status(),
            situation=situation,
            forecast=system.forecaster.latest(started=bool(situation and situation.rollout.ended_at is None)),
        )
