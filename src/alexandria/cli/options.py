"""Options that several commands share, and the parsing of their values."""

from __future__ import annotations

import re
from datetime import MAXYEAR, MINYEAR, UTC, datetime, timedelta
from typing import Annotated

import typer

from alexandria.core.errors import BadInput
from alexandria.core.month import FIRST_YEAR, LAST_YEAR

DryRun = Annotated[bool, typer.Option("--dry-run", "-n", help="Show what would change, change nothing.")]
Host = Annotated[str, typer.Option(help="Address to listen on.")]
Port = Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0 picks a free one.")]
Concurrency = Annotated[
    int | None, typer.Option(min=1, max=64, help="Most months in parallel. Default: ALEXANDRIA_CONCURRENCY.")
]
Faults = Annotated[
    str,
    typer.Option(
        metavar="RULES",
        help="Simulated provider faults: none, light, heavy, or rules WHERE:FAULT=SHARE@WHEN separated by commas, "
        "such as isbndb:down or xai:refusal=0.3 or *:hang@30s-60s. The sandbox lists all at /__sandbox/faults.",
    ),
]
RootPath = Annotated[
    str, typer.Option(metavar="PATH", help="Path under which a proxy publishes this server, such as /library.")
]
WhileStdin = Annotated[bool, typer.Option("--while-stdin", hidden=True, help="Stop when standard input ends.")]
Year = Annotated[int | None, typer.Option(min=FIRST_YEAR, max=LAST_YEAR, help="Only this year.")]

_UNITS = {"s": timedelta(seconds=1), "m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}
# The first parts of the application's own paths: behind a prefix that begins so, a path could mean two things.
OWN_PATHS = {"api", "books", "charts", "docs", "events", "health", "isbn", "login", "logout", "metrics", "months", "openapi.json", "pause", "resume",
             "retry", "review", "rollout", "schedule", "seed", "static", "works"}  # fmt: skip
_RULE = f"a range is A..B or one year, from {FIRST_YEAR} to {LAST_YEAR}"


def years(text: str) -> tuple[int, int]:
    """First and last year of "A..B" or "A", as written. Raises BadInput."""
    found = re.fullmatch(r"(\d{4})(?:\.\.(\d{4}))?", text, re.ASCII)
    if not found:
        raise BadInput(f"{text!r} is not a range of years", hint=_RULE)
    first, last = int(found[1]), int(found[2] or found[1])
    for year in (first, last):
        if not FIRST_YEAR <= year <= LAST_YEAR:
            raise BadInput(f"year {year} is out of range", hint=_RULE)
    return first, last


def in_order(text: str, first: int, last: int) -> tuple[int, int]:
    """The years of the range `text`. Raises BadInput if the first is after the last."""
    if first > last:
        raise BadInput(f"{text}: start year must not be after end year", hint=f"write {last}..{first}")
    return first, last


def root_path(text: str) -> str:
    """The path without a slash at its end; "" for the root. Raises BadInput."""
    path = text.rstrip("/")
    if path and not re.fullmatch(r"(/[A-Za-z0-9._~-]+){1,10}", path, re.ASCII):
        raise BadInput(f"--root-path: {text!r} is not a path", hint="write a path such as /library or /apps/books")
    if path.partition("/")[2].split("/")[0] in OWN_PATHS:
        raise BadInput(f"--root-path: {path} begins like a path of the application", hint="choose another first part")
    if {".", ".."} & {*path.split("/")}:
        raise BadInput(f"--root-path: {text!r} contains . or ..", hint="write the path that browsers send")
    return path


def instant(text: str) -> datetime:
    """Parse a time; UTC if it has no offset. Raises BadInput."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise BadInput(f"{text!r} is not a valid time", hint="example: 2026-11-24T18:00") from None
    if not MINYEAR < at.year < MAXYEAR:  # in another zone such a time is outside the calendar
        raise BadInput(f"{text!r} is not a valid time", hint=f"the year must be from {MINYEAR + 1} to {MAXYEAR - 1}")
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def since(text: str, now: datetime) -> datetime:
    """Parse the start of a period that ends `now`: its length ("90m", "2h", "3d"), or a time. Raises BadInput."""
    found = re.fullmatch(r"(\d{1,6})([smhd])", text, re.ASCII)
    if not found and not re.match(r"\d{4}-", text):
        raise BadInput(f"{text!r} is not a valid time", hint="examples: 90m, 2h or 3d ago, or 2026-11-24T18:00")
    if not found:
        return instant(text)
    try:
        return now - int(found[1]) * _UNITS[found[2]]
    except OverflowError:
        raise BadInput(f"{text!r} is longer ago than any calendar", hint="examples: 90m, 2h or 3d ago") from None


def rates(text: str) -> dict[str, float]:
    """Requests a second by provider, from "NAME=N,NAME=N". Raises BadInput."""
    try:
        pairs = [part.split("=") for part in text.split(",") if part]
        return {name.strip(): float(rate) for name, rate in pairs}
    except ValueError:
        raise BadInput(
            f"{text!r} is not a list of rates", hint="format: NAME=N,NAME=N with N requests per second"
        ) from None
