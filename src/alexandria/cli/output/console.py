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
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from alexandria.core.errors import AlexandriaError
from alexandria.core.escaping import inert, inert_json, inert_line
from alexandria.operations.status_style import STYLES

DEFAULT_WIDTH = 200  # columns where there is no terminal to fit into


@dataclass(frozen=True, slots=True)
class Options:
    """What holds for every command. `database` is a URL that goes before the environment's."""

    json: bool = False
    quiet: bool = False
    verbose: bool = False
    color: bool = True
    database: str | None = dataclasses.field(default=None, repr=False)


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
        """Whether pictures may move."""
        return self.out.is_terminal and self.err.is_terminal and not self.options.json and not self.options.quiet

    def result(self, data: object, *shown: RenderableType) -> None:
        """What was asked for: `data` as JSON, or `shown` for people."""
        if self.options.json:
            self._json({"ok": True, "data": data})
            return
        for part in map(harmless, shown):
            if self.out.is_terminal:
                self.out.print(part)
            else:
                self._plainly(part)

    def line(self, data: object, shown: Text) -> None:
        """One of many that come one by one: `data` as a line of JSON, or `shown`, which was made harmless."""
        if self.options.json:
            self._json(data)
        elif self.out.is_terminal:
            self.out.print(shown, soft_wrap=True)
        else:
            sys.stdout.write(f"{shown.plain}\n")
            sys.stdout.flush()

    def say(self, text: RenderableType) -> None:
        """Talk: what was done and what to do next."""
        if not self.options.quiet:
            self.err.print(harmless(text))

    def fail(self, error: AlexandriaError, cure: str) -> None:
        """An error in three parts: what happened, why, and the command to try."""
        hint = error.hint or (f"try: {cure}" if cure else "")
        if self.options.json:
            told = {"code": error.code, "message": error.message, "hint": hint}
            self._json({"ok": False, "error": told | ({"details": error.details} if error.details else {})})
            return
        self.err.print(Text.assemble(("error: ", "bold red"), inert(error.message)))
        if error.hint:
            self.err.print(f"  {inert(error.hint)}")
        if cure and cure not in error.hint:
            self.err.print(f"  try: {cure}")

    def unforeseen(self, error: BaseException) -> None:
        """An error that is nobody's fault but ours: its type in one line, and with -v where it arose."""
        name = type(error).__name__
        if self.options.verbose:
            from alexandria.core.logging import masked

            self.err.print(inert(masked("".join(traceback.format_exception(error)))))
        self.fail(_Unforeseen(f"unexpected {name}", hint="this is a fault of alexandria; -v shows where it arose"), "")

    def _plainly(self, part: RenderableType) -> None:
        """For programs and files: without the blanks that fill a terminal's lines."""
        with self.out.capture() as captured:
            self.out.print(part)
        sys.stdout.write("".join(f"{line.rstrip()}\n" for line in captured.get().splitlines()))
        sys.stdout.flush()

    def _json(self, whole: object) -> None:
        sys.stdout.write(inert_json(json.dumps(whole, default=_plain, ensure_ascii=False)) + "\n")
        sys.stdout.flush()


def let_go() -> None:
    """Whoever read us has seen enough, as head does: what is still to be written goes nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def output_of(context: typer.Context) -> Output:
    return cast(Output, context.find_root().obj)


def table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Table:
    """A column whose name ends in # holds numbers."""
    drawn = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        drawn.add_column(column.removesuffix("#"), justify="right" if column.endswith("#") else "left")
    for row in rows:
        drawn.add_row(*(cell if isinstance(cell, Text) else Text(inert_line(shown(cell))) for cell in row))
    return drawn


def harmless(part: RenderableType) -> RenderableType:
    """Plain text may come from outside; what is drawn was made by us."""
    return inert(part) if isinstance(part, str) else part


def heading(text: str) -> Text:
    return Text(f"\n{text}", style="bold")


def shown(value: object) -> str:
    """A value as people read it; times in UTC."""
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


def chip(state: str, text: str = "") -> Text:
    """A state in its colours: the glyph, and `text` if there is any."""
    look = STYLES[state]
    # A state that is drawn as a frame has the terminal's own ground, which may be dark.
    return Text(f"{look.glyph} {text}" if text else look.glyph, "dim" if look.border else f"{look.ink} on {look.fill}")


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
