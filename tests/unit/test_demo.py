"""The demo's final output."""

import io
import json

from rich.console import Console

from alexandria.backfill.status import Status
from alexandria.cli.output.console import Options, Output
from alexandria.cli.output.demo_report import Lines, render, to_view
from alexandria.cli.runtime.demo import Book, Calls, DemoOptions, MonthSeen, Report
from alexandria.core.month import Month

NOVEMBER, OCTOBER = Month(2023, 11), Month(2023, 10)
DONE = MonthSeen(NOVEMBER, Status.COMPLETED, 20, 19, 95.0, 4.2, "")
FAILED = MonthSeen(OCTOBER, Status.FAILED, 0, 0, 0.0, 0.1, "no key")
BOOKS = tuple(
    Book(NOVEMBER, f"Title {n}", "A. Author", f"978000000000{n % 10}", "isbndb", 98.5, n != 3, n == 3)
    for n in range(19)
)
REPORT = Report((DONE, FAILED), BOOKS, (Calls("isbndb", 20, 21, 1),), 12.34)


def test_the_end_shows_months_ten_books_calls_and_the_truth():
    console = Console(file=io.StringIO(), width=200)
    for part in render(REPORT):
        console.print(part)
    assert isinstance(console.file, io.StringIO)
    text = console.file.getvalue()
    assert "2023-11  ✓ completed     20         19  95.0 %      4.2" in text
    assert "✕ failed" in text
    assert text.count("A. Author") == 10
    assert ["isbndb", "20", "21", "1"] in [line.split() for line in text.splitlines()]
    assert "19 of 20 books have an ISBN (95.0 %) after 12.3 s" in text
    assert "18 of these ISBNs are right and 1 belong to books that a model invented" in text
    assert REPORT.unfinished == 1


def test_the_same_as_data():
    data = json.loads(json.dumps(to_view(REPORT), default=str))
    assert (data["books"], data["resolved"], data["right"], data["invented_with_isbn"]) == (20, 19, 18, 1)
    assert data["months"][1]["why"] == "no key"
    assert len(data["found"]) == 19


def test_off_a_terminal_a_month_is_a_line_only_when_it_changes(capsys):
    lines = Lines(Output(Options()))
    working = MonthSeen(NOVEMBER, Status.PROCESSING, 0, 0, 0.0, None, "")
    for months in ([working], [working], [DONE], [DONE, FAILED]):
        lines.progress(months)
    message = [line.split(" ", 1)[1] for line in capsys.readouterr().err.splitlines()]
    assert message == [
        "2023-11 processing",
        "2023-11 completed: 20 books, 19 with an ISBN",
        "2023-10 failed no key",
    ]


def test_more_months_than_a_year_has_reach_into_the_years_before():
    assert DemoOptions(2023, 12).years == (2023, 2023)
    assert DemoOptions(2023, 13).years == (2022, 2023)
    assert DemoOptions(2001, 50).years == (2000, 2001)
