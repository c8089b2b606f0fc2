"""Prints for commands: data on standard output, messages on standard error, as text or as JSON."""

from __future__ import annotations

import dataclasses
import json
import os
import sys
import traceback
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, cast

import typer
from rich.console import Console, JustifyMethod, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from alexandria.core.errors import AlexandriaError
from alexandria.core.escaping import inert, inert_json, inert_line, isolated
from alexandria.operations.status_style import STYLES

UNBROKEN = {"ISBN", "provider", "month"}  # columns of a table whose values stay on one line, as they are copied
DEFAULT_WIDTH = 200  # columns where there is no terminal to fit into


@dataclass(frozen=True, slots=True)
class Options:
    """The options of every command. `database` is a URL that overrides DATABASE_URL; `server` and `demo` choose a server.

    `remote` is the address of `server` if that is not one of this machine and account.
    """

    json: bool = False
    quiet: bool = False
    verbose: bool = False
    color: bool = True
    no_input: bool = False
    database: str | None = dataclasses.field(default=None, repr=False)
    server: str | None = None
    demo: bool = False
    remote: str = ""


class _Unforeseen(AlexandriaError):
    code = "unexpected"


class Output:
    """The two streams of one command."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.out = _console(options, stderr=False)
        self.err = _console(options, stderr=True)

    @property
    def moving(self) -> bool:
        """Whether output may change in place: on a terminal, without --json and --quiet."""
        return self.out.is_terminal and self.err.is_terminal and not self.options.json and not self.options.quiet

    def result(self, data: object, *parts: RenderableType) -> None:
        """Print the result of the command: `data` as JSON, or `parts` as text."""
        if self.options.json:
            self._json({"ok": True, "data": data})
            return
        for part in map(harmless, parts):
            if self.out.is_terminal:
                self.out.print(part)
            else:
                self._plainly(part)

    def line(self, data: object, text: Text) -> None:
        """Print one line of a stream: `data` as JSON, or `text`, whose control characters are already escaped."""
        if self.options.json:
            self._json(data)
        elif self.out.is_terminal:
            self.out.print(text, soft_wrap=True)
        else:
            sys.stdout.write(f"{text.plain}\n")
            sys.stdout.flush()

    def message(self, text: RenderableType) -> None:
        """Print on standard error what was done or what to do next, unless --quiet."""
        if not self.options.quiet:
            self.err.print(harmless(text))

    def fail(self, error: AlexandriaError, fix: str) -> None:
        """Print an error in three parts: what happened, why, and the command to try."""
        hint = error.hint or (f"try: {fix}" if fix else "")
        if self.options.json:
            view = {"code": error.code, "message": error.message, "hint": hint}
            self._json({"ok": False, "error": view | ({"details": error.details} if error.details else {})})
            return
        self.err.print(Text.assemble(("error: ", "bold red"), inert(error.message)))
        if error.hint:
            self.err.print(f"  {inert(error.hint)}")
        if fix and fix not in error.hint:
            self.err.print(f"  try: {fix}")

    def unforeseen(self, error: BaseException) -> None:
        """Print an error in our own code: its type in one line, and the traceback with -v."""
        name = type(error).__name__
        if self.options.verbose:
            from alexandria.core.redaction import masked_traceback

            self.err.print(inert(masked_traceback("".join(traceback.format_exception(error)))))
        self.fail(_Unforeseen(f"unexpected {name}", hint="this is a fault of alexandria; -v shows where it arose"), "")

    def _plainly(self, part: RenderableType) -> None:
        """Print for programs and files, without the blanks at the ends of lines."""
        with self.out.capture() as captured:
            self.out.print(part)
        sys.stdout.write("".join(f"{line.rstrip()}\n" for line in captured.get().splitlines()))
        sys.stdout.flush()

    def _json(self, whole: object) -> None:
        sys.stdout.write(inert_json(json.dumps(whole, default=_plain, ensure_ascii=False)) + "\n")
        sys.stdout.flush()


def let_go() -> None:
    """Discard all further output, after the reader of standard output has closed it (as `head` does)."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def output_of(context: typer.Context) -> Output:
    return cast(Output, context.find_root().obj)


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


def _console(options: Options, *, stderr: bool) -> Console:
    stream = sys.stderr if stderr else sys.stdout
    return Console(
        stderr=stderr,
        no_color=None if options.color else True,
        width=None if stream.isatty() else DEFAULT_WIDTH,
        highlight=False,
        markup=False,
        emoji=False,
    )


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
