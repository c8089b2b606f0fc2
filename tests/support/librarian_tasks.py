"""Ten tasks of a librarian or an operator, each with its steps from the start page, as the documentation has them.

A step opens a page or fills in a form and sends it; `walk` does it in a browser that is logged in.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from tests.support.shelf import HOBBIT, PAPERBACK, fill

DOCS = Path(__file__).parents[2] / "docs" / "how-to"
PAGE, PICTURES = DOCS / "ten-tasks.md", DOCS / "ten-tasks"
LABELS = PICTURES / "labels.json"  # the words that each picture shows on buttons, labels and headings
MAX_STEPS, MAX_PICTURE_BYTES = 3, 60_000

# July 2019 waits, and a book of it stands in the catalogue twice.
PREPARED = """
    UPDATE backfill_log SET status = 'pending', started_at = NULL, completed_at = NULL, books_generated = 0, isbns_resolved = 0,
        isbns_queued = 0, resolution_rate = 0, prompt_variant = NULL, isbndb_calls = 0 WHERE (year, month) = (2019, 7);
    INSERT INTO work (key, title, author, language) VALUES ('twin', 'The Hobbit, or There and Back Again', 'J. R. R. Tolkien', 'en');
    INSERT INTO work_block SELECT b.key, twin.id FROM work_block AS b JOIN work AS w ON w.id = b.work_id AND w.title = 'The Hobbit'
        CROSS JOIN work AS twin WHERE twin.key = 'twin'
"""


@dataclass(frozen=True, slots=True)
class Task:
    """`name` is that of its picture, of the part of the page that `shown` selects; `steps` are sentences with what they do."""

    name: str
    title: str
    steps: tuple[tuple[str, Callable[[Any], None]], ...]
    done: Callable[[Any, Any], None]  # given the page and the site, it fails unless the task is done
    shown: str = "main"


def prepare(url: str) -> None:
    """Fill the catalogue of a test with what the tasks are about."""
    fill(url)
    with psycopg.connect(url) as connection:
        connection.execute(PREPARED.encode())


def _find(text: str) -> tuple[str, Callable[[Any], None]]:
    def act(page: Any) -> None:
        page.get_by_role("searchbox", name="Title, author or ISBN").fill(text)
        page.get_by_role("button", name="Find book").click()
        page.get_by_role("heading", name="Books", exact=True).wait_for()

    return f"Type `{text}` into *Title, author or ISBN* and press *Find book*.", act


def _open(page: Any) -> None:
    page.get_by_role("link", name="The Hobbit", exact=True).click()
    page.get_by_role("heading", name="The Hobbit", exact=True, level=1).wait_for()


def _reason(page: Any, why: str) -> None:
    page.get_by_role("textbox", name="Reason").locator("visible=true").fill(why)
    page.get_by_role("textbox", name="Your name").locator("visible=true").fill("Ann")


def _read_evidence(page: Any) -> None:
    _open(page)
    page.get_by_text("records considered").click()


def _pin(page: Any) -> None:
    page.get_by_text("Its ISBN", exact=True).click()
    page.get_by_label("ISBN", exact=True).fill(PAPERBACK)
    _reason(page, "the edition in hand")


def _tick(page: Any, *titles: str) -> None:
    for title in titles:
        page.get_by_label(f"Select {title}", exact=True).check()


def _select_one(page: Any) -> None:
    _tick(page, "The Hobbit")
    _reason(page, "a reprint")


def _select_two(page: Any) -> None:
    _tick(page, "The Hobbit", "The Hobbit, or There and Back Again")
    _reason(page, "one novel")


def _preview(page: Any) -> None:
    page.get_by_role("textbox", name="Months").fill("2019-07")
    page.locator("#selection").get_by_role("button", name="Preview").click()
    page.get_by_role("heading", name="1 selected month").wait_for()


def _approve(page: Any) -> None:
    page.get_by_text("Approve gate…").click()
    _reason(page, "looked at ten of them")


def _contradicted(page: Any) -> None:
    page.get_by_text("Filters and order").click()
    page.get_by_label("First published in the month").select_option("contradicted")
    page.get_by_role("button", name="Apply").click()


def _press(name: str) -> Callable[[Any], None]:
    return lambda page: page.get_by_role("button", name=name).locator("visible=true").click()


def _link(name: str) -> Callable[[Any], None]:
    return lambda page: page.get_by_role("link", name=name, exact=True).first.click()


def _nothing(page: Any) -> None:
    page.locator("#incidents").scroll_into_view_if_needed()


def _says(text: str) -> Callable[[Any, Any], None]:
    return lambda page, _site: page.get_by_text(text).first.wait_for()


def _decided(act: str) -> Callable[[Any, Any], None]:
    def check(page: Any, site: Any) -> None:
        page.get_by_role("status").get_by_text("Ann").or_(page.get_by_role("status").get_by_text("decision")).wait_for()
        assert [row["act"] for row in site.sql("SELECT act FROM standing_decision")] == [act]

    return check


def _downloads(page: Any, _site: Any) -> None:
    with page.expect_download() as got:
        page.get_by_role("link", name="CSV").click()
    assert HOBBIT in Path(got.value.path()).read_text("utf-8")


def _both(first: Callable[[Any], None], second: Callable[[Any], None]) -> Callable[[Any], None]:
    def act(page: Any) -> None:
        first(page)
        second(page)

    return act


TASKS = (
    Task(
        "why",
        "Find out why an ISBN was chosen",
        (
            _find(HOBBIT),
            (
                (
                    "Open the book. Below each month that named it are the source, the score and the reason; *Evidence* has every "
                    "record that was considered, the refused ones with the reason."
                ),
                _read_evidence,
            ),
        ),
        _says("a study guide"),
        "section[aria-labelledby=decisions]",
    ),
    Task(
        "replace",
        "Replace an ISBN",
        (
            _find("the hobbit"),
            ("Open the book.", _open),
            (
                "Under *Its ISBN* enter the right one and a reason, and press *Pin: it is the one*.",
                _both(_pin, _press("Pin: it is the one")),
            ),
        ),
        _decided("pin"),
        "section[aria-labelledby=persons]",
    ),
    Task(
        "reject",
        "Reject a book",
        (
            _find("the hobbit"),
            (
                (
                    "Tick it, give a reason, and press *Not notable*. For one month only, open the month in the table and follow "
                    "*Find among them* first: then there is *Exclude from* that month, too."
                ),
                _both(_select_one, _press("Not notable")),
            ),
        ),
        _decided("exclude"),
        "section[aria-label=Books]",
    ),
    Task(
        "merge",
        "Merge two books that are one",
        (
            _find("the hobbit"),
            (
                "Tick both, give a reason, and press *Merge into the first*: both are shown as the upper one.",
                _both(_select_two, _press("Merge into the first")),
            ),
        ),
        _decided("merge"),
        "section[aria-label=Books]",
    ),
    Task(
        "run",
        "Run July 2019",
        (
            (
                "Type `2019-07` into *Months* above the table, or click the cell with Shift, and press *Preview*.",
                _preview,
            ),
            ("Press *Schedule 1 month*.", _press("Schedule 1 month")),
        ),
        lambda page, site: page.get_by_role("status").get_by_text("2019-07").wait_for(),
        "#selection",
    ),
    Task(
        "wrong",
        "See what is wrong now",
        (
            (
                (
                    "Read the headline on the start page. It counts the incidents; each is listed below it, with since when, why "
                    "and what to do."
                ),
                _nothing,
            ),
        ),
        _says("What to do"),
        "#incidents",
    ),
    Task(
        "export",
        "Export a month",
        (
            ("Click the month in the table, such as July 2019.", lambda page: page.locator("#m2019-07 a").click()),
            ("Follow *Find among them*.", _link("Find among them")),
            (
                "Choose *CSV*, *JSON* or *MARC 21* below the list.",
                lambda page: page.get_by_role("link", name="CSV").hover(),
            ),
        ),
        _downloads,
        "section[aria-label=Books]",
    ),
    Task(
        "cost",
        "See the cost until now",
        (
            (
                (
                    "Follow *Charts and cost*: the section *Cost* has what was spent, for each provider, and what the forecast "
                    "expects."
                ),
                _link("Charts and cost"),
            ),
        ),
        _says("Cost"),
        "section[aria-labelledby=money]",
    ),
    Task(
        "approve",
        "Approve a gate",
        (
            (
                "Under *Approve gate…* read what follows, enter your name and a reason, and press *Approve gate*.",
                _both(_approve, _press("Approve gate")),
            ),
        ),
        _says("Approved: phase 3 of 3"),
        "#rollout",
    ),
    Task(
        "contradicted",
        "Find all books of another month",
        (
            ("Follow *Books*.", _link("Books")),
            (
                "Under *Filters and order* choose *contradicted* for *First published in the month*, and press *Apply*.",
                _contradicted,
            ),
        ),
        _says("sources: another month"),
        "section[aria-label=Books]",
    ),
)


def documented() -> str:
    """The page of the documentation that has these tasks."""
    parts = [
        "# Ten tasks on the page",
        "",
        "Each takes at most three steps from the start page, after login: a step opens a page, or fills in a form and sends it.",
        "The forms need no JavaScript. What they do, and the same in the terminal and by HTTP, is described in",
        "[Correct books](correct-books.md), [Schedule chosen months](schedule-months.md), [Export the catalogue](export.md) and",
        "[Roll out in phases](roll-out.md).",
    ]
    for task in TASKS:
        parts += ["", f"## {task.title}", ""]
        parts += [f"{number}. {sentence}" for number, (sentence, _) in enumerate(task.steps, 1)]
        parts += ["", f"![{task.title}](ten-tasks/{task.name}.png)"]
    return "\n".join(parts) + "\n"


def labels() -> dict[str, list[str]]:
    """The words that the pictures show, by the name of the task."""
    found: dict[str, list[str]] = json.loads(LABELS.read_text("utf-8"))
    return found
