"""Shows the demo: live on a terminal, in lines elsewhere, and in tables at the end."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from rich.console import RenderableType
from rich.live import Live
from rich.table import Table

from alexandria.cli.output.console import Output
from alexandria.cli.runtime.demo import Audience, DemoOptions, DemoSystem, MonthSeen, Report, run_demo
from alexandria.cli.settings import settings_of
from alexandria.core.month import Month
from alexandria.core.provider_facts import label
from alexandria.operations.terminal.formatting import chip, heading, table

MAX_BOOKS = 10  # books in the report


class Lines:
    """Prints a line for every month that changes, for output that is not a terminal."""

    def __init__(self, output: Output) -> None:
        self._output = output
        self._before: dict[object, str] = {}

    def message(self, text: str) -> None:
        self._output.message(text)

    def progress(self, months: Sequence[MonthSeen]) -> None:
        for seen in months:
            if self._before.get(seen.month) != seen.status:
                self._before[seen.month] = seen.status
                books = f": {seen.books} books, {seen.resolved} with an ISBN" if seen.books else ""
                self._output.message(
                    f"{datetime.now(UTC):%H:%M:%S} {seen.month} {seen.status}{books} {seen.why}".rstrip()
                )


class Moving(Lines):
    """Shows a table of the months that changes in place, on a terminal."""

    def __init__(self, output: Output, live: Live) -> None:
        super().__init__(output)
        self._live = live

    def progress(self, months: Sequence[MonthSeen]) -> None:
        self._live.update(_months(months), refresh=True)


def show(output: Output, plan: DemoOptions) -> int:
    """Run the demo, and keep it running unless `plan.leave`; returns how many months were not completed."""
    data_dir = settings_of(output).data_dir
    with contextlib.ExitStack() as stack:
        audience, stop = _audience(output, stack)
        report, stage = stack.enter_context(run_demo(plan, data_dir, audience))
        stop()
        output.result(to_view(report), *render(report))
        if not plan.leave:
            _stay(output, stage, report.months[0].month)
    if plan.leave:
        output.message("next: alexandria demo (it stays up), or alexandria up with keys of your own")
    return report.unfinished


def to_view(report: Report) -> dict[str, Any]:
    """The report as JSON data."""
    return {
        "months": [
            {
                "month": str(seen.month),
                "status": seen.status,
                "books": seen.books,
                "resolved": seen.resolved,
                "rate": seen.rate,
                "seconds": seen.seconds,
                "why": seen.why,
            }
            for seen in report.months
        ],
        "books": report.named,
        "resolved": report.resolved,
        "rate": report.rate,
        "right": report.right,
        "invented_with_isbn": report.invented,
        "found": [
            {"month": str(b.month), "title": b.title, "author": b.author, "isbn13": b.isbn13, "source": b.source,
             "score": b.score, "right": b.right}
            for b in report.books
        ],
        "calls": report.calls,
        "seconds": round(report.seconds, 1),
    }  # fmt: skip


def render(report: Report) -> Iterator[RenderableType]:
    """The report as text: months, some of the books, and requests."""
    yield _months(report.months)
    some = report.books[:: max(1, len(report.books) // MAX_BOOKS)][:MAX_BOOKS]
    rows = [(b.isbn13, b.title, b.author, b.month, label(b.source), f"{b.score:.1f} %") for b in some]
    yield heading("Some of the books found")
    yield table(["ISBN", "title", "author", "month", "source", "score#"], rows)
    yield heading("Calls")
    yield table(
        ["provider", "calls counted by us#", "by the sandbox#", "of these refused#"],
        [(c.provider, c.counted, c.arrived, c.refused) for c in report.calls],
    )
    yield (
        f"\n{report.resolved} of {report.named} books have an ISBN ({report.rate:.1f} %) after {report.seconds:.1f} s. "
        f"According to the sandbox, {report.right} of these ISBNs are right "
        f"and {report.invented} belong to books that a model invented."
    )


def _audience(output: Output, stack: contextlib.ExitStack) -> tuple[Audience, Any]:
    if not output.moving:
        return Lines(output), lambda: None
    live = stack.enter_context(Live(console=output.err, auto_refresh=False, transient=True))
    return Moving(output, live), live.stop


def _stay(output: Output, stage: DemoSystem, month: Month) -> None:
    output.message(f"\nThe system stays up until Ctrl-C. Dashboard: {stage.url}/, API docs: {stage.url}/docs")
    output.message(f"  login and X-Cron-Secret: the text in {stage.secret_file}")
    output.message("  next, in another terminal:")
    for command in ("status", f"month {month}", "quota", "logs -f"):
        output.message(f"    ALEXANDRIA_DATA_DIR={stage.folder} alexandria {command}")
    with contextlib.suppress(KeyboardInterrupt):
        stage.wait()


def _months(months: Sequence[MonthSeen]) -> Table:
    columns = ["month", "status", "books#", "with ISBN#", "rate#", "seconds#", "why"]
    return table(columns, map(_row, months))


def _row(seen: MonthSeen) -> tuple[object, ...]:
    counts = (seen.books, seen.resolved, f"{seen.rate:.1f} %") if seen.books else ("", "", "")
    seconds = "" if seen.seconds is None else f"{seen.seconds:.1f}"
    return seen.month, chip(seen.status, seen.status), *counts, seconds, seen.why
