"""Shows the whole backfill: counters and a grid of years and months, once or repeatedly."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from rich.console import Group, RenderableType
from rich.live import Live
from rich.text import Text

from alexandria.backfill.status import Status
from alexandria.cli.output import tables
from alexandria.cli.output.console import Output, chip, harmless, table
from alexandria.core.grammar import counted
from alexandria.operations import backfill, control, rollout, schemas
from alexandria.operations.overview import Snapshot, take_snapshot
from alexandria.operations.stats_schemas import StatsAnswer
from alexandria.operations.status_style import STYLES, display_state
from alexandria.operations.system import System

REDRAW_INTERVAL = 1.0  # seconds on a terminal
PROGRESS_INTERVAL = 30.0  # seconds off it


@dataclass(frozen=True, slots=True)
class StatusReport:
    """All months at one instant."""

    at: datetime
    stats: StatsAnswer
    months: list[schemas.MonthRow]
    view: Snapshot  # what the page shows, for its words

    def render(self) -> Iterator[RenderableType]:
        """The grid, the legend and the progress as text."""
        if not self.months:
            yield "no month is seeded; next: alexandria seed 2000..2024"
            return
        yield self.grid()
        yield ""
        yield self.words()
        yield self._end()

    def words(self) -> Group:
        """The legend with counts, what was found, the state of the run, and its rollout."""
        return Group(*map(harmless, self._words()))

    def _words(self) -> Iterator[RenderableType]:
        yield self._legend()
        progress = self.stats.progress
        yield (
            f"{progress.total_books_generated} books named, {progress.total_isbns_resolved} with an ISBN "
            f"({progress.overall_resolution_rate:.2f} %), {progress.total_isbns_queued} editions new to the catalogue"
        )
        if (held := self.view.bibliography) is not None:
            yield f"Bibliography: {held.size()}; {held.use()}"
        yield self.stats.headline
        if self.view.lasting:
            yield f"Latest of {counted(len(self.view.lasting), 'incident')}: {self.view.lasting[0].reason} (alexandria incidents)"
        if self.stats.providers:
            yield tables.of_providers(self.stats.providers)
        if self.view.running_rollout is not None:
            yield f"Rollout: {rollout.describe(self.view.running_rollout)}"

    def line(self) -> str:
        """The state in one line."""
        count = self.stats.by_status
        hour = sum(_since(row.completed_at, self.at) < timedelta(hours=1) for row in self.months if _done(row))
        return (
            f"{self.at:%H:%M:%S} {count.completed}/{self.stats.total_months} done, {count.failed} failed, "
            f"{count.processing} processing, {count.retry} waiting, {hour}/h; "
            + (control.describe(self.stats.paused) if self.stats.paused else self._end())
        )

    def _end(self) -> str:
        """When the run will be done, as a range, and the reason."""
        eta = self.view.eta
        return f"{'ETA ' if eta.headline[0].isdigit() else ''}{eta.headline}: {eta.reason}"

    def grid(self) -> RenderableType:
        years: dict[int, dict[int, schemas.MonthRow]] = defaultdict(dict)
        for row in self.months:
            years[row.year][row.month] = row
        columns = ["year", *(f"{month:02d}" for month in range(1, 13)), "done#"]
        return table(columns, [_row(year, months) for year, months in years.items()])

    def _legend(self) -> Text:
        counted = Counter(display_state(row.status, row.blocked_reason) for row in self.months)
        parts = [part for name in STYLES for part in (chip(name), f" {counted[name]} {name}   ")]
        return Text.assemble(*parts)


async def take_report(system: System) -> StatusReport:
    """Read the state of all months."""
    listed, view = await backfill.list_months(system), await take_snapshot(system)
    return StatusReport(datetime.now(UTC), await backfill.stats(system, view), listed.months, view)


async def watch(output: Output, system: System) -> None:
    """Print the state repeatedly until cancelled."""
    if not output.moving:
        while True:
            seen = await take_report(system)
            output.result(seen.stats.model_dump(mode="json"), seen.line())
            await asyncio.sleep(PROGRESS_INTERVAL)
    with Live(console=output.out, auto_refresh=False, screen=False) as live:
        while True:
            seen = await take_report(system)
            # Words first: what does not fit on the terminal is cut at its end.
            whole = Group(seen.words(), "", seen.grid()) if seen.months else Group(*map(harmless, seen.render()))
            live.update(Group(harmless(seen.line()), whole), refresh=True)
            await asyncio.sleep(REDRAW_INTERVAL)


def _row(year: int, months: dict[int, schemas.MonthRow]) -> list[object]:
    cells: list[object] = [_cell(months[month]) if month in months else "" for month in range(1, 13)]
    return [year, *cells, f"{sum(map(_done, months.values()))}/{len(months)}"]


def _cell(row: schemas.MonthRow) -> Text:
    """The glyph, and the share resolved when done."""
    return chip(display_state(row.status, row.blocked_reason), f"{row.resolution_rate:3.0f}" if _done(row) else "   ")


def _done(row: schemas.MonthRow) -> bool:
    return row.status is Status.COMPLETED


def _since(then: datetime | None, now: datetime) -> timedelta:
    return timedelta.max if then is None else now - then
