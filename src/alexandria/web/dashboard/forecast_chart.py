"""Makes the chart of a rollout's first forecast and of what came."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, date, timedelta

from alexandria.operations.trends import Trends
from alexandria.web.dashboard.drawing import Chart, banded

MAX_ROWS = 60  # of the table, for days until now
LATER_STEP = 7  # days between two rows for days to come


def forecast_chart(trends: Trends) -> Chart:
    """The band that 80 % of the simulations kept to, and the months that have ended until now."""
    kept = trends.forecast
    if kept is None:
        summary = "No forecast of a rollout has been kept. The first one is, once this page or the overview is open during a rollout."
        return Chart("forecast", "Forecast and what came", summary, (), (), ("", ""), (), ())
    today = trends.at.astimezone(UTC).date()
    bands = {each.day: each for each in kept.bands}
    first, last = kept.bands[0].day, max(kept.bands[-1].day, today)
    days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    came: list[float | None] = [float(kept.ended_by(day)) if day <= today else None for day in days]
    drawn = [(float(bands[day].low), float(bands[day].high)) if day in bands else None for day in days]

    def cells(day: date) -> tuple[str, ...]:
        expected = (f"{bands[day].low:,}", f"{bands[day].high:,}") if day in bands else ("", "")
        return (*expected, f"{kept.ended_by(day):,}" if day <= today else "")

    return Chart(
        id="forecast",
        title="Forecast and what came",
        summary=kept.describe(today),
        plots=(banded("", drawn, came, max(kept.months, 1), f"{kept.months:,}"),),
        keys=(("band", "forecast, 80 % of the simulations"), ("good", "months that have ended")),
        ends=(_day(first), _day(last)),
        columns=("by the end of", "forecast from", "to", "ended"),
        rows=tuple(_rows(days, today, cells)),
    )


def _rows(days: list[date], today: date, cells: Callable[[date], tuple[str, ...]]) -> Iterator[tuple[str, ...]]:
    """The days until now, the newest MAX_ROWS of them, and one day of each week to come."""
    past = [day for day in days if day <= today][-MAX_ROWS:]
    later = [day for day in days if day > today]
    for day in (*past, *later[LATER_STEP - 1 :: LATER_STEP]):
        yield f"{day:%Y-%m-%d}", *cells(day)


def _day(day: date) -> str:
    return f"{day.day} {day:%b}"
