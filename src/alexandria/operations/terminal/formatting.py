"""Formats results for terminals: tables, headings and states in their colours, as text or as one line of JSON."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from io import StringIO
from typing import Any

from rich.console import Console, JustifyMethod, RenderableType
from rich.padding import Padding
from rich.style import Style
from rich.table import Table
from rich.text import Text

from alexandria.core.escaping import inert, inert_json, inert_line, isolated
from alexandria.operations.status_style import STYLES

UNBROKEN = {"ISBN", "provider", "month"}  # columns of a table whose values stay on one line, as they are copied
DEFAULT_WIDTH = 200  # columns where there is no terminal to fit into


@dataclass(frozen=True, slots=True)
class TerminalFeatures:
    """The terminal of another process: its columns, its kind as TERM and COLORTERM name it, and whether it shows colours."""

    columns: int
    kind: str
    colors: str = ""
    colored: bool = True


def rendered(parts: Iterable[RenderableType], terminal: TerminalFeatures | None) -> str:
    """The parts as a command prints them: on this terminal, or for programs and files (None)."""
    if terminal is None:
        return "".join(plain_lines(_console(DEFAULT_WIDTH), parts))
    environment = {"TERM": terminal.kind, "COLORTERM": terminal.colors}
    console = _console(
        terminal.columns, force_terminal=True, no_color=not terminal.colored, _environ=environment, legacy_windows=False
    )
    # rich keeps the codes of a style as they are for the kind of terminal that it was first printed on.
    Style.parse.cache_clear()
    Style._add.cache_clear()  # noqa: SLF001 # there is no other way
    with console.capture() as captured:
        for part in map(harmless, parts):
            console.print(part)
    return captured.get()


def plain_lines(console: Console, parts: Iterable[RenderableType]) -> Iterator[str]:
    """The parts for programs and files, each in whole lines, without the blanks at the ends of lines."""
    for part in map(harmless, parts):
        with console.capture() as captured:
            console.print(part)
        yield "".join(f"{line.rstrip()}\n" for line in captured.get().splitlines())


def json_line(whole: object, *, ascii_only: bool = False) -> str:
    """The value as one line of JSON, with its end; `ascii_only` for an output that cannot show every sign."""
    return inert_json(json.dumps(whole, default=_plain, ensure_ascii=ascii_only)) + "\n"


def table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Table:
    """A table for a terminal, which folds and cuts nothing. A column whose name ends in # holds numbers and is aligned right."""
    grid = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        justify: JustifyMethod = "right" if column.endswith("#") else "left"
        grid.add_column(column.removesuffix("#"), justify=justify, overflow="fold", no_wrap=column in UNBROKEN)
    for row in rows:
        grid.add_row(
            *(cell if isinstance(cell, Text) else Text(isolated(inert_line(format_value(cell)))) for cell in row)
        )
    return grid


def harmless(part: RenderableType) -> RenderableType:
    """Escape control characters in plain text, which may come from outside; our own renderables stay as they are."""
    return inert(part) if isinstance(part, str) else part


def heading(text: str) -> Text:
    return Text(f"\n{text}", style="bold")


def folded(text: str, indent: int = 0) -> RenderableType:
    """A line that folds within its indent."""
    return Padding(Text(isolated(inert_line(text)), overflow="fold"), (0, 0, 0, indent))


def format_value(value: object) -> str:
    """Format a value as text; times in UTC."""
    match value:
        case None:
            return "-"
        case datetime():
            return f"{value.astimezone(UTC):%Y-%m-%d %H:%M:%S}"
        case bool():
            return "yes" if value else "no"
        case list() | tuple():
            return ", ".join(map(str, value))
        case _:
            return str(value)


def chip(state: str, text: str = "", gap: str = " ") -> Text:
    """A state in its colours: the glyph, and after a gap `text` if it is given."""
    style = STYLES[state]
    # A state with a border has the terminal's own background, which may be dark.
    return Text(
        f"{style.glyph}{gap}{text}" if text else style.glyph, "dim" if style.border else f"{style.ink} on {style.fill}"
    )


def _console(width: int, **options: Any) -> Console:
    return Console(file=StringIO(), width=width, highlight=False, markup=False, emoji=False, **options)


def _plain(value: Any) -> Any:
    match value:
        case datetime():
            return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
        case Decimal():
            return float(value)
        case set() | frozenset():
            return sorted(value)
        case _ if dataclasses.is_dataclass(value) and not isinstance(value, type):
            return dataclasses.asdict(value)
        case _:
            return str(value)
