"""The state of the whole backfill for a terminal: counters, and a grid of years and months."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from alexandria.backfill.status import Status
from alexandria.core.grammar import counted
from alexandria.operations import backfill, control, schemas
from alexandria.operations.incidents import RecordedIncident
from alexandria.operations.overview import take_snapshot
from alexandria.operations.provider_states import clock
from alexandria.operations.stats_schemas import ProviderCondition, ProviderState, StatsAnswer
from alexandria.operations.status_style import STYLES, display_state
from alexandria.operations.system import System
from alexandria.operations.terminal.formatting import chip, harmless, table


@dataclass(frozen=True, slots=True)
class StatusReport:
    """All months at one instant."""

    at: datetime
    stats: StatsAnswer
    months: list[schemas.MonthRow]
    lasting: list[RecordedIncident]

    def data(self) -> dict[str, Any]:
        """The same as JSON data: the counters."""
        return self.stats.model_dump(mode="json")

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
        if self.stats.found.distinct_books:
            yield self.stats.found.words
        if (held := self.stats.bibliography) is not None:
            yield f"Bibliography: {held.size}; {held.use}"
        yield self.stats.headline
        if self.lasting:
            yield f"Latest of {counted(len(self.lasting), 'incident')}: {self.lasting[0].reason} (alexandria incidents)"
        if self.stats.providers:
            yield _of_providers(self.stats.providers)
        if self.stats.rollout:
            yield f"Rollout: {self.stats.rollout}"

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
        finish = self.stats.finish
        return f"{'ETA ' if finish.headline[:1].isdigit() else ''}{finish.headline}: {finish.reason}"

    def grid(self) -> Text:
        """The months in lines that fit into 80 columns: a table would measure each cell several times, and fold some."""
        years: dict[int, dict[int, schemas.MonthRow]] = defaultdict(dict)
        for row in self.months:
            years[row.year][row.month] = row
        head = "year" + "".join(f" {month:02d}  " for month in range(1, 13)) + "  done"
        lines = [Text(head, "bold"), *(_row(year, months) for year, months in years.items())]
        grid = Text("\n", no_wrap=True, overflow="ignore").join(lines)
        grid.no_wrap, grid.overflow = True, "ignore"
        return grid

    def _legend(self) -> Text:
        counted = Counter(display_state(row.status, row.blocked_reason) for row in self.months)
        parts = [part for name in STYLES for part in (chip(name), f" {counted[name]} {name}   ")]
        return Text.assemble(*parts)


async def take_report(system: System, *, forecast: bool = False) -> StatusReport:
    """Read the state of all months; with `forecast` one is begun if it is due, for a later report."""
    listed, view = await backfill.list_months(system), await take_snapshot(system, forecast=forecast)
    return StatusReport(datetime.now(UTC), await backfill.stats(system, view), listed.months, view.lasting)


def _of_providers(found: list[ProviderState]) -> Table:
    """The providers in use: their calls and errors of the last hour, their quota, and what can be expected of them."""
    columns = ["provider", "calls/h#", "errors#", "median#", "used today#", "last answer", "state"]
    rows = []
    for each in found:
        if each.condition is ProviderCondition.NOT_USED:
            continue
        used = f"{each.used:,}" + (f"/{each.safety_limit:,}" if each.safety_limit is not None else "")
        median = "" if each.median_ms is None else f"{each.median_ms:,} ms"
        answered = "never" if each.last_answer_at is None else clock(each.last_answer_at)
        rows.append((each.provider, each.calls, each.errors, median, used, answered, each.words))
    return table(columns, rows)


def _row(year: int, months: dict[int, schemas.MonthRow]) -> Text:
    """A year: for each month the glyph, and the share resolved when done."""
    line = Text(f"{year}")
    for month in range(1, 13):
        line.append(" ")
        if (row := months.get(month)) is None:
            line.append("    ")
            continue
        share = f"{row.resolution_rate:3.0f}" if _done(row) else "   "
        line.append_text(chip(display_state(row.status, row.blocked_reason), share, gap=""))
    done = f"{sum(map(_done, months.values()))}/{len(months)}"
    return line.append(f" {done:>5}")


def _done(row: schemas.MonthRow) -> bool:
    return row.status is Status.COMPLETED


def _since(then: datetime | None, now: datetime) -> timedelta:
    return timedelta.max if then is None else now - then
