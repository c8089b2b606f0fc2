"""Prints for commands: data on standard output, messages on standard error, as text or as JSON."""

from __future__ import annotations

import dataclasses
import os
import sys
import traceback
from dataclasses import dataclass
from typing import cast

import typer
from rich.console import Console, RenderableType
from rich.text import Text

from alexandria.core.encodings import is_utf8
from alexandria.core.errors import AlexandriaError
from alexandria.core.escaping import inert
from alexandria.operations.terminal.formatting import DEFAULT_WIDTH, harmless, json_line, plain_lines


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
        if self.out.is_terminal:
            for part in map(harmless, parts):
                self.out.print(part)
            return
        for text in plain_lines(self.out, parts):
            sys.stdout.write(text)
            sys.stdout.flush()

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

    def _json(self, whole: object) -> None:
        sys.stdout.write(json_line(whole, ascii_only=not is_utf8(sys.stdout)))
        sys.stdout.flush()


def let_go() -> None:
    """Discard all further output, after the reader of standard output has closed it (as `head` does)."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def output_of(context: typer.Context) -> Output:
    return cast(Output, context.find_root().obj)


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
