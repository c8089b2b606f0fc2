"""The command `resolve`: title and author to ISBN, with the evidence, for one book or a list."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import aclosing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from alexandria.cli.exit_codes import NOTHING
from alexandria.cli.output.console import let_go, output_of
from alexandria.core.errors import AlexandriaError, BadInput

if TYPE_CHECKING:
    from alexandria.backfill.lists.answer_file import AnswerFile
    from alexandria.cli.output.console import Output
    from alexandria.operations.system import System

commands = typer.Typer()
PROGRESS_INTERVAL = 10.0  # seconds between two lines about the progress, off a terminal
STREAM = Path("-")


@commands.command(rich_help_panel="Work")
def resolve(
    context: typer.Context,
    *,
    title: Annotated[str | None, typer.Option(help="Title, as on the title page.")] = None,
    author: Annotated[str | None, typer.Option(help="First author.")] = None,
    year: Annotated[int | None, typer.Option(help="Year of first publication, if known.")] = None,
    source: Annotated[
        Path | None,
        typer.Option("--input", metavar="FILE", help="A list as CSV, TSV, JSON or JSON lines; or -."),
    ] = None,
    target: Annotated[
        Path | None,
        typer.Option("--output", metavar="FILE", help="File for the answers: .csv, .tsv, .json, .jsonl; or -."),
    ] = None,
    columns: Annotated[
        list[str] | None,
        typer.Option("--map", metavar="FIELD=COLUMN", help="Column of title, author, year, month or isbn in the list."),
    ] = None,
    sources: Annotated[str | None, typer.Option(metavar="A,B", help="Ask these sources, in this order.")] = None,
) -> int:
    """Resolve title and author to an ISBN, with the evidence: one book, or a list. May use the daily reserve.

    A list is a table, such as an export of Goodreads, StoryGraph, LibraryThing or Calibre, or JSON. ISBNs are checked.

    The answers have its order and form; to JSON lines {"id", "isbn13", "verdict", "score", "source", "reasons"}.

    Lines that the output file already answers are skipped: repeat the command to continue after an interruption.
    """
    output = output_of(context)
    if source is not None and (title, author, year) == (None, None, None):
        return _resolve_list(output, source, target or STREAM, columns or [], sources)
    if source is not None or target is not None or columns or title is None or author is None:
        hint = "alexandria resolve --title T --author A, or alexandria resolve --input FILE --output FILE"
        raise BadInput("either one book or a list", hint=hint)

    from alexandria.cli.output import resolution

    found = resolution.look_up(output, title, author, year, sources)
    output.result(resolution.to_view(found), *resolution.render(found))
    return 0 if found.isbn13 else NOTHING


@dataclass
class ListProgress:
    """What was answered so far: `before` in an earlier run, `verdicts` in this one. `names` describes each verdict."""

    total: int
    before: int
    names: dict[str, str]
    verdicts: Counter[str] = field(default_factory=Counter)

    @property
    def done(self) -> int:
        return self.before + self.verdicts.total()

    def to_view(self) -> dict[str, int]:
        now = {name: self.verdicts[name] for name in self.names}
        return {"lines": self.total, "answered": self.done, "answered_before": self.before, **now}

    @property
    def counts(self) -> str:
        return ", ".join(f"{self.verdicts[name]} {text}" for name, text in self.names.items() if self.verdicts[name])

    def __str__(self) -> str:
        return f"{self.done} of {self.total} lines answered" + (f": {self.counts}" if self.counts else "")


def _resolve_list(output: Output, source: Path, target: Path, columns: Sequence[str], sources: str | None) -> int:
    from alexandria.catalogue.matching.scoring import ACCEPT

    try:
        tally = _answer_all(output, source, target, columns, sources)
        sys.stdout.flush()
    except BrokenPipeError:
        let_go()
        return 0
    if target != STREAM:
        output.result(tally.to_view())
    return 0 if tally.verdicts[ACCEPT] or tally.before else NOTHING


def _answer_all(
    output: Output, source: Path, target: Path, columns: Sequence[str], sources: str | None
) -> ListProgress:
    """Answer all lines of `source` that `target` does not answer yet. Every answer is kept if the command fails."""
    from alexandria.backfill.lists.answer_file import answer_file
    from alexandria.backfill.lists.answer_forms import form_of
    from alexandria.backfill.lists.columns import mapping
    from alexandria.backfill.lists.files import read
    from alexandria.backfill.lists.questions import REFUSED, mistakes
    from alexandria.catalogue.matching.scoring import ACCEPT, DOUBT, REFUSE
    from alexandria.cli.runtime.system import asking_providers

    names = {ACCEPT: "with an ISBN", DOUBT: "in doubt", REFUSE: "not found", REFUSED: "unreadable"}
    books = read(_read(source), mapping(columns))
    path = None if target == STREAM else target
    if path is not None and path.exists() and source != STREAM and path.samefile(source):
        raise BadInput("--output must differ from --input", hint="name another file")
    found = mistakes(books.lines)
    with answer_file(path, sys.stdout.buffer, form_of(books, path), books.lines) as file:
        tally = ListProgress(len(books.lines), file.before, names)
        if tally.before:
            output.message(f"{target}: {tally.before} lines are answered already")
        try:
            with _progress(output, tally, moving=output.moving and path is not None) as tick:
                asking_providers(output, sources, lambda system: _write(system, file, tally, tick))
        except (AlexandriaError, KeyboardInterrupt):
            again = "" if path is None else "; repeat the command to continue"
            output.message(f"{tally}{again}")
            raise
    for mistake in found:
        output.message(mistake)
    output.message(str(tally))
    return tally


async def _write(system: System, file: AnswerFile, tally: ListProgress, tick: Callable[[], None]) -> None:
    from alexandria.backfill import resolve_list

    pool = system.backfill.runner.sources
    async with aclosing(resolve_list.answers(file.left, pool, system.database)) as answers:
        async for answer in answers:
            file.add(answer)
            tally.verdicts[answer.verdict] += 1
            tick()
    file.end()


@contextmanager
def _progress(output: Output, tally: ListProgress, *, moving: bool) -> Iterator[Callable[[], None]]:
    """What to call after each answer: it updates a progress bar on a terminal, or prints a line now and then."""
    if not moving:
        yield _PrintedProgress(output, tally)
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=output.err, transient=True) as bar:
        task = bar.add_task("", total=tally.total, completed=tally.before)
        yield lambda: bar.update(task, completed=tally.done, description=tally.counts)


class _PrintedProgress:
    def __init__(self, output: Output, tally: ListProgress) -> None:
        self._output, self._tally = output, tally
        self._printed_at = time.monotonic()

    def __call__(self) -> None:
        if time.monotonic() - self._printed_at >= PROGRESS_INTERVAL:
            self._printed_at = time.monotonic()
            self._output.message(str(self._tally))


def _read(source: Path) -> bytes:
    if source == STREAM:
        return sys.stdin.buffer.read()
    try:
        return source.read_bytes()
    except OSError as refused:
        raise BadInput(
            f"{source} cannot be read: {refused.strerror}",
            hint="--input names a CSV, TSV or JSON file, or - for standard input",
        ) from None
