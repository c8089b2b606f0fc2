"""Makes the charts of the page /charts from what was recorded day by day."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import date

from markupsafe import Markup

from alexandria.core.grammar import counted, listed
from alexandria.core.provider_facts import label
from alexandria.operations.costs import dollars, dollars_in_all
from alexandria.operations.progress import MonthCell
from alexandria.operations.trends import CHARTED_DAYS, DayOfCalls, DayOfMonths, Trends
from alexandria.web.dashboard.drawing import Chart, Plot, bars, line, round_up, sparkline
from alexandria.web.dashboard.forecast_chart import forecast_chart

LOWEST_RATE = 50.0  # percent, at the lower edge of the chart of resolution rates unless a rate is lower
IN_DAYS = f"in {CHARTED_DAYS} days"


def charts_of(trends: Trends) -> list[Chart]:
    """Every chart, in the order of the page."""
    drawn = [_months(trends), _rates(trends), forecast_chart(trends)]
    return [*drawn, _costs(trends), _calls(trends), _quotas(trends)]


def year_line(months: Sequence[MonthCell | None]) -> Markup:
    """The resolution rates of a year's completed months as a small line."""
    rates = [float(cell.resolution_rate) if cell and cell.done else None for cell in months]
    return sparkline("books with an ISBN", rates, LOWEST_RATE, 100.0)


def _months(trends: Trends) -> Chart:
    days = [trends.months.get(day, DayOfMonths()) for day in trends.days]
    completed, failed = sum(day.completed for day in days), sum(day.failed for day in days)
    top = round_up(max(day.completed + day.failed for day in days))
    most = max(range(len(days)), key=lambda at: days[at].completed)
    summary = f"{counted(completed, 'month')} completed and {failed:,} failed {IN_DAYS}"
    if completed:
        summary += f"; most on {_day(trends.days[most])}, {days[most].completed:,}"
    return Chart(
        id="months",
        title="Months per day",
        summary=f"{summary}.",
        plots=(bars("", [(day.completed, day.failed) for day in days], top, f"{top:,g}"),),
        keys=(("good", "completed"), ("bad", "failed")),
        ends=_ends(trends.days),
        columns=("day", "completed", "failed"),
        rows=_rows(trends, lambda day: _months_row(trends.months.get(day))),
    )


def _months_row(day: DayOfMonths | None) -> tuple[str, ...]:
    return (f"{day.completed:,}", f"{day.failed:,}") if day else ()


def _rates(trends: Trends) -> Chart:
    rates = [trends.months[day].rate if day in trends.months else None for day in trends.days]
    books = sum(day.books for day in trends.months.values())
    resolved = sum(day.resolved for day in trends.months.values())
    known = [rate for rate in rates if rate is not None]
    summary = f"No book was named {IN_DAYS}."
    if books:
        summary = (
            f"{100 * resolved / books:.1f} % of {counted(books, 'named book')} of months completed {IN_DAYS} have an ISBN;"
            f" by day from {min(known):.1f} % to {max(known):.1f} %."
        )
    low = LOWEST_RATE if not known or min(known) >= LOWEST_RATE else 0.0
    return Chart(
        id="rates",
        title="Resolution rate",
        summary=summary,
        plots=(line("", rates, low, 100.0, ("100 %", f"{low:g} %")),),
        keys=(("good", "share of the named books that have an ISBN"),),
        ends=_ends(trends.days),
        columns=("day", "books", "with an ISBN", "share"),
        rows=_rows(trends, lambda day: _rates_row(trends.months.get(day))),
    )


def _rates_row(day: DayOfMonths | None) -> tuple[str, ...]:
    return (f"{day.books:,}", f"{day.resolved:,}", f"{day.rate:.1f} %") if day and day.rate is not None else ()


def _costs(trends: Trends) -> Chart:
    models = [name for name, days in trends.calls.items() if any(day.dollars for day in days.values())]
    spent = [
        sum(trends.calls[name][day].dollars for name in models if day in trends.calls[name]) for day in trends.days
    ]
    of_models = [sum(day.dollars for day in trends.calls[name].values()) for name in models]
    top = round_up(max(spent))
    return Chart(
        id="costs",
        title="Cost of models per day",
        summary=f"{dollars_in_all(of_models)} for models {IN_DAYS}, by their tokens at list prices; plans by the month are not drawn.",
        plots=(bars("", [(day, 0.0) for day in spent], top, f"${top:g}"),),
        keys=(("good", "dollars for answered requests"),),
        ends=_ends(trends.days),
        columns=("day", *map(label, models)),
        rows=_rows(
            trends,
            lambda day: _of_providers(
                [dollars(trends.calls[name][day].dollars) if day in trends.calls[name] else "" for name in models]
            ),
        ),
    )


def _calls(trends: Trends) -> Chart:
    totals = {name: _sum(days.values()) for name, days in trends.calls.items()}
    names = [name for name, total in totals.items() if total.requests]
    parts = [f"{label(name)} {totals[name].requests:,} ({totals[name].errors:,} failed)" for name in names]
    return Chart(
        id="calls",
        title="Calls per provider and day",
        summary=f"Calls {IN_DAYS}: {listed(parts)}." if parts else f"No call to any provider {IN_DAYS}.",
        plots=tuple(_calls_plot(trends, name) for name in names),
        keys=(("good", "answered"), ("bad", "refused, limited or not answered")),
        ends=_ends(trends.days),
        columns=("day", *(f"{label(name)} (failed)" for name in names)),
        rows=_rows(trends, lambda day: _of_providers([_calls_cell(trends.calls[name].get(day)) for name in names])),
    )


def _calls_plot(trends: Trends, name: str) -> Plot:
    days = [trends.calls[name].get(day, DayOfCalls()) for day in trends.days]
    top = round_up(max(day.requests for day in days))
    return bars(label(name), [(day.requests - day.errors, day.errors) for day in days], top, f"{top:,g}")


def _calls_cell(day: DayOfCalls | None) -> str:
    return f"{day.requests:,} ({day.errors:,})" if day else ""


def _sum(days: Iterable[DayOfCalls]) -> DayOfCalls:
    total = DayOfCalls()
    for day in days:
        total.requests += day.requests
        total.errors += day.errors
    return total


def _quotas(trends: Trends) -> Chart:
    names = [*trends.quotas]
    parts = []
    for name in names:
        last = max(trends.quotas[name])
        day = trends.quotas[name][last]
        parts.append(f"{label(name)} {day.used:,} of {day.cap:,} on {_day(last)}")
    return Chart(
        id="quotas",
        title="Daily quota used",
        summary=f"Quota for months, last: {listed(parts)}."
        if parts
        else f"No provider with a daily limit was used {IN_DAYS}.",
        plots=tuple(_quota_plot(trends, name) for name in names),
        keys=(("good", "units spent of those that months may spend"),),
        ends=_ends(trends.days),
        columns=("day, in the provider's zone", *map(label, names)),
        rows=_rows(trends, lambda day: _of_providers([_quota_cell(trends, name, day) for name in names])),
    )


def _quota_plot(trends: Trends, name: str) -> Plot:
    days = trends.quotas[name]
    shares = [days[day].used / max(days[day].cap, 1) if day in days else 0.0 for day in trends.days]
    return bars(label(name), [(min(share, 1.0), 0.0) for share in shares], 1.0, f"{days[max(days)].cap:,}")


def _quota_cell(trends: Trends, name: str, day: date) -> str:
    spent = trends.quotas[name].get(day)
    return f"{spent.used:,} of {spent.cap:,}" if spent else ""


def _of_providers(cells: list[str]) -> tuple[str, ...]:
    return tuple(cells) if any(cells) else ()


def _rows(trends: Trends, cells: Callable[[date], tuple[str, ...]]) -> tuple[tuple[str, ...], ...]:
    """The rows of the days that have `cells`, the newest first."""
    found = [(f"{day:%Y-%m-%d}", *cells(day)) for day in reversed(trends.days)]
    return tuple(row for row in found if len(row) > 1)


def _ends(days: Sequence[date]) -> tuple[str, str]:
    return _day(days[0]), _day(days[-1])


def _day(day: date) -> str:
    return f"{day.day} {day:%b}"
