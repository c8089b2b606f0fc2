"""Takes a snapshot of the whole backfill: what the dashboard and `alexandria status` show."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from alexandria.backfill.repositories import months
from alexandria.backfill.repositories.bibliography_use import BibliographyState
from alexandria.database.pool import Row
from alexandria.forecast.forecaster import ForecastReport
from alexandria.operations import bibliography, incidents, progress, provider_states, schemas
from alexandria.operations.alerts.rules import HEARTBEAT_TIMEOUT
from alexandria.operations.control import describe, pause_state
from alexandria.operations.eta import Eta, RunState, eta, eta_from_forecast, eta_from_plan, run_state
from alexandria.operations.headline import Headline, headline
from alexandria.operations.incidents import RecordedIncident
from alexandria.operations.progress import CompletionRate, EndedAttempt, FailureGroup, FoundBooks, MonthCell
from alexandria.operations.rollout_summary import RolloutSummary, default_plan, finish_dates, summarize
from alexandria.operations.stats_schemas import ProviderState
from alexandria.operations.system import System
from alexandria.rollout.controller import RolloutSnapshot

MAX_LOG_LINES = 25


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything that the dashboard and `alexandria status` show, at one instant."""

    cells: list[MonthCell]
    failures: list[FailureGroup]
    log: list[EndedAttempt]
    rate: CompletionRate
    progress: Row
    found: FoundBooks
    workers: int
    pause: schemas.PauseState | None
    incidents: list[RecordedIncident]  # those that last first, then those that cleared lately
    providers: list[ProviderState]
    situation: RolloutSnapshot | None
    forecast: ForecastReport | None
    bibliography: BibliographyState | None
    default_plan_warnings: tuple[str, ...]  # what the default plan may not do as intended; empty while a rollout runs

    @property
    def at(self) -> datetime:
        return self.rate.at

    @property
    def years(self) -> dict[int, tuple[MonthCell | None, ...]]:
        """Newest first; each with twelve cells, None where a month is not seeded."""
        years: dict[int, list[MonthCell | None]] = {}
        for cell in self.cells:
            years.setdefault(cell.year, [None] * 12)[cell.month - 1] = cell
        return {year: tuple(months) for year, months in years.items()}

    @property
    def states(self) -> Counter[str]:
        return Counter(cell.state for cell in self.cells)

    @property
    def statuses(self) -> Counter[str]:
        return Counter(cell.status for cell in self.cells)

    @property
    def paused(self) -> str:
        """The pause in a sentence, or ""."""
        return describe(self.pause) if self.pause else ""

    @property
    def lasting(self) -> list[RecordedIncident]:
        """The incidents that last now."""
        return [each for each in self.incidents if each.cleared_at is None]

    @property
    def cleared(self) -> list[RecordedIncident]:
        """The incidents that cleared within a week."""
        return [each for each in self.incidents if each.cleared_at is not None]

    @property
    def open(self) -> int:
        """Months that a schedule call could take now."""
        return sum(cell.open(self.at) for cell in self.cells)

    @property
    def left(self) -> int:
        """Months that are neither completed nor failed."""
        return len(self.cells) - self.statuses["completed"] - self.statuses["failed"]

    @property
    def eta(self) -> Eta:
        return eta(self.cells, self.rate, paused=self.paused, workers=self.workers, planned=self._planned)

    @property
    def default_plan_outcome(self) -> str:
        """What would become of the default plan if it began now, by the forecast; "" while that is not known."""
        if self.forecast is None or self.forecast.started:
            return ""
        now = self.forecast.forecast
        if now.late is None:
            return f"stops at gate '{now.stuck_at}' until a person acts"
        stops = f"; {now.stops}" if now.stops else ""
        return f"is done {eta_from_forecast(self.forecast).headline} ({now.likelihood}{stops})"

    @property
    def running_rollout(self) -> RolloutSnapshot | None:
        return None if self.situation is None or self.situation.rollout.ended_at is not None else self.situation

    @property
    def rollout(self) -> RolloutSummary | None:
        return summarize(self.situation) if self.situation else None

    @property
    def run(self) -> RunState:
        return run_state(self.cells, self.at, paused=self.paused, workers=self.workers, rollout=self.running_rollout)

    @property
    def headline(self) -> Headline:
        """The state of everything in one sentence."""
        running = self.running_rollout
        return headline(
            self.run,
            self.cells,
            self.at,
            pause=self.pause,
            workers=self.workers,
            rollout=running,
            summary=summarize(running) if running else None,
            providers=self.providers,
            incidents=len(self.lasting),
        )

    @property
    def _planned(self) -> Eta | None:
        """The estimate for a rollout that runs: by its forecast, or until there is one by its pace."""
        if self.running_rollout is None:
            return None
        if self.forecast and self.forecast.started:
            return eta_from_forecast(self.forecast)
        return eta_from_plan(finish_dates(self.running_rollout))


async def take_snapshot(system: System, *, forecast: bool = True) -> Snapshot:
    """Read months, failures and incidents in one transaction, and before it the rollout, the bibliography and providers.

    Without `forecast` none is begun, and it has the kept one, if there is any.
    """
    situation = await system.rollout.snapshot()
    started = situation is not None and situation.rollout.ended_at is None
    warnings = () if started else tuple(await system.rollout.review(default_plan()))
    held = await bibliography.show(system)
    providers = await provider_states.show(system, await system.limiter.status())
    async with system.database.transaction() as connection:
        return Snapshot(
            cells=await progress.cells(connection),
            failures=await progress.failures(connection),
            log=await progress.ended_attempts(connection, MAX_LOG_LINES),
            rate=await progress.completion_rate(connection),
            progress=await months.progress(connection),
            found=await progress.found_books(connection),
            workers=(await months.workers(connection, HEARTBEAT_TIMEOUT))["workers"],
            pause=await pause_state(connection),
            incidents=await incidents.read(connection),
            providers=providers,
            situation=situation,
            forecast=system.forecaster.latest(started=started) if forecast else system.forecaster.kept(started=started),
            bibliography=held,
            default_plan_warnings=warnings,
        )
