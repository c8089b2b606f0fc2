"""The commands of the bibliography, a local copy of other catalogues: load, status, drop, search."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Self

import typer

from alexandria.cli.exit_codes import DONE, NOTHING
from alexandria.cli.options import DryRun, in_order
from alexandria.cli.options import years as parse_years
from alexandria.cli.output.console import Output, output_of
from alexandria.core.errors import BadInput
from alexandria.core.grammar import counted
from alexandria.operations.terminal.formatting import table

if TYPE_CHECKING:
    from alexandria.bibliography.loader import LoadProgress
    from alexandria.bibliography.rows import Limits
    from alexandria.bibliography.tables import LoadedBibliography
    from alexandria.catalogue.models import EditionRecord
    from alexandria.operations.system import System

group = typer.Typer(
    name="bibliography", help="Load a local copy of other catalogues, to find most books without requests."
)
_REPORT_INTERVAL = 10.0  # seconds between two lines of progress where there is no terminal
_REDRAW_INTERVAL = 0.3  # seconds, on a terminal
_MAX_SHOWN_COUNT = 20  # editions that a search lists


@group.callback()
def _group() -> None:
    """Load a local copy of other catalogues, from which most books are found without a request."""


@group.command()
def load(
    context: typer.Context,
    *,
    files: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[FILE]...",
            help="Open Library's dumps of authors, works and editions, and of ratings and the reading log, MARC 21, CSV or JSON "
            "Lines (also of `export`), plain or gzip, in any order; - is standard input.",
        ),
    ] = None,
    from_postgres: Annotated[
        str | None,
        typer.Option(metavar="URL", help="Instead of files: a PostgreSQL with the tables authors, works and editions."),
    ] = None,
    years: Annotated[
        str | None,
        typer.Option(metavar="A..B", help="Only editions published in these years; undated ones are left out."),
    ] = None,
    languages: Annotated[
        str | None, typer.Option(metavar="en,de", help="Only these languages, and editions of unknown language.")
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Load also what is smaller or older than the last load.")
    ] = False,
) -> int:
    """Load catalogues into the database, in place of what is loaded. The old bibliography serves until the new one is complete."""
    from alexandria.bibliography import loader
    from alexandria.cli.settings import settings_of
    from alexandria.database.server import open_server, require_migrated

    if bool(files) == bool(from_postgres):
        raise BadInput("give files, or --from-postgres URL", hint="alexandria bibliography load --help")
    output, limits = output_of(context), _limits(years, languages)
    settings = settings_of(output)
    folder = settings.data_dir if settings.data_dir.is_dir() else None
    with open_server(settings) as server:
        require_migrated(server.url)
        with _Progress(output) as progress:
            if from_postgres is not None:
                loaded = loader.load_tables(
                    server.url, from_postgres, limits, force=force, folder=folder, report=progress.report
                )
            else:
                loaded = loader.load_files(
                    server.url, files or [], limits, force=force, folder=folder, report=progress.report
                )
    output.result(loaded, _described(loaded))
    return DONE


@group.command()
def status(context: typer.Context) -> int:
    """Print what is loaded, its age and its size. Exit code 3 if nothing is loaded."""
    from alexandria.bibliography import tables
    from alexandria.cli.settings import settings_of
    from alexandria.database.server import open_server

    output = output_of(context)
    with open_server(settings_of(output)) as server:
        loaded = tables.status(server.url)
    if loaded is None:
        output.result(None, "no bibliography is loaded")
        return NOTHING
    output.result(loaded, _described(loaded))
    return DONE


@group.command()
def drop(context: typer.Context, dry_run: DryRun = False) -> int:
    """Remove the bibliography from the database. Books that were found in it stay."""
    from alexandria.bibliography import tables
    from alexandria.cli.settings import settings_of
    from alexandria.database.server import open_server

    output = output_of(context)
    with open_server(settings_of(output)) as server:
        loaded = tables.status(server.url)
        if not dry_run:
            tables.drop(server.url)
    count = loaded.editions if loaded else 0
    output.result(
        {"dry_run": dry_run, "editions": count},
        f"{'would remove' if dry_run else 'removed'} {counted(count, 'edition')}",
    )
    return DONE if loaded else NOTHING


@group.command()
def search(
    context: typer.Context,
    title: Annotated[str, typer.Argument(metavar="TITLE|ISBN", help="A title, or an ISBN.")],
    author: Annotated[str, typer.Option(help="The author.")] = "",
) -> int:
    """Print the editions that the bibliography has for a title or an ISBN, the likeliest first."""
    from alexandria.bibliography.lookup import BibliographyIndex
    from alexandria.catalogue.models import Isbn13
    from alexandria.cli.runtime.system import on_system

    async def act(system: System) -> list[EditionRecord]:
        index = BibliographyIndex(system.database)
        if (isbn := Isbn13.read(title)) is not None:
            return (await index.by_isbns([isbn])).get(isbn, [])
        return await index.find(title, [author] if author else [])

    output = output_of(context)
    found = on_system(output, act)[:_MAX_SHOWN_COUNT]
    rows = [
        (hit.isbn13 or "several", hit.heading, "; ".join(hit.authors), hit.published, hit.publisher, hit.source.id)
        for hit in found
    ]
    if not found:
        output.result([], "nothing was found")
        return NOTHING
    output.result(
        [_view(hit) for hit in found], table(("isbn13", "title", "authors", "published", "publisher", "record"), rows)
    )
    return DONE


class _Progress:
    """Prints how far a load is: one line that is redrawn on a terminal, a line now and then elsewhere."""

    def __init__(self, output: Output) -> None:
        self._output, self._began = output, time.monotonic()
        self._printed, self._drawn, self._phase = self._began, False, ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._drawn:
            self._output.err.file.write("\r\x1b[K")
            self._output.err.file.flush()

    def report(self, progress: LoadProgress) -> None:
        now = time.monotonic()
        moving = self._output.moving
        interval = _REDRAW_INTERVAL if moving else _REPORT_INTERVAL
        if now - self._printed < interval and progress.phase == self._phase:
            return
        self._printed, self._phase = now, progress.phase
        text = self._text(progress, now - self._began)
        if moving:
            self._drawn = True
            self._output.err.file.write(f"\r\x1b[K{text}")
            self._output.err.file.flush()
        else:
            self._output.message(text)

    def _text(self, progress: LoadProgress, seconds: float) -> str:
        if not progress.is_reading:
            return f"{progress.phase}: step {progress.done + 1} of {progress.total}, {progress.lines:,} lines are read"
        rate = f"{progress.lines:,} lines, {progress.lines / seconds:,.0f}/s"
        if not progress.total:
            return f"{progress.phase}: {rate}"
        share = min(1.0, progress.done / progress.total)
        left = seconds / share - seconds if share else 0.0
        return f"{progress.phase}: {share:.0%}, {rate}, {_minutes(left)} left"


def _minutes(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"


def _limits(years: str | None, languages: str | None) -> Limits:
    from alexandria.bibliography.rows import Limits
    from alexandria.catalogue.languages import language

    codes = [code.strip() for code in (languages or "").split(",") if code.strip()]
    if unknown := [code for code in codes if not language(code)]:
        raise BadInput(f"--languages: {unknown[0]!r} is not a language", hint="write codes such as en,de,fr")
    return Limits(in_order(years, *parse_years(years)) if years else None, frozenset(map(language, codes)))


def _described(loaded: LoadedBibliography) -> str:
    """What is loaded, in some lines."""
    lines = [
        f"{counted(loaded.editions, 'edition')} of {counted(loaded.titles, 'title')}, {loaded.bytes / 1e6:,.0f} MB on disk",
        f"loaded {loaded.loaded_at:%Y-%m-%d %H:%M} UTC from {loaded.source} in {_minutes(loaded.seconds)}",
    ]
    if loaded.newest is not None:
        lines.append(f"its newest record is of {loaded.newest:%Y-%m-%d}")
    if loaded.first_year is not None:
        lines.append(f"years {loaded.first_year} to {loaded.last_year}")
    if loaded.languages:
        lines.append(f"languages {', '.join(loaded.languages)}")
    left_out = [f"{count:,} {reason}" for reason, count in sorted(loaded.left_out.items(), key=lambda each: -each[1])]
    if left_out:
        lines.append(f"left out: {', '.join(left_out)}")
    return "\n".join(lines)


def _view(hit: EditionRecord) -> dict[str, object]:
    return {
        "isbn13": hit.isbn13,
        "title": hit.title,
        "subtitle": hit.subtitle or None,
        "authors": [*hit.authors],
        "publisher": hit.publisher or None,
        "published": str(hit.published) if hit.published else None,
        "language": hit.language or None,
        "binding": hit.binding or None,
        "pages": hit.pages,
        "work": hit.work_key or None,
        "record": {"provider": hit.source.provider, "id": hit.source.id},
    }
